"""CLIP through open_clip: any of its models, with published weights or a local checkpoint."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.describe.model_file import digest, nearest, reason
from provenance.errors import MissingExtraError, ModelError, UsageError
from provenance.records import Pixels

try:
    import open_clip
    import torch
    from safetensors import SafetensorError  # type: ignore[import-not-found,unused-ignore]
except ModuleNotFoundError as error:
    raise MissingExtraError("CLIP", "clip") from error

BATCH = 32
CHECKPOINT_SUFFIXES = frozenset({".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".npz"})


class ClipEmbedder:
    """Embeds pictures with the image tower of a CLIP model.

    `spec` is "MODEL:TAG" (open_clip downloads the weights once) or "MODEL:FILE"; `name` is "copy" where it
    makes the copy descriptor. Runs on CUDA in half precision where there is one, otherwise on the CPU;
    `device` overrides; torch has its own threads, whatever `threads` says. Raises UsageError for an unknown
    model or tag, ModelError where the weights are missing, damaged, of another model, or cannot be
    downloaded.
    """

    def __init__(self, spec: str, *, name: str = "clip", threads: int = 0, device: str | None = None) -> None:
        self.name = name
        model_name, weights = _parse(spec)
        is_file = weights not in open_clip.list_pretrained_tags_by_model(model_name)
        self.version = f"{model_name}:{weights}"
        if is_file:
            path = Path(weights)
            self.version = f"{model_name}:{path.name}@{digest(path)[:12]}"
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._half = self._device.type == "cuda"
        self._model, self._preprocess = _load(model_name, weights, is_file, self._device, self._half)
        self._model_name = model_name
        self.dimension = int(open_clip.get_model_config(model_name)["embed_dim"])

    def embed(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """Unit vectors float32 [n, dimension] of n uint8 [h, w, 3] pictures of any size."""
        vectors = np.empty((len(images), self.dimension), np.float32)
        for start in range(0, len(images), BATCH):
            chunk = images[start : start + BATCH]
            batch = torch.stack([self._preprocess(Image.fromarray(np.ascontiguousarray(i))) for i in chunk])
            batch = batch.to(self._device, torch.float16 if self._half else torch.float32)
            with torch.inference_mode():
                features = self._model.encode_image(batch).float()
                features = torch.nn.functional.normalize(features, dim=-1)
            vectors[start : start + len(chunk)] = features.cpu().numpy()
        return vectors

    @cached_property
    def _tokenizer(self) -> Any:
        """Made only when a text comes: some models download theirs."""
        return open_clip.get_tokenizer(self._model_name)

    def embed_text(self, text: str) -> NDArray[np.float32]:
        """The unit vector float32 [dimension] of a text; what is longer than the model reads is cut."""
        tokens = self._tokenizer([text]).to(self._device)
        with torch.inference_mode():
            features = self._model.encode_text(tokens).float()
            features = torch.nn.functional.normalize(features, dim=-1)
        vector: NDArray[np.float32] = features[0].cpu().numpy()
        return vector


def _parse(spec: str) -> tuple[str, str]:
    """Split "MODEL:TAG" or "MODEL:FILE"; raises UsageError that lists the nearest names."""
    model_name, colon, weights = spec.partition(":")
    models = open_clip.list_models()
    if model_name not in models:
        raise UsageError(f"open_clip has no model {model_name!r}; {nearest(model_name, models)}")
    tags = open_clip.list_pretrained_tags_by_model(model_name)
    if not colon or not weights:
        raise UsageError(
            f"{spec!r} names no weights: write {model_name}:TAG or {model_name}:FILE; {nearest('', tags)}"
        )
    looks_like_file = Path(weights).suffix in CHECKPOINT_SUFFIXES or any(c in weights for c in "/\\")
    if weights not in tags and not looks_like_file and not Path(weights).is_file():
        raise UsageError(
            f"{model_name} has no weights {weights!r}, and no such file; {nearest(weights, tags)}"
        )
    return model_name, weights


def _load(model_name: str, weights: str, is_file: bool, device: torch.device, half: bool) -> tuple[Any, Any]:
    """The model in eval mode and the preprocessing of its weights."""
    # Weights trained with the faster GELU of OpenAI's code give other vectors with the exact one.
    quick_gelu = not is_file and bool(open_clip.get_pretrained_cfg(model_name, weights).get("quick_gelu"))
    try:
        model, _, preprocess = open_clip.create_model_and_transforms(
            model_name,
            pretrained=weights,
            precision="fp16" if half else "fp32",
            device=device,
            force_quick_gelu=quick_gelu,
        )
    # The kinds that torch.load, safetensors, the strict load and the hub raise.
    except (SafetensorError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, RuntimeError,
            AttributeError, StopIteration, OSError) as error:  # fmt: skip
        if is_file:
            cure = f"give a checkpoint of {model_name}, undamaged, as .pt or .safetensors"
            raise ModelError(
                f"{weights!r} cannot be loaded as {model_name}: {reason(error)}; {cure}"
            ) from error
        cure = f"check the network, or download the file elsewhere and write {model_name}:FILE"
        raise ModelError(
            f"weights {weights!r} of {model_name} cannot be had: {reason(error)}; {cure}"
        ) from error
    return model.eval(), preprocess
