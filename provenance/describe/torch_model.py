"""A torch module as an embedder; the back ends that load one inherit this. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from provenance.describe.model_file import reason, unit_rows
from provenance.describe.preprocess import Recipe
from provenance.errors import ModelError
from provenance.records import Pixels

BATCH = 16


class TorchEmbedder:
    """Embeds pictures with a module that takes float32 [n, 3, h, w] and gives [n, d].

    `title` names the model in messages. Single precision everywhere, so that a database made on a GPU can be
    asked on a CPU. Raises ModelError where the module does not take what the recipe makes, or gives no
    vectors.
    """

    def __init__(
        self, model: Any, recipe: Recipe, *, name: str, version: str, device: torch.device, title: str
    ) -> None:
        self.name = name
        self.version = version
        self._recipe = recipe
        self._device = device
        self._title = title
        self._model = model.to(device).eval()
        try:
            # Two, as a traced module may have a batch of one built in.
            found = self._run([recipe.probe()] * self._at_once(2))
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
            raise ModelError(
                f"{title} does not run on pictures with {recipe}: {reason(error)}; "
                "write the side it was made for, e.g. side=224, and fit=square"
            ) from error
        self.dimension = int(found.shape[1])

    def embed(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """Unit vectors float32 [n, dimension] of n uint8 [h, w, 3] pictures of any size."""
        step = self._at_once(BATCH)
        chunks = [self._run(images[start : start + step]) for start in range(0, len(images), step)]
        return np.concatenate(chunks) if chunks else np.empty((0, self.dimension), np.float32)

    def _at_once(self, most: int) -> int:
        """Pictures that keep their shape go through one by one."""
        return most if self._recipe.fit == "square" else 1

    def _run(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        batch = torch.from_numpy(np.stack([self._recipe.planes(image) for image in images]))
        with torch.inference_mode():
            found = self._model(batch.to(self._device))
        if not isinstance(found, torch.Tensor):
            raise ModelError(f"{self._title} gives a {type(found).__name__} instead of one tensor [n, d]")
        if found.ndim == 0 or len(found) != len(images):
            raise ModelError(
                f"{self._title} gives {list(found.shape)} for {len(images)} pictures instead of one vector "
                "each: save it for batches of any size, with its pooling"
            )
        return unit_rows(found.float().cpu().numpy(), self._title)


def best_device(device: str | None) -> torch.device:
    """The one asked for, otherwise CUDA where there is one, otherwise the CPU."""
    return torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
