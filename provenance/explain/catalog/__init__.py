"""How changes are said, one folder per language; a new language is a new folder and a line in `CATALOGS`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from provenance.errors import UsageError
from provenance.explain.quoting import clean_text
from provenance.records import Change

CATALOGS = {
    "en": "provenance.explain.catalog.en:English",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of the query in full-size pixels, the frame that places are named in."""

    width: int
    height: int


class Catalog(Protocol):
    """One language: a sentence per change, and a caption for all of them."""

    def sentence(self, change: Change, frame: Frame) -> str:
        """Say one change with its place, size and numbers; hedged when its confidence is low."""

    def caption(
        self, changes: Sequence[Change], frame: Frame, *, identical: bool, unexplained_fraction: float
    ) -> str:
        """Say all changes, given the most important first, in one or two sentences."""


def load_catalog(language: str) -> Catalog:
    """Import the catalogue of a language. Raises UsageError that lists the known languages."""
    if language not in CATALOGS:
        raise UsageError(f"unknown language {language!r}; known: {', '.join(sorted(CATALOGS))}")
    module, _, attribute = CATALOGS[language].partition(":")
    return cast(Catalog, getattr(import_module(module), attribute)())


def number(change: Change, key: str) -> float | None:
    """Return a measured number, or None when it is missing or not finite."""
    value = change.parameters.get(key)
    try:
        result = float(value) if value is not None else math.nan
    except (TypeError, ValueError):
        return None
    return result if math.isfinite(result) else None


def word(change: Change, key: str) -> str:
    """Return a measured word, cleaned, or "" when it is missing."""
    value = change.parameters.get(key)
    return clean_text(value, limit=40) if isinstance(value, str) else ""


def direction(change: Change, *keys: str) -> int:
    """Return +1, -1 or 0: the parameter `sign`, else the sign of the first of `keys` that is there."""
    for key in ("sign", *keys):
        value = number(change, key)
        if value is not None:
            return (value > 0) - (value < 0)
    return 0
