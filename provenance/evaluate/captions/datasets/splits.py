"""Which pairs belong to a split, where a file lists their numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from provenance.errors import InputError, UsageError


def in_split(file: Path, split: str) -> Callable[[str], bool]:
    """A test of ids by the last number in them. Raises UsageError that lists the splits there are."""
    try:
        splits = json.loads(file.read_text(encoding="utf-8"))
        numbers = {name: {int(number) for number in listed} for name, listed in splits.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f'{file}: lists no splits ({error}); it should be {{"train": [0, 1, ...], ...}}'
        ) from error
    if split not in numbers:
        raise UsageError(f"{file}: no split {split!r}; there are {', '.join(numbers)}")
    wanted = numbers[split]

    def is_wanted(key: str) -> bool:
        found = re.findall(r"\d+", key)
        return bool(found) and int(found[-1]) in wanted

    return is_wanted
