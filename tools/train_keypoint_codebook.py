"""Make index/codebooks/rootsift.npz from photos: how descriptors are shortened for the keypoint index.

    python -m tools.train_keypoint_codebook PHOTOS_FOLDER

PHOTOS_FOLDER: photos whose licence allows it; the shipped file was made from the public-domain and CC0 photos
listed in tools/keypoint_codebook_photos.txt. It holds statistics of descriptors and no picture.

projection  PCA of RootSIFT to 64 dimensions, then unit length (Jégou & Chum 2012: half the size, no loss)
lists       4,096 centroids: the inverted lists (Sivic & Zisserman 2003)
words       16 x 256 centroids of 4 dimensions: product quantisation (Jégou, Douze & Schmid 2011)
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from index.codebook import CODEBOOK_FILE, LISTS, PARTS, WORDS, Codebook
from provenance.decode import decode, reduce
from provenance.describe import local_features
from provenance.records import Pixels

LARGE_PX = 1000
"""Photos of this long side or more give their quarters as further photos."""
DIMENSION = 64


def views(pixels: Pixels) -> list[Pixels]:
    """The photo as descriptors meet it: whole, parts of it, smaller and compressed."""
    image = Image.fromarray(pixels)
    width, height = image.size
    small = image.resize((max(8, width // 2), max(8, height // 2)), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=35)
    found = [pixels, np.asarray(Image.open(buffer).convert("RGB"))]
    if max(width, height) >= LARGE_PX:
        found += [
            pixels[y : y + height // 2, x : x + width // 2] for y in (0, height // 2) for x in (0, width // 2)
        ]
    return found


def train(descriptors: NDArray[np.uint8]) -> Codebook:
    """Learn projection, lists and words from RootSIFT descriptors [n, 128]."""
    rows = descriptors.astype(np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    mean = rows.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((rows - mean).T))
    projection = np.ascontiguousarray(vectors[:, ::-1][:, :DIMENSION], np.float32)
    blank = Codebook(mean, projection, np.zeros((LISTS, DIMENSION), np.float32), np.zeros((PARTS, WORDS, 4)))
    short = blank.shorten(descriptors)
    lists = faiss.Kmeans(DIMENSION, LISTS, niter=12, seed=1, max_points_per_centroid=128)
    lists.train(short)
    words = np.empty((PARTS, WORDS, DIMENSION // PARTS), np.float32)
    for part in range(PARTS):
        columns = np.ascontiguousarray(short[:, part * 4 : part * 4 + 4])
        kmeans = faiss.Kmeans(4, WORDS, niter=12, seed=1, max_points_per_centroid=512)
        kmeans.train(columns)
        words[part] = kmeans.centroids
    return Codebook(mean, projection, lists.centroids, words)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    arguments = parser.parse_args()
    paths = sorted(p for p in arguments.photos.rglob("*") if p.suffix in {".jpg", ".webp", ".png"})
    found = []
    for path in paths:
        for pixels in views(decode(path).pixels):
            image = reduce(decode(_png(pixels)), 1024)
            found.append(local_features(image.pixels, limit=1200).descriptors)
    descriptors = np.concatenate(found)
    print(f"{len(descriptors)} descriptors of {len(paths)} photos")
    codebook = train(descriptors)
    codebook.save(CODEBOOK_FILE)
    listed = "".join(f"{path.name}\n" for path in paths)
    Path(__file__).with_name("keypoint_codebook_photos.txt").write_text(listed, encoding="utf-8")


def _png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
