"""InstructPix2Pix (Brooks et al. 2023) and triplets like it: made pictures and the instruction between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from provenance.errors import InputError, UsageError
from provenance.evaluate.captions.pairs import CaptionedPair

# The authors' loader takes the first 90 % of seeds.json for training, 5 % for tuning and 5 % for testing.
SPLITS = {
    "train": (0.0, 0.9),
    "val": (0.9, 0.95),
    "valid": (0.9, 0.95),
    "test": (0.95, 1.0),
    "all": (0.0, 1.0),
}


def read(folder: Path, split: str) -> tuple[CaptionedPair, ...]:
    """One pair a seed; train, val, test by the authors' shares, or all."""
    if split not in SPLITS:
        raise UsageError(f"no split {split!r} of InstructPix2Pix; there are {', '.join(SPLITS)}")
    listed = _listed(folder)
    start, end = (int(share * len(listed)) for share in SPLITS[split])
    return tuple(pair for name, seeds in listed[start:end] for pair in _pairs(folder / name, name, seeds))


def _listed(folder: Path) -> list[tuple[str, list[str]]]:
    """Folders and the seeds in them, as seeds.json lists them; without it as they lie there."""
    index = folder / "seeds.json"
    try:
        if index.is_file():
            return [
                (str(name), list(map(str, seeds)))
                for name, seeds in json.loads(index.read_text(encoding="utf-8"))
            ]
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{index}: not a list of [folder, [seed, ...]] ({error}); download it again"
        ) from error
    prompts = sorted(folder.rglob("prompt.json"))
    return [
        (
            prompt.parent.relative_to(folder).as_posix(),
            sorted(file.name.removesuffix("_0.jpg") for file in prompt.parent.glob("*_0.jpg")),
        )
        for prompt in prompts
    ]


def _pairs(folder: Path, name: str, seeds: list[str]) -> Iterator[CaptionedPair]:
    file = folder / "prompt.json"
    try:
        prompt = json.loads(file.read_text(encoding="utf-8"))
        caption = str(prompt.get("edit") or prompt["instruction"])
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f'{file}: names no "edit" ({error!r}); is the data set whole?') from error
    for seed in seeds:
        yield CaptionedPair(f"{name}/{seed}", (caption,), folder / f"{seed}_0.jpg", folder / f"{seed}_1.jpg")
