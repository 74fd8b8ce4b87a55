"""The built-in copy descriptor: unit vectors, copies close, the same alone and in company."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from provenance.describe.copy_descriptor import MODEL_FILE, CopyDescriptor
from provenance.errors import ModelError
from tests.contracts.embedder_contract import EmbedderContract
from tests.describe.pictures import scene


@pytest.fixture(scope="module")
def descriptor() -> CopyDescriptor:
    return CopyDescriptor(threads=1)


class TestContract(EmbedderContract):
    @pytest.fixture
    def embedder(self, descriptor: CopyDescriptor) -> CopyDescriptor:
        return descriptor


def test_it_has_512_dimensions(descriptor: CopyDescriptor) -> None:
    assert descriptor.embed([scene(1)]).shape == (1, descriptor.dimension) == (1, 512)


def test_a_picture_has_the_same_vector_alone_in_company_and_in_threads(descriptor: CopyDescriptor) -> None:
    pictures = [scene(seed, width=300 + 50 * seed) for seed in range(4)]
    together = descriptor.embed(pictures)
    with ThreadPoolExecutor(4) as pool:
        alone = np.concatenate(list(pool.map(lambda picture: descriptor.embed([picture]), pictures)))
    np.testing.assert_array_equal(together, alone)


def test_copies_are_closer_than_other_pictures(descriptor: CopyDescriptor, photos: list[Path]) -> None:
    pictures = [np.asarray(Image.open(path).convert("RGB").resize((400, 300))) for path in photos[:6]]
    references = descriptor.embed(pictures)
    edits = {
        "cropped": [picture[30:270, 60:400] for picture in pictures],
        "mirrored": [picture[:, ::-1] for picture in pictures],
        "grey": [np.asarray(Image.fromarray(picture).convert("L").convert("RGB")) for picture in pictures],
        "blurred": [np.asarray(cv2.GaussianBlur(picture, (0, 0), 2)) for picture in pictures],
    }
    for edit, copies in edits.items():
        similarity = descriptor.embed(copies) @ references.T
        assert (similarity.argmax(axis=1) == np.arange(len(pictures))).all(), edit
        assert np.diag(similarity).min() > 0.5, edit


def test_the_file_is_small_enough_for_the_package() -> None:
    assert MODEL_FILE.stat().st_size <= 16 * 2**20


@pytest.mark.parametrize("kept", [0, 1000, 400_000])
def test_a_damaged_model_file_names_the_cure(tmp_path: Path, kept: int) -> None:
    broken = tmp_path / "model.onnx"
    broken.write_bytes(MODEL_FILE.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"model\.onnx.*damaged.*reinstall"):
        CopyDescriptor(model=broken)


def test_a_missing_model_file_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx.*missing.*reinstall"):
        CopyDescriptor(model=tmp_path / "model.onnx")
