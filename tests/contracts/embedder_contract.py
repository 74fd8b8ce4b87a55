"""What every embedder must do; each back end's test class inherits one of these and says how to make it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from provenance.describe import Embedder
from provenance.errors import ModelError
from tests.describe.pictures import scene

SIZES = [(400, 300), (1, 1), (3000, 20), (20, 3000), (7, 500), (640, 641)]


def pictures() -> list[NDArray[np.uint8]]:
    """Structured pictures of all sizes, then a black and a white one."""
    made = [scene(n, width=width, height=height) for n, (width, height) in enumerate(SIZES)]
    return [*made, np.zeros((50, 60, 3), np.uint8), np.full((50, 60, 3), 255, np.uint8)]


class EmbedderContract:
    """Shapes, unit vectors, and that a picture's vector depends on nothing but the picture."""

    name = "copy"

    @pytest.fixture
    def embedder(self) -> Embedder:
        """The embedder under test."""
        raise NotImplementedError

    def test_vectors_are_unit_float32_rows(self, embedder: Embedder) -> None:
        vectors = embedder.embed(pictures())
        assert vectors.shape == (len(SIZES) + 2, embedder.dimension)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_no_pictures_give_no_rows(self, embedder: Embedder) -> None:
        vectors = embedder.embed([])
        assert vectors.shape == (0, embedder.dimension)
        assert vectors.dtype == np.float32

    def test_a_picture_has_the_same_vector_alone_and_in_company(self, embedder: Embedder) -> None:
        together = embedder.embed(pictures())
        alone = np.concatenate([embedder.embed([picture]) for picture in pictures()])
        np.testing.assert_allclose(together, alone, atol=1e-5)

    def test_a_picture_has_the_same_vector_every_time_and_in_threads(self, embedder: Embedder) -> None:
        once = embedder.embed(pictures()[:3])
        with ThreadPoolExecutor(3) as pool:
            for again in pool.map(lambda _: embedder.embed(pictures()[:3]), range(4)):
                np.testing.assert_allclose(again, once, atol=1e-6)

    def test_different_pictures_have_different_vectors(self, embedder: Embedder) -> None:
        first, second = embedder.embed([scene(1), scene(2)])
        assert np.abs(first - second).max() > 1e-4

    def test_a_view_of_a_picture_is_embedded_as_its_copy(self, embedder: Embedder) -> None:
        view = scene(3)[20:200:1, ::-1]
        np.testing.assert_array_equal(embedder.embed([view]), embedder.embed([view.copy()]))

    def test_it_has_a_name_and_a_version(self, embedder: Embedder) -> None:
        assert embedder.name == self.name
        assert embedder.version
        assert embedder.dimension > 1


class FileEmbedderContract(EmbedderContract):
    """The same for a model that is read from a file."""

    suffix = ""

    def save(self, path: Path, seed: int) -> None:
        """Write a small model; another seed, other weights."""
        raise NotImplementedError

    def load(self, path: Path) -> Any:
        """The embedder of that file, on the CPU."""
        raise NotImplementedError

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        path = tmp_path / f"model{self.suffix}"
        self.save(path, 0)
        return path

    @pytest.fixture
    def embedder(self, model: Path) -> Embedder:
        made: Embedder = self.load(model)
        return made

    def test_the_version_follows_the_weights_and_not_their_place(self, model: Path, tmp_path: Path) -> None:
        version = self.load(model).version
        copy, other = tmp_path / "moved" / model.name, tmp_path / f"other{self.suffix}"
        copy.parent.mkdir()
        copy.write_bytes(model.read_bytes())
        self.save(other, 1)
        assert self.load(copy).version == version
        assert self.load(other).version != version

    def test_loading_again_gives_the_same_vectors(self, embedder: Embedder, model: Path) -> None:
        np.testing.assert_allclose(self.load(model).embed([scene(1)]), embedder.embed([scene(1)]), atol=1e-6)

    @pytest.mark.parametrize("damage", ["half", "text", "empty"])
    def test_a_damaged_file_is_named_with_the_cure(self, model: Path, tmp_path: Path, damage: str) -> None:
        data = model.read_bytes()
        bad = tmp_path / f"bad{self.suffix}"
        kept = {"half": data[: len(data) // 2], "text": b"<html>not found</html>", "empty": b""}
        bad.write_bytes(kept[damage])
        with pytest.raises(ModelError, match=r"bad\..*cannot be loaded as .*give .*undamaged"):
            self.load(bad)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"no weights file .*nowhere.*check the path"):
            self.load(tmp_path / f"nowhere{self.suffix}")
