"""Engines are opened by name and load their library only then."""

from __future__ import annotations

import subprocess
import sys

import pytest

from index import ENGINES, open_engine


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_every_listed_engine_opens(name: str) -> None:
    index = open_engine(name)(8, "hamming")
    assert (len(index), index.dimension, index.metric) == (0, 8, "hamming")


def test_an_unknown_engine_is_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match="exact, faiss"):
        open_engine("annoy")


def test_importing_the_package_loads_no_engine() -> None:
    code = "import index, sys; sys.exit('faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
