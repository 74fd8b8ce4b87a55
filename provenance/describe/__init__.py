"""Pixels -> descriptors: hashes, embeddings, keypoints.

    hashes           256-bit perceptual hash and its eight mirrored and rotated forms
    pdq              the hash that trust-and-safety systems exchange (extra "pdq")
    embedder         what every embedding model offers
    copy_descriptor  the built-in embedding, in onnxruntime
    backends         who else may make the copy descriptor, by name:
    onnx_file            a network in an ONNX file
    torchscript_file     one in a TorchScript file (extra "torch")
    timm_model           any model of timm (extra "timm")
    clip                 CLIP through open_clip (extra "clip"), also beside the copy descriptor
    torch_model      what the torch back ends share
    preprocess       pixels -> a network's input
    model_file       digests, names and outputs of models
    keypoints        RootSIFT keypoints for verification
    windows          parts of a query, for where the whole finds nothing

Only the back ends marked with an extra need torch, and they are imported only when they are asked for.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from provenance.describe import hashes
from provenance.describe.backends import BUILTIN, anchored, copy_embedder
from provenance.describe.embedder import Embedder
from provenance.describe.keypoints import FINE_ENLARGEMENT, FINE_SIDE, in_forms, local_features
from provenance.describe.keypoints import VERSION as LOCAL_VERSION
from provenance.describe.pdq import VERSION as PDQ_VERSION
from provenance.describe.pdq import load_pdq, pdq_hash
from provenance.describe.windows import windows
from provenance.errors import NotConfiguredError
from provenance.records import DecodedImage, Description, LocalFeatures, PdqHash, Pixels

if TYPE_CHECKING:
    from provenance.describe.clip import ClipEmbedder

__all__ = ["Describer", "Embedder", "anchored", "in_forms", "load_pdq", "local_features", "pdq_hash"]


class Describer:
    """Makes all descriptors of pictures; may be shared between threads.

    `copy_model` names the embedding "copy" as for `copy_embedder`; `clip` adds one of that name and is
    "MODEL:TAG" or "MODEL:FILE" as for `ClipEmbedder`; `keypoints` and `query_keypoints` are how
    many are kept for a reference and for a query; `pdq` adds PDQ hashes; `threads` 0 means one per core.
    Raises MissingExtraError, UsageError or ModelError where a model cannot be had.
    """

    def __init__(
        self,
        *,
        copy_model: str = BUILTIN,
        clip: str | None = None,
        keypoints: int = 600,
        query_keypoints: int = 1500,
        pdq: bool = False,
        threads: int = 0,
    ) -> None:
        self._keypoints = keypoints
        self._query_keypoints = query_keypoints
        self._threads = threads or os.cpu_count() or 1
        self._embedders: list[Embedder] = [copy_embedder(copy_model, threads=self._threads)]
        self._clip: ClipEmbedder | None = None
        if clip is not None:
            from provenance.describe.clip import ClipEmbedder

            self._clip = ClipEmbedder(clip)
            self._embedders.append(self._clip)
        self.versions: dict[str, str] = {
            "phash": hashes.VERSION,
            **({"pdq": PDQ_VERSION} if pdq else {}),
            **{embedder.name: embedder.version for embedder in self._embedders},
            "local": LOCAL_VERSION,
        }
        """By descriptor name ("phash", "pdq", "copy", "clip", "local"): changes with the computation."""

    def describe(self, images: Sequence[DecodedImage]) -> list[Description]:
        """Describe references, in the order given; the pictures are shared out among threads."""
        with ThreadPoolExecutor(self._threads) as pool:
            local = pool.map(lambda image: _local(image, self._keypoints), images)
            embeddings = self._embed([image.pixels for image in images])
            return [
                Description(hashes.perceptual_hash(image.pixels), embedded, features, self._pdq(image))
                for image, embedded, features in zip(images, embeddings, local, strict=True)
            ]

    def hash_forms(self, image: DecodedImage) -> NDArray[np.uint8]:
        """Perceptual hashes of the eight mirrored and turned forms of a query, uint8 [8, 32]."""
        return hashes.dihedral_hashes(image.pixels)

    def query_keypoints(self, image: DecodedImage) -> LocalFeatures:
        """Keypoints of a query, more than of a reference."""
        return _local(image, self._query_keypoints)

    def fine_keypoints(self, image: DecodedImage) -> LocalFeatures:
        """Keypoints of a query found at a larger working size: for originals in a small part of it."""
        side = min(FINE_SIDE, round(FINE_ENLARGEMENT * max(image.pixels.shape[:2])))
        return local_features(
            image.pixels, limit=2 * self._query_keypoints, scale=image.scale, long_side=side
        )

    def embed_query(self, image: DecodedImage) -> dict[str, NDArray[np.float32]]:
        """By embedding name unit vectors [2, d]: of the query as it is, and mirrored."""
        forms = [image.pixels, np.ascontiguousarray(image.pixels[:, ::-1])]
        return {embedder.name: embedder.embed(forms) for embedder in self._embedders}

    def embed_windows(self, image: DecodedImage) -> dict[str, NDArray[np.float32]]:
        """Copy descriptors [n, d] of overlapping parts of a query, by descriptor name.

        For a second look where the whole query finds nothing: the original may be an inset. Only the copy
        descriptor is used, for the time it takes.
        """
        copy = self._embedders[0]
        return {copy.name: copy.embed(windows(image.pixels))}

    def _pdq(self, image: DecodedImage) -> PdqHash | None:
        return pdq_hash(image.pixels) if "pdq" in self.versions else None

    def embed_text(self, text: str) -> NDArray[np.float32]:
        """The unit vector [d] of a text, comparable with "clip". Raises NotConfiguredError without CLIP."""
        if self._clip is None:
            raise NotConfiguredError(
                "this database was made without CLIP, which finds pictures by words: "
                "run 'provenance ingest --clip MODEL:TAG' on its folders"
            )
        return self._clip.embed_text(text)

    def _embed(self, images: Sequence[Pixels]) -> list[dict[str, NDArray[np.float32]]]:
        """For each picture its unit vectors by embedder name."""
        vectors = {embedder.name: embedder.embed(images) for embedder in self._embedders}
        return [{name: rows[i] for name, rows in vectors.items()} for i in range(len(images))]


def _local(image: DecodedImage, limit: int) -> LocalFeatures:
    return local_features(image.pixels, limit=limit, scale=image.scale)
