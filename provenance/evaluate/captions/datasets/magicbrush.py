"""MagicBrush (Zhang et al. 2023): photos edited by a generative model, an instruction a turn."""

from __future__ import annotations

import json
from pathlib import Path

from provenance.errors import InputError
from provenance.evaluate.captions.datasets import first_of
from provenance.evaluate.captions.pairs import CaptionedPair


def read(folder: Path, split: str) -> tuple[CaptionedPair, ...]:
    """One pair a turn, named by its output; a list pairs.json has no splits."""
    if (folder / split).is_dir():
        folder = folder / split
    file = first_of(folder, "edit_sessions.json", "pairs.json")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if file.name == "pairs.json":
            return tuple(_pair(folder, row["original"], row["edited"], row["instruction"]) for row in content)
        return tuple(
            _pair(folder / "images" / session, turn["input"], turn["output"], turn["instruction"])
            for session, turns in content.items()
            for turn in turns
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file}: not in MagicBrush's layout ({error!r}); download it again") from error


def _pair(folder: Path, before: str, after: str, instruction: str) -> CaptionedPair:
    return CaptionedPair(Path(after).stem, (str(instruction),), folder / before, folder / after)
