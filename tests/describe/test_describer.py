"""The room as a whole: what a reference and a query carry."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from provenance.describe import Describer
from provenance.records import Description
from tests.describe.pictures import decoded, scene


@pytest.fixture(scope="module")
def describer() -> Describer:
    return Describer(keypoints=200, query_keypoints=500, threads=2)


def same(a: Description, b: Description) -> bool:
    return (
        np.array_equal(a.phash, b.phash)
        and np.array_equal(a.embeddings["copy"], b.embeddings["copy"])
        and np.array_equal(a.local.points, b.local.points)
        and np.array_equal(a.local.descriptors, b.local.descriptors)
    )


def test_a_batch_gives_what_each_picture_gives_alone_in_the_same_order(describer: Describer) -> None:
    pictures = [decoded(scene(seed)) for seed in range(3)]
    together = describer.describe(pictures)
    for picture, description in zip(pictures, together, strict=True):
        assert same(description, describer.describe([picture])[0])
        assert len(description.local) == 200
    assert describer.describe([]) == []


def test_a_query_has_more_keypoints_and_the_mirrored_embedding(describer: Describer) -> None:
    picture = decoded(scene(1))
    reference = describer.describe([picture])[0]
    assert len(describer.query_keypoints(picture)) == 500
    assert len(describer.fine_keypoints(picture)) == 1000
    upright, flipped = describer.embed_query(picture)["copy"]
    np.testing.assert_array_equal(upright, reference.embeddings["copy"])
    np.testing.assert_array_equal(describer.hash_forms(picture)[0], reference.phash)
    other = describer.describe([decoded(np.ascontiguousarray(scene(1)[:, ::-1]))])[0]
    np.testing.assert_array_equal(flipped, other.embeddings["copy"])


def test_coordinates_are_of_the_full_size_picture(describer: Describer) -> None:
    small = describer.describe([decoded(scene(2))])[0].local
    full = describer.describe([decoded(scene(2), full_width=1200)])[0].local
    np.testing.assert_allclose(full.points, (small.points + 0.5) * 3 - 0.5, atol=1e-3)
    np.testing.assert_allclose(full.scales, small.scales * 3, rtol=1e-5)


def test_every_descriptor_has_a_version(describer: Describer) -> None:
    assert set(describer.versions) == {"phash", "copy", "local"}
    assert all(describer.versions.values())


def test_plain_and_one_pixel_pictures_are_described(describer: Describer) -> None:
    for shape in ((1, 1, 3), (1, 3000, 3), (200, 300, 3)):
        picture = decoded(np.full(shape, 255, np.uint8))
        assert len(describer.query_keypoints(picture)) == len(describer.fine_keypoints(picture)) == 0
        assert np.isfinite(describer.embed_query(picture)["copy"]).all()
        assert np.isfinite(describer.describe([picture])[0].embeddings["copy"]).all()


def test_describing_loads_no_torch_and_no_scipy() -> None:
    code = "import sys, provenance.describe; print({'torch', 'scipy', 'open_clip'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
