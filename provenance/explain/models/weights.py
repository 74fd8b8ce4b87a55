"""Which weights a model in this process is made from: a folder, or a name on the Hugging Face hub."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from provenance.errors import MissingExtraError, ModelError, UsageError

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_SAMPLE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Weights:
    """A folder, or a name and revision on the hub."""

    source: str
    revision: str | None = None
    is_folder: bool = False

    @property
    def title(self) -> str:
        """What messages and reports call it: without the way to the folder."""
        return Path(self.source).resolve().name if self.is_folder else self.source


def find_weights(spec: str, *, default: str, captioner: str) -> Weights:
    """Read "FOLDER", "ORG/NAME" or "ORG/NAME@REVISION"; nothing stands for `default`.

    Raises ModelError where a folder is missing, UsageError where it is neither.
    """
    spec = spec or default
    if not spec:
        raise UsageError(
            f"captioner {captioner!r} needs a model: write {captioner}:ORG/NAME or {captioner}:FOLDER"
        )
    folder = Path(spec).expanduser()
    if folder.is_dir():
        return Weights(str(folder), is_folder=True)
    name, _, revision = spec.partition("@")
    if _HUB_NAME.fullmatch(name) and not spec.startswith("."):
        return Weights(name, revision or None)
    raise ModelError(f"no model folder {spec!r}: check the path, or write the ORG/NAME of a model on the hub")


def check_folder(
    weights: Weights, families: Collection[str], known: Mapping[str, str], captioner: str
) -> None:
    """Raise ModelError where a folder holds no model, or one of another family; `known` says whose it is."""
    if not weights.is_folder:
        return
    file = Path(weights.source) / "config.json"
    try:
        family = json.loads(file.read_text("utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(
            f"{weights.source!r} holds no model: it has no config.json that can be read; "
            "give the folder that save_pretrained or a download made"
        ) from error
    if families and family not in families:
        other = known.get(str(family), "vlm")
        raise ModelError(
            f"{weights.source!r} holds a {family} model, not {' or '.join(sorted(families))}: "
            f"write {other}:{weights.source} instead of {captioner}:"
        )


def need_extra(feature: str) -> None:
    """Raise MissingExtraError where torch or transformers is not installed."""
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise MissingExtraError(feature, "vlm")


def fingerprint(files: Iterable[Path]) -> str:
    """Twelve digits that tell weights apart: of name, size and both ends of each file that is there."""
    digest = hashlib.sha256()
    for file in files:
        if not file.is_file():
            continue
        size = file.stat().st_size
        digest.update(f"{file.name} {size}\n".encode())
        with file.open("rb") as data:
            digest.update(data.read(_SAMPLE_BYTES))
            data.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(data.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:12]


def revision_of(weights: Weights, config: Any) -> str:
    """The revision for reports: the hub's commit, or a folder's fingerprint."""
    if weights.is_folder:
        folder = Path(weights.source)
        return fingerprint(
            [*sorted(folder.glob("*.safetensors")), folder / "config.json", folder / "generation_config.json"]
        )
    commit = getattr(config, "_commit_hash", None)
    return str(commit)[:12] if commit else weights.revision or "unknown"
