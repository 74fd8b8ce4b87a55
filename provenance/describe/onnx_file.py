"""Any embedding network in an ONNX file, run by onnxruntime: SSCD, or one of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)

from provenance.describe.model_file import digest, reason, unit_rows
from provenance.describe.preprocess import DEFAULT_SIDE, LEVELS, Options, Recipe, parse_options
from provenance.errors import ModelError, UsageError
from provenance.records import Pixels

ORT_ERRORS = (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)
TYPES: dict[str, type[np.generic]] = {
    "tensor(uint8)": np.uint8,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}


@dataclass(frozen=True, slots=True)
class Graph:
    """What a graph takes and gives."""

    input: str
    output: str
    dtype: type[np.generic]
    channels_last: bool
    height: int | None
    """None: any."""
    width: int | None


class OnnxEmbedder:
    """Embeds pictures with the network in an ONNX file.

    `spec` is "FILE[,side=N][,mean=imagenet|half|none][,fit=square|short]". The graph takes pictures as bytes
    or floats, channels first or last, and gives one vector a picture. Its size is used where it is fixed,
    otherwise `side`; floats are normalised as `mean` says. Runs on a GPU where onnxruntime has one. `threads`
    is for one run, 0 for one per core. May be shared between threads. Raises UsageError for options the graph
    contradicts, ModelError for a file that is missing, damaged, or no embedding network.
    """

    def __init__(self, spec: str, *, name: str = "copy", threads: int = 0) -> None:
        file, options = parse_options(spec)
        path = Path(file).expanduser()
        self.name = name
        self._title = repr(str(path))
        sha256 = digest(path)
        self._session = _open(path, threads)
        self._graph = _read(self._session, self._title)
        self._recipe = _recipe(self._graph, options, self._title)
        self.version = f"onnx@{sha256[:12]},{self._recipe}"
        try:
            self.dimension = int(unit_rows(self._run(self._recipe.probe()), self._title).shape[1])
        except ORT_ERRORS as error:
            raise ModelError(
                f"{self._title} does not run on pictures with {self._recipe}: {reason(error)}; "
                "write the side it was made for, e.g. onnx:FILE,side=224"
            ) from error

    def embed(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """Unit vectors float32 [n, dimension] of n uint8 [h, w, 3] pictures of any size.

        The pictures go through one by one: a batch gains nothing on a CPU, and so a picture's vector does not
        depend on its company.
        """
        rows = [unit_rows(self._run(image), self._title) for image in images]
        return np.concatenate(rows) if rows else np.empty((0, self.dimension), np.float32)

    def _run(self, image: Pixels) -> NDArray[np.floating]:
        graph = self._graph
        picture = self._recipe.resized(image)
        if graph.dtype is not np.uint8:
            picture = self._recipe.normalised(picture).astype(graph.dtype)
        if not graph.channels_last:
            picture = np.ascontiguousarray(picture.transpose(2, 0, 1))
        return np.asarray(self._session.run([graph.output], {graph.input: picture[None]})[0])


def _open(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Spinning threads would take the cores from keypoints and decoding, which run at the same time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Weights beside the file would not be in its digest: look for them where none can be.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path))
    options.log_severity_level = 4
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [one for one in wanted if one in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=providers)
    except ORT_ERRORS as error:
        raise ModelError(
            f"{str(path)!r} cannot be loaded as ONNX: {reason(error)}; give an undamaged .onnx file with its "
            "weights inside"
        ) from error


def _read(session: onnxruntime.InferenceSession, title: str) -> Graph:
    """What the graph takes and gives; raises ModelError where that is no picture, or no vector."""
    inputs = session.get_inputs()
    described = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
    cure = "export it with one input, float32 [n, 3, h, w] or uint8 [n, h, w, 3]"
    if len(inputs) != 1 or inputs[0].type not in TYPES or len(inputs[0].shape) != 4:
        raise ModelError(f"{title} does not take a picture ({described}): {cure}")
    (taken,) = inputs
    batch, *sides = taken.shape
    if isinstance(batch, int) and batch != 1:
        raise ModelError(
            f"{title} takes {batch} pictures at a time: export it with a batch of 1 or of any size"
        )
    dtype = TYPES[taken.type]
    is_last, is_first = sides[2] == 3, sides[0] == 3
    if not is_last and not is_first:
        if isinstance(sides[0], int) and isinstance(sides[2], int):
            raise ModelError(f"{title} does not take red, green and blue ({described}): {cure}")
        # Neither axis is named: what exporters make of it.
        is_last = dtype is np.uint8 and not isinstance(sides[2], int)
    elif is_last and is_first:
        is_last = dtype is np.uint8
    height, width = sides[:2] if is_last else sides[1:]
    outputs = session.get_outputs()
    output = next((one for one in outputs if len(one.shape or ()) == 2), outputs[0])
    return Graph(taken.name, output.name, dtype, is_last, _fixed(height), _fixed(width))


def _fixed(side: object) -> int | None:
    return side if isinstance(side, int) and side > 0 else None


def _recipe(graph: Graph, options: Options, title: str) -> Recipe:
    """The input as the graph fixes it and the options say the rest; raises UsageError where they differ."""
    is_bytes = graph.dtype is np.uint8
    if is_bytes and options.mean is not None:
        raise UsageError(f"{title} takes bytes and normalises them by itself: leave out mean={options.mean}")
    if fixed := graph.height or graph.width:
        sides = {graph.height or fixed, graph.width or fixed}
        if options.side is not None and sides != {options.side}:
            raise UsageError(f"{title} has a fixed side of {fixed}: leave out side={options.side}")
        if options.fit == "short":
            raise UsageError(f"{title} has a fixed side of {fixed}: leave out fit=short")
    side = options.side or DEFAULT_SIDE
    return Recipe(
        graph.height or fixed or side,
        graph.width or fixed or side,
        options.fit,
        None if is_bytes else LEVELS[options.mean or "imagenet"],
    )
