"""Keypoints without a picture: descriptors as RootSIFT has them, at random places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from provenance.records import LocalFeatures, NewReference
from tests.db.pictures import picture

SIZE = (3000, 2000)
"""Of every made-up picture."""


def keypoints(seed: int, count: int = 120) -> LocalFeatures:
    """Keypoints spread over a picture of SIZE."""
    rng = np.random.default_rng(seed)
    gradients = rng.gamma(0.4, size=(count, 128))
    rooted = np.sqrt(gradients / gradients.sum(axis=1, keepdims=True)) * 512
    return LocalFeatures(
        points=(rng.random((count, 2)) * SIZE).astype(np.float32),
        scales=(rng.random(count) * 60 + 8).astype(np.float32),
        angles=(rng.random(count) * 360).astype(np.float32),
        descriptors=np.clip(np.rint(rooted), 0, 255).astype(np.uint8),
    )


def moved(
    features: LocalFeatures, *, factor: float = 1.0, degrees: float = 0.0, by: tuple[float, float] = (0, 0)
) -> LocalFeatures:
    """The keypoints of the picture scaled, turned clockwise and shifted."""
    turn = np.deg2rad(degrees)
    matrix = factor * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return replace(
        features,
        points=(features.points @ matrix.T + by).astype(np.float32),
        scales=(features.scales * factor).astype(np.float32),
        angles=np.mod(features.angles + degrees, 360).astype(np.float32),
    )


def scattered(features: LocalFeatures, seed: int) -> LocalFeatures:
    """The same descriptors at places, sizes and angles that have nothing to do with each other."""
    return replace(keypoints(seed, len(features)), descriptors=features.descriptors)


def resaved(features: LocalFeatures, seed: int, levels: float = 4.0) -> LocalFeatures:
    """The keypoints of a copy: descriptors a few levels different."""
    noise = np.random.default_rng(seed).normal(0, levels, features.descriptors.shape)
    noisy: NDArray[np.uint8] = np.clip(np.rint(features.descriptors + noise), 0, 255).astype(np.uint8)
    return replace(features, descriptors=noisy)


def reference(number: int, features: LocalFeatures | None = None) -> NewReference:
    """A picture to store, with keypoints as they are here."""
    one = picture(number)
    description = replace(one.description, local=keypoints(number) if features is None else features)
    return replace(one, description=description)
