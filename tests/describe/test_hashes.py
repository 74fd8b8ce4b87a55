"""The perceptual hash: imagehash's bits, and the hashes of the turned picture from one transform."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from provenance.describe.hashes import dihedral_hashes, perceptual_hash
from tests.describe.pictures import scene


def bits_apart(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> int:
    return int(np.unpackbits(a ^ b).sum())


def by_imagehash(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.packbits(imagehash.phash(image, hash_size=16).hash)


@pytest.mark.parametrize("seed", range(6))
def test_the_bits_are_those_of_imagehash(seed: int) -> None:
    pixels = scene(seed, width=300 + 40 * seed, height=220)
    np.testing.assert_array_equal(perceptual_hash(pixels), by_imagehash(pixels))


def test_the_first_form_is_the_picture_as_it_is() -> None:
    forms = dihedral_hashes(scene(1))
    assert forms.shape == (8, 32)
    assert forms.dtype == np.uint8
    np.testing.assert_array_equal(forms[0], perceptual_hash(scene(1)))


def test_the_forms_are_the_hashes_of_the_turned_pictures() -> None:
    pixels = scene(2)
    turned = [
        form
        for base in (pixels, pixels.transpose(1, 0, 2))
        for form in (base, base[:, ::-1], base[::-1], base[::-1, ::-1])
    ]
    apart = [
        bits_apart(form, by_imagehash(expected))
        for form, expected in zip(dihedral_hashes(pixels), turned, strict=True)
    ]
    # Pillow rounds between its two passes, so a coefficient at the very median may fall to the other side.
    assert max(apart) <= 4
    assert bits_apart(dihedral_hashes(pixels)[1], perceptual_hash(pixels)) > 60


def test_a_jpeg_and_a_smaller_copy_stay_near_and_another_picture_does_not() -> None:
    pixels = scene(3)
    smaller = np.asarray(Image.fromarray(pixels).resize((160, 120)))
    assert bits_apart(perceptual_hash(pixels), perceptual_hash(smaller)) <= 12
    assert bits_apart(perceptual_hash(pixels), perceptual_hash(scene(4))) > 60


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (50, 2, 3)])
def test_plain_and_tiny_pictures_have_a_hash_without_chance_in_it(shape: tuple[int, int, int]) -> None:
    pixels = np.full(shape, 200, np.uint8)
    np.testing.assert_array_equal(perceptual_hash(pixels), np.packbits(np.arange(256) == 0))
