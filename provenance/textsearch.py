"""Words -> the trusted pictures that show what they say, by CLIP."""

from __future__ import annotations

from provenance.db import Database
from provenance.describe import Describer
from provenance.records import ReferenceRecord
from provenance.search import Searcher


def search_text(
    database: Database, searcher: Searcher, describer: Describer, text: str, *, limit: int
) -> list[tuple[ReferenceRecord, float]]:
    """References with their cosine similarities to a text, the likeliest first.

    Raises NotConfiguredError where the database was made without CLIP.
    """
    scores = searcher.by_embedding("clip", describer.embed_text(text)[None], limit)
    records = database.references(scores)
    return [
        (records[one], scores[one])
        for one in sorted(scores, key=lambda one: -scores[one])
        if one in records and records[one].status == "active"  # withdrawn since the index was read
    ]
