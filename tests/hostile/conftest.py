"""Two trusted sets that invite mistakes, each made once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provenance import Provenance
from provenance.evaluate.edits.traps import TRAPS
from provenance.evaluate.queries import edit
from provenance.records import Report
from tests.hostile.pictures import FAMILIES, Pixels, encoded, small

Check = Callable[[Pixels | bytes | Path], Report]

TRUSTED_OF_A_FAMILY = 3
COPIES = 50


@pytest.fixture(scope="session")
def all_photos(sample: Path) -> list[Path]:
    """Every photo of the sample."""
    return sorted((sample / "photos").iterdir())


@pytest.fixture(scope="session")
def trapped(all_photos: list[Path]) -> dict[str, list[Pixels]]:
    """By trap: three different photos that share it."""
    made: dict[str, list[Pixels]] = {}
    for number, kind in enumerate(TRAPS):
        made[kind] = [
            edit(small(all_photos[9 + number * 3 + i]), kind, np.random.default_rng(i), [])[0].pixels
            for i in range(3)
        ]
    return made


@pytest.fixture(scope="session")
def trusted(
    tmp_path_factory: pytest.TempPathFactory, all_photos: list[Path], trapped: dict[str, list[Pixels]]
) -> Path:
    """A folder of photos, a photo and its mirror, three of each family, and two of the three of each trap."""
    folder = tmp_path_factory.mktemp("hostile") / "trusted"
    folder.mkdir()
    pictures = {f"photo-{number}": small(path) for number, path in enumerate(all_photos[:8])}
    pictures["mirrored-photo-0"] = np.ascontiguousarray(pictures["photo-0"][:, ::-1])
    for name, make in FAMILIES.items():
        pictures |= {f"{name}-{number}": make(number) for number in range(TRUSTED_OF_A_FAMILY)}
    for kind, shared in trapped.items():
        pictures |= {f"{kind}-{number}": pixels for number, pixels in enumerate(shared[:2])}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def check(tmp_path_factory: pytest.TempPathFactory, trusted: Path) -> Iterator[Check]:
    """Check against that folder."""
    with Provenance(tmp_path_factory.mktemp("home"), compare={"text": False}) as library:
        library.ingest([trusted])
        yield checker(library)


@pytest.fixture(scope="session")
def check_among_copies(tmp_path_factory: pytest.TempPathFactory, all_photos: list[Path]) -> Iterator[Check]:
    """Check against 50 copies of one photo, and five other photos."""
    folder = tmp_path_factory.mktemp("copies") / "trusted"
    folder.mkdir()
    formats = (("JPEG", 40), ("JPEG", 70), ("JPEG", 92), ("WEBP", 60), ("PNG", 0))
    for number in range(COPIES):
        format, quality = formats[number % len(formats)]
        pixels = small(all_photos[0], 180 + 3 * number)
        (folder / f"copy-{number}.{format.lower()}").write_bytes(encoded(pixels, format, quality))
    for number, path in enumerate(all_photos[1:6]):
        Image.fromarray(small(path)).save(folder / f"photo-{number}.png")
    with Provenance(tmp_path_factory.mktemp("home"), compare={"text": False}) as library:
        assert library.ingest([folder]).added == COPIES + 5
        yield checker(library)


def checker(library: Provenance) -> Check:
    """The library's check, without explanations where it can do without."""
    options = {"explain": False} if "explain" in inspect.signature(library.check).parameters else {}

    def check(picture: Pixels | bytes | Path) -> Report:
        source = encoded(picture, "PNG") if isinstance(picture, np.ndarray) else picture
        return library.check(source, **options)

    return check
