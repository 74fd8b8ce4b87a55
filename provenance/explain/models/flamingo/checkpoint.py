"""Where OpenFlamingo's weights are, and how their keys are called: published names and local folders.

A folder holds `checkpoint.pt` (or .safetensors) as published, `language/` with an MPT and its tokenizer, and
`vision/` with a CLIP, each as `save_pretrained` or a download leaves it.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from provenance.errors import ModelError

VISION = "openai/clip-vit-large-patch14"
PUBLISHED: Mapping[str, tuple[str, str]] = {
    # Checkpoint and language model, as in the README of open_flamingo 2.0.1.
    "3b": ("openflamingo/OpenFlamingo-3B-vitl-mpt1b", "anas-awadalla/mpt-1b-redpajama-200b"),
    "3b-instruct": (
        "openflamingo/OpenFlamingo-3B-vitl-mpt1b-langinstruct",
        "anas-awadalla/mpt-1b-redpajama-200b-dolly",
    ),
    "9b": ("openflamingo/OpenFlamingo-9B-vitl-mpt7b", "anas-awadalla/mpt-7b"),
}
_CROSSING = re.compile(
    r"lang_encoder\.(?:gated_cross_attn_layers\.(\d+)|transformer\.blocks\.(\d+)\.gated_cross_attn_layer)\.(.+)"
)
_NAMES = ("checkpoint.pt", "checkpoint.safetensors")
_OLDER_NAMES = (
    (".ln_1.", ".norm_1."), (".ln_2.", ".norm_2."), ("ln_f.", "norm_f."),
    (".mlp.mlp_up.", ".ffn.up_proj."), (".mlp.mlp_down.", ".ffn.down_proj."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Files:
    """The three parts of an OpenFlamingo on this machine."""

    checkpoint: Path
    language: Path
    vision: str
    """A folder, or a name on the hub."""


def find_files(spec: str, *, offline: bool) -> Files:
    """Find a published model, downloaded once, or a folder's. Raises ModelError where a part is missing."""
    if spec in PUBLISHED:
        published, language = PUBLISHED[spec]
        return Files(
            _download(published, ["checkpoint.pt"], offline) / "checkpoint.pt",
            _download(language, ["*.json", "*.txt", "*.model", "*.bin", "*.safetensors"], offline),
            VISION,
        )
    folder = Path(spec).expanduser()
    checkpoint = next((file for file in map(folder.joinpath, _NAMES) if file.is_file()), folder / _NAMES[0])
    for part in (checkpoint, folder / "language" / "config.json", folder / "vision" / "config.json"):
        if not part.is_file():
            raise ModelError(
                f"no OpenFlamingo in {spec!r}: {str(part.relative_to(folder))!r} is missing; write "
                f"openflamingo:{'|'.join(PUBLISHED)}, or a folder with checkpoint.pt, language/ and vision/"
            )
    return Files(checkpoint, folder / "language", str(folder / "vision"))


def _download(name: str, patterns: list[str], offline: bool) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=patterns, local_files_only=offline))
    except (OSError, ValueError, RuntimeError) as error:
        cure = "check the network, or download it elsewhere and give a folder"
        raise ModelError(f"{name} cannot be had: {str(error).splitlines()[0]}; {cure}") from error


def read_config(folder: Path) -> Mapping[str, Any]:
    """The config.json of a language model."""
    config: Mapping[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return config


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, or of all files of weights in a folder; nothing in them is run as code.

    Raises ModelError where one is damaged or holds anything else.
    """
    files = [path]
    if path.is_dir():
        files = sorted(path.glob("*.safetensors")) or sorted(path.glob("pytorch_model*.bin"))
        if not files:
            raise ModelError(f"{str(path)!r} holds no weights: neither .safetensors nor pytorch_model.bin")
    found: dict[str, Tensor] = {}
    for file in files:
        found |= _read_file(file)
    return found


def _read_file(file: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            tensors: Any = load_file(file)
        else:
            tensors = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(f"{file.name} cannot be read as weights: {reason}; download it again") from error
    if isinstance(tensors, dict) and isinstance(tensors.get("model_state_dict"), dict):
        tensors = tensors["model_state_dict"]  # as the training script saves it
    if not isinstance(tensors, dict) or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise ModelError(f"{file.name} holds no weights by name; give the published checkpoint")
    return {key.removeprefix("module."): value for key, value in tensors.items()}


def name_language(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The keys of mpt-7b, and of the older mpt-1b, as `FlamingoLanguage` calls them."""
    named = {}
    for key, value in tensors.items():
        key = key.removeprefix("transformer.")
        for older, newer in _OLDER_NAMES:
            key = key.replace(older, newer)
        if key.startswith(("wte.", "blocks.", "norm_f.")):
            named[key] = value
    return named


def part_checkpoint(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Part a published checkpoint into the perceiver's weights, and those of the language model."""
    perceiver = {
        key.removeprefix("perceiver."): value
        for key, value in tensors.items()
        if key.startswith("perceiver.")
    }
    language = dict(_language_parts(tensors))
    if not perceiver or not any(key.startswith("crossings.") for key in language):
        raise ModelError(
            "the checkpoint is none of OpenFlamingo: it has no perceiver, or no gated cross-attention layers"
        )
    return perceiver, language


def _language_parts(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for key, value in tensors.items():
        if found := _CROSSING.fullmatch(key):
            yield f"crossings.{found[1] or found[2]}.{found[3]}", value
        elif key == "lang_encoder.transformer.wte.weight":
            yield "wte.weight", value


def crossing_interval(language: Mapping[str, Tensor]) -> int:
    """Every how many blocks the pictures are looked at."""
    return min(int(key.split(".")[1]) for key in language if key.startswith("crossings.")) + 1
