"""ONNX files: small real graphs of every supported kind of input, and what is said of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provenance.describe.onnx_file import OnnxEmbedder
from provenance.describe.preprocess import LEVELS
from provenance.errors import ModelError, UsageError
from tests.contracts.embedder_contract import FileEmbedderContract
from tests.describe.pictures import scene

onnx = pytest.importorskip("onnx", reason="the package onnx makes the test models; it is in the extra dev")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

FLOAT, BYTES, HALF = TensorProto.FLOAT, TensorProto.UINT8, TensorProto.FLOAT16
CHANNELS = 6


def save_graph(
    path: Path,
    *,
    dtype: int = FLOAT,
    shape: tuple[int | str, ...] = ("n", 3, "h", "w"),
    seed: int | None = 0,
    output: str = "vector",
) -> None:
    """A picture's mean colour, with a seed after a convolution; as a vector, [n, c, 1, 1] or a map."""
    nodes, last, weights = [], "image", []
    if dtype != FLOAT:
        nodes.append(helper.make_node("Cast", [last], ["floats"], to=FLOAT))
        last = "floats"
    if shape[3] == 3:
        nodes.append(helper.make_node("Transpose", [last], ["planes"], perm=[0, 3, 1, 2]))
        last = "planes"
    if seed is not None:
        kernel = np.random.default_rng(seed).standard_normal((CHANNELS, 3, 5, 5)).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, "kernel"))
        nodes.append(helper.make_node("Conv", [last, "kernel"], ["map"], strides=[4, 4], pads=[2, 2, 2, 2]))
        nodes.append(helper.make_node("Relu", ["map"], ["rectified"]))
        last = "rectified"
    if output != "map":
        nodes.append(helper.make_node("GlobalAveragePool", [last], ["mean"]))
        last = "mean"
    if output == "vector":
        nodes.append(helper.make_node("Flatten", [last], ["flat"]))
        last = "flat"
    rank = 2 if output == "vector" else 4
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", dtype, shape)],
        [helper.make_tensor_value_info(last, FLOAT, [None] * rank)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


class TestFloatPlanes(FileEmbedderContract):
    suffix = ".onnx"
    options = ""
    graph: dict[str, Any] = {"shape": (1, 3, 64, 64)}  # noqa: RUF012 - the tests do not change it

    def save(self, path: Path, seed: int) -> None:
        save_graph(path, seed=seed, **self.graph)

    def load(self, path: Path) -> OnnxEmbedder:
        return OnnxEmbedder(f"{path}{self.options}", threads=1)


class TestBytesOfAnySize(TestFloatPlanes):
    graph = {"dtype": BYTES, "shape": ("n", "h", "w", 3)}  # noqa: RUF012


class TestShortSide(TestFloatPlanes):
    graph = {"shape": ("n", 3, "h", "w"), "output": "pooled"}  # noqa: RUF012
    options = ",side=96,fit=short"


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        (FLOAT, ("n", 3, "h", "w")),
        (FLOAT, (1, 3, 40, 56)),
        (FLOAT, ("n", "h", "w", 3)),
        (HALF, ("n", 3, "h", "w")),
    ],
)
@pytest.mark.parametrize("mean", [None, "imagenet", "half", "none"])
def test_floats_are_normalised_as_asked(
    tmp_path: Path, dtype: int, shape: tuple[Any, ...], mean: str | None
) -> None:
    save_graph(tmp_path / "m.onnx", dtype=dtype, shape=shape, seed=None)
    embedder = OnnxEmbedder(f"{tmp_path / 'm.onnx'}" + (f",mean={mean}" if mean else ""), threads=1)
    levels = LEVELS[mean or "imagenet"]
    color = np.array([200, 30, 90])
    expected = (color / 255 - levels.mean) / levels.std
    vector = embedder.embed([np.full((20, 30, 3), color, np.uint8)])[0]
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=2e-3)
    assert f"mean={levels.name}" in embedder.version


@pytest.mark.parametrize("shape", [("n", "h", "w", 3), (1, 32, 32, 3), ("n", 3, "h", "w")])
def test_bytes_are_given_as_they_are(tmp_path: Path, shape: tuple[Any, ...]) -> None:
    save_graph(tmp_path / "m.onnx", dtype=BYTES, shape=shape, seed=None)
    vector = OnnxEmbedder(str(tmp_path / "m.onnx"), threads=1).embed(
        [np.full((9, 5, 3), [3, 0, 4], np.uint8)]
    )
    np.testing.assert_allclose(vector, [[0.6, 0, 0.8]], atol=1e-6)


def test_the_side_is_the_graphs_or_288_or_as_asked(tmp_path: Path) -> None:
    fixed, free = tmp_path / "fixed.onnx", tmp_path / "free.onnx"
    save_graph(fixed, shape=("n", 3, 48, 80))
    save_graph(free)
    assert ",side=48x80," in OnnxEmbedder(str(fixed)).version
    assert ",side=288," in OnnxEmbedder(str(free)).version
    assert ",side=320," in OnnxEmbedder(f"{free},side=320").version
    small, large = (OnnxEmbedder(f"{free},side={side}").embed([scene(1)]) for side in (64, 320))
    assert np.abs(small - large).max() > 1e-3


@pytest.mark.parametrize(
    ("graph", "options", "message"),
    [
        ({"shape": (1, 3, 64, 64)}, ",side=320", "fixed side of 64: leave out side=320"),
        ({"shape": (1, 3, 64, 64)}, ",fit=short", "fixed side of 64: leave out fit=short"),
        ({"dtype": BYTES, "shape": ("n", "h", "w", 3)}, ",mean=half", "takes bytes .*leave out mean=half"),
    ],
)
def test_options_that_the_graph_contradicts_are_named(
    tmp_path: Path, graph: dict[str, Any], options: str, message: str
) -> None:
    save_graph(tmp_path / "m.onnx", **graph)
    with pytest.raises(UsageError, match=message):
        OnnxEmbedder(f"{tmp_path / 'm.onnx'}{options}")


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ({"dtype": TensorProto.DOUBLE}, "does not take a picture .*DOUBLE|double.*float32"),
        ({"shape": (1, 1, 28, 28), "seed": None}, "does not take red, green and blue"),
        ({"shape": (8, 3, 64, 64)}, "takes 8 pictures at a time"),
        ({"output": "map"}, "instead of one vector each"),
        ({"shape": (1, 3, 64, 64), "seed": None, "output": "map"}, "instead of one vector each"),
    ],
)
def test_graphs_that_embed_no_picture_are_refused(
    tmp_path: Path, graph: dict[str, Any], message: str
) -> None:
    save_graph(tmp_path / "m.onnx", **graph)
    with pytest.raises(ModelError, match=message):
        OnnxEmbedder(str(tmp_path / "m.onnx"))


def test_a_graph_that_needs_another_side_says_so(tmp_path: Path) -> None:
    """The weights after flattening fit one size only, which the input does not name."""
    path = tmp_path / "m.onnx"
    weights = numpy_helper.from_array(np.ones((3 * 16 * 16, 4), np.float32), "weights")
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["out"]),
        ],
        "one size",
        [helper.make_tensor_value_info("image", FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("out", FLOAT, ["n", 4])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"does not run on pictures with side=288.*write the side"):
        OnnxEmbedder(str(path))
    assert OnnxEmbedder(f"{path},side=16").dimension == 4


def test_weights_beside_the_file_are_refused_as_its_digest_would_miss_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_graph(tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="with its weights inside"):
        OnnxEmbedder("m.onnx")
