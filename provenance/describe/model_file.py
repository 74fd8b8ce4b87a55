"""What back ends with a model of the user's choice share: files, names, and the check of what comes out."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.errors import ModelError


def digest(path: Path) -> str:
    """sha256 of a weights file, hexadecimal. Raises ModelError where it is missing or cannot be read."""
    if not path.is_file():
        raise ModelError(f"no weights file {str(path)!r}: check the path")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"weights file {str(path)!r} cannot be read: {error.strerror}") from error


def reason(error: BaseException) -> str:
    """The first line of an error, for a message of one line."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def nearest(name: str, names: Iterable[str]) -> str:
    """For a message: the nearest of `names`, or the first few where none is near."""
    known = sorted(names)
    lower = {known_name.lower(): known_name for known_name in known}
    near = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=5, cutoff=0.4)]
    if near:
        return f"nearest: {', '.join(near)}"
    return f"known: {', '.join(known[:8])}{', ...' if len(known) > 8 else ''}" if known else "it has none"


def unit_rows(rows: NDArray[np.floating], model: str) -> NDArray[np.float32]:
    """A model's output [n, d] or [n, d, 1, 1] as unit vectors float32 [n, d].

    A row of zeros, which a network without biases makes of a black picture, becomes the vector of equal
    parts, as a database holds unit vectors only. Raises ModelError for other shapes and for values that are
    not finite.
    """
    if rows.ndim < 2 or rows.shape[1] < 2 or rows.size != rows.shape[0] * rows.shape[1]:
        raise ModelError(
            f"{model} gives {list(rows.shape)} for {len(rows) if rows.ndim else 0} pictures instead of one "
            "vector each: export it with its pooling, as [n, d]"
        )
    flat = rows.reshape(len(rows), -1).astype(np.float64)
    if not np.isfinite(flat).all():
        raise ModelError(f"{model} gives values that are not finite: its file is damaged or of another kind")
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    flat[norms[:, 0] == 0] = flat.shape[1] ** -0.5
    norms[norms == 0] = 1.0
    return np.asarray(flat / norms, np.float32)
