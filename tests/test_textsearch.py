"""Trusted pictures are found by words: what lies near them in CLIP's space, less what is withdrawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from provenance.db import Database
from provenance.search import Searcher
from provenance.textsearch import search_text
from tests.db.pictures import VERSIONS, picture, some_description

WITH_CLIP = {**VERSIONS, "clip": "1"}


class Vector:
    """Puts every text where it is told."""

    def __init__(self, vector: Any) -> None:
        self._vector = vector

    def embed_text(self, text: str) -> Any:
        return self._vector


def test_the_nearest_come_first_and_withdrawn_ones_not_at_all(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'words.sqlite'}")
    database.upgrade()
    described = [replace(picture(n), description=some_description(n, clip=True)) for n in range(6)]
    ids = database.add_references(described, WITH_CLIP)
    searcher = Searcher(database, tmp_path / "index", WITH_CLIP)
    words: Any = Vector(described[2].description.embeddings["clip"])
    found = search_text(database, searcher, words, "a castle", limit=4)
    assert (found[0][0].reference_id, round(found[0][1], 2)) == (ids[2], 1.0)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert len(found) == 4
    database.withdraw(ids[2])
    again = search_text(database, searcher, words, "a castle", limit=6)
    assert ids[2] not in [record.reference_id for record, _ in again]
    database.close()
