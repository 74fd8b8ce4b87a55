"""The built-in copy descriptor: one ONNX file in the package, run by onnxruntime on the CPU.

EfficientNet-Lite0 (ImageNet weights), generalised-mean pooling at four depths, learned projection to 512
dimensions. How it was made is in `tools/train_copy_descriptor.py`, whose weights it uses in
`models/NOTICE.md`, what it is worth in `benchmarks/copy_descriptor.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
)
from PIL import Image

from provenance.errors import ModelError
from provenance.records import Pixels

MODEL_FILE = Path(__file__).parent / "models" / "lite0_levels_512.onnx"
VERSION = "lite0-levels-512/1"
SIDE = 288


class CopyDescriptor:
    """Embeds pictures so that copies of one picture lie close together.

    `threads` is for one run, 0 for one per core. May be shared between threads. Raises ModelError when the
    model file is missing or damaged.
    """

    name = "copy"
    version = VERSION

    def __init__(self, *, threads: int = 0, model: Path = MODEL_FILE) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Spinning threads would take the cores from keypoints and decoding, which run at the same time.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        cure = "reinstall the package with 'pip install --force-reinstall'"
        if not model.is_file():
            raise ModelError(f"{str(model)!r} is missing: {cure}")
        try:
            self._session = onnxruntime.InferenceSession(
                model.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplemented) as error:
            raise ModelError(f"{str(model)!r} is damaged: {cure}") from error
        self.dimension = int(self._session.get_outputs()[0].shape[1])
        self._side = int(self._session.get_inputs()[0].shape[1])

    def embed(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """Unit vectors float32 [n, dimension] of n uint8 [h, w, 3] pictures of any size.

        The pictures go through one by one: a batch gains nothing on a CPU, and so a picture's vector does not
        depend on its company.
        """
        vectors = np.empty((len(images), self.dimension), np.float32)
        for row, image in enumerate(images):
            vectors[row] = self._session.run(["embedding"], {"image": _square(image, self._side)[None]})[0][0]
        return vectors


def _square(pixels: Pixels, side: int) -> Pixels:
    """The picture squeezed to uint8 [side, side, 3], antialiased."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))
