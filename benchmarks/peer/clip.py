"""CLIP through open_clip: made to tell what pictures mean, often used to find copies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A benchmark downloads nothing by surprise; set before the hub's library reads it.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import open_clip
import torch

from benchmarks.peer.embedding import Embedding
from benchmarks.peer.protocol import PeerMissingError
from benchmarks.peer.reading import open_rgb, unit

SPEC = "ViT-B-32:laion2b_s34b_b79k"


class Clip(Embedding):
    """The image tower of a CLIP model, "MODEL:TAG" or "MODEL:FILE"."""

    def __init__(self, *, threads: int, spec: str = SPEC) -> None:
        super().__init__(threads)
        torch.set_num_threads(threads)
        self.note = spec if Path(spec.partition(":")[2]).suffix == "" else spec.partition(":")[0]
        name, _, weights = spec.partition(":")
        try:
            model, _, self._preprocess = open_clip.create_model_and_transforms(name, pretrained=weights)
        except (OSError, RuntimeError, ValueError) as error:
            raise PeerMissingError(
                f"weights {spec} are not here: run it once with HF_HUB_OFFLINE=0, or give --clip MODEL:FILE"
            ) from error
        self._model = model.eval()

    def read(self, path: Path) -> Any:
        """The model's own preprocessing."""
        return self._preprocess(open_rgb(path))

    def embed(self, read: Any) -> NDArray[np.float32]:
        """The unit vector [d]."""
        with torch.inference_mode():
            return unit(self._model.encode_image(read[None])[0].numpy())
