"""The words behind a model's name, and what becomes of the pixels."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.describe.model_file import unit_rows
from provenance.describe.preprocess import LEVELS, Options, Recipe, parse_options, split_options
from provenance.errors import ModelError, UsageError


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("sscd.onnx", "sscd.onnx", Options()),
        ("sscd.onnx,side=320", "sscd.onnx", Options(side=320)),
        ("a,b.onnx,fit=short,mean=half", "a,b.onnx", Options(mean="half", fit="short")),
        ("C:\\models\\m.onnx,mean=none,side=8", "C:\\models\\m.onnx", Options(side=8, mean="none")),
    ],
)
def test_options_follow_the_name(text: str, name: str, options: Options) -> None:
    assert parse_options(text) == (name, options)
    assert "".join(split_options(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m,size=3", "no option 'size'; known: side=N, mean=NAME, fit"),
        ("m,side=", "side is 8 to 2048 pixels, not ''"),
        ("m,side=-1", "side is 8 to 2048 pixels"),
        ("m,side=9999", "side is 8 to 2048 pixels"),
        ("m,side=٣٢٠", "side is 8 to 2048 pixels"),
        ("m,mean=imagnet", "mean is one of imagenet, half, none"),
        ("m,fit=crop", "fit is square or short"),
    ],
)
def test_wrong_options_say_what_may_be_written(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_options(text)


@pytest.mark.parametrize(
    ("size", "fit", "expected"),
    [
        ((300, 400), "square", (32, 32)),
        ((1, 1), "square", (32, 32)),
        ((300, 400), "short", (32, 43)),
        ((400, 300), "short", (43, 32)),
        ((20, 3000), "short", (32, 128)),  # a panorama stays within bounds
    ],
)
def test_pictures_are_brought_to_size(size: tuple[int, int], fit: str, expected: tuple[int, int]) -> None:
    recipe = Recipe(32, 32, fit, LEVELS["half"])  # type: ignore[arg-type]
    assert recipe.resized(np.zeros((*size, 3), np.uint8)).shape == (*expected, 3)
    planes = recipe.planes(np.zeros((*size, 3), np.uint8))
    assert planes.shape == (3, *expected)
    np.testing.assert_array_equal(planes, -1)


def test_levels_are_normalised_as_they_were_for_training() -> None:
    white = np.full((8, 8, 3), 255, np.uint8)
    imagenet = Recipe(8, 8, "square", LEVELS["imagenet"]).planes(white)[:, 0, 0]
    np.testing.assert_allclose(imagenet, [2.2489, 2.4286, 2.64], atol=1e-4)  # as torchvision's Normalize
    np.testing.assert_allclose(Recipe(8, 8, "square", LEVELS["none"]).planes(white), 1)


def test_rows_of_zeros_become_unit_vectors_too() -> None:
    rows = unit_rows(np.array([[0, 0, 0, 0], [0, 3, 4, 0]], np.float32)[:, :, None, None], "m")
    np.testing.assert_allclose(rows, [[0.5, 0.5, 0.5, 0.5], [0, 0.6, 0.8, 0]], atol=1e-6)


@pytest.mark.parametrize("shape", [(), (2,), (2, 1), (2, 5, 8), (2, 8, 3, 3)])
def test_output_that_is_no_vector_a_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"instead of one vector each: export it with its pooling"):
        unit_rows(np.ones(shape), "m")


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ModelError, match="not finite"):
        unit_rows(np.array([[1.0, np.nan]]), "m")
