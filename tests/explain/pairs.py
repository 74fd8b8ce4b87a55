"""Measured pairs for tests of captioners: made up, or read from the scenes of guard/claims.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from provenance.records import Change, Comparison, DecodedImage, Evidence

GUARD = Path(__file__).parent / "guard"
WIDTH, HEIGHT = 1600, 1200


def read_scenes(file: str = "claims.toml") -> list[dict[str, Any]]:
    """The scripted scenes: name, changes, true and false answers."""
    scenes: list[dict[str, Any]] = tomllib.loads((GUARD / file).read_text("utf-8"))["scene"]
    return scenes


def make_changes(scene: dict[str, Any]) -> list[Change]:
    """The measured changes of a scene."""
    changes = []
    for label, given in enumerate(scene["changes"], start=1):
        fields = {"confidence": 0.9, "label": label if "box" in given else 0} | given
        for box in ("box", "reference_box"):
            if box in fields:
                fields[box] = tuple(fields[box])
        changes.append(Change(**fields))
    return changes


def make_pair(
    changes: Sequence[Change] = (), *, seed: int = 0, scale: float = 0.1, **fields: Any
) -> Evidence:
    """A query and a reference of 1600 x 1200 pixels, decoded small, that were measured to differ so."""
    rng = np.random.default_rng(seed)
    shape = (round(HEIGHT * scale), round(WIDTH * scale), 3)
    query, reference = (rng.integers(0, 256, shape).astype(np.uint8) for _ in range(2))
    values: dict[str, Any] = {
        "query": query,
        "reference": reference,
        "replayed": reference,
        "overlap": np.ones(shape[:2], np.bool_),
        "change_map": np.zeros(shape[:2], np.float32),
        "labels": np.zeros(shape[:2], np.int32),
        "changes": tuple(changes),
        "working_scale": scale,
        "reference_from_query": np.eye(3),
        "identical_pixels": False,
        "query_overlap": 1.0,
        "reference_overlap": 1.0,
        "unexplained_fraction": 0.0,
        "replay_psnr_db": 35.0,
    }
    image = DecodedImage(query, "query.jpg", f"{seed:064x}", None, "JPEG", 1, WIDTH, HEIGHT)
    original = replace(image, pixels=reference, name="original.jpg", width=2000, height=1500)
    return Evidence(image, original, Comparison(**(values | fields)))
