"""Bring a reference into the frame of a query: resampling no blurrier and no sharper than that of editors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.compare.motion import (
    Matrix,
    Motion,
    Points,
    Reals,
    Size,
    corners_of,
    jacobian,
    nearest_dihedral,
    project,
    resize_matrix,
)
from provenance.records import DecodedImage, Pixels

_SPARE_SCALE = 1.4
"""A larger reference is reduced to this many pixels a working pixel before it is warped."""
_LOW_PASS = 0.4
"""Gaussian, in pixels, that with the cubic warp comes nearest to editors' own resizing."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Pixels [h, w, 3] or [h, w] at any resolution, and the full size that coordinates are given in."""

    pixels: Pixels
    size: Size

    @classmethod
    def of(cls, image: DecodedImage) -> Picture:
        """A decoded picture as it is."""
        return cls(image.pixels, (image.width, image.height))

    def gray(self) -> Picture:
        """The same without colour."""
        return replace(self, pixels=np.asarray(cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY), np.uint8))

    def reduced(self, scale: float) -> Picture:
        """The same at `scale` times the resolution, area-averaged; never enlarged."""
        if scale >= 1:
            return self
        width, height = (max(1, round(side * scale)) for side in size_of(self.pixels))
        pixels = cv2.resize(self.pixels, (width, height), interpolation=cv2.INTER_AREA)
        return replace(self, pixels=np.asarray(pixels, np.uint8))


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of the query: its full size, in which homographies are given, and the size to work at."""

    full: Size
    working: Size


def size_of(pixels: Pixels) -> Size:
    """(width, height) of pixels."""
    return pixels.shape[1], pixels.shape[0]


def to_working_size(image: DecodedImage, side_px: int) -> Pixels:
    """The picture with its long side at most `side_px`, area-averaged; never enlarged."""
    scale = side_px / max(image.width, image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size[0] >= image.pixels.shape[1]:
        return image.pixels
    return np.asarray(cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def pixels_a_pixel(reference: Picture, reference_from_query: Matrix, frame: Frame) -> float:
    """Pixels of the reference that a working pixel covers along a side, in the middle of the overlap."""
    to_full = resize_matrix(frame.working, frame.full)
    centre = overlap_centre(reference_from_query @ to_full, frame.working, reference.size)
    matrix = resize_matrix(reference.size, size_of(reference.pixels)) @ reference_from_query @ to_full
    return float(np.sqrt(abs(np.linalg.det(jacobian(matrix, centre)))))


def without_spare_pixels(reference: Picture, reference_from_query: Matrix, frame: Frame) -> Picture:
    """The reference reduced where it has far more pixels than the frame can show."""
    scale = pixels_a_pixel(reference, reference_from_query, frame)
    return reference.reduced(_SPARE_SCALE / scale) if scale > 2 * _SPARE_SCALE else reference


def warp(
    reference: Picture, motion: Motion, frame: Frame, *, low_pass: bool = True
) -> tuple[Pixels, NDArray[np.bool_]]:
    """The reference in the query's frame at working size, black where it does not reach, and the overlap.

    It is low-passed first where it is larger; without `low_pass` pixels are skipped, as careless editors do.
    """
    if motion.model == "frame" and low_pass:
        dihedral = nearest_dihedral(motion.reference_from_query[:2, :2])
        whole = np.ones(frame.working[::-1], np.bool_)
        return _resize_whole(reference.pixels, dihedral, frame.working), whole
    if low_pass:
        reference = without_spare_pixels(reference, motion.reference_from_query, frame)
    source = reference.pixels
    scale = pixels_a_pixel(reference, motion.reference_from_query, frame)
    if low_pass and scale > 1.05:
        sigma = _LOW_PASS * float(np.sqrt(scale * scale - 1))
        source = np.asarray(cv2.GaussianBlur(source, (0, 0), sigma), np.uint8)
    there = motion.reference_from_query @ resize_matrix(frame.working, frame.full)
    matrix = resize_matrix(reference.size, size_of(source)) @ there
    flags = (cv2.INTER_CUBIC if low_pass else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(source, matrix, frame.working, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    overlap = overlap_mask(there, frame.working, reference.size)
    if not overlap.all():
        near = cv2.dilate(overlap.view(np.uint8), np.ones((3, 3), np.uint8))
        warped = cv2.copyTo(warped, near)
    return np.asarray(warped, np.uint8), overlap


def overlap_mask(reference_from_working: Reals, working: Size, reference_size: Size) -> NDArray[np.bool_]:
    """[h, w] where a frame shows the reference, less 1.5 px along the reference's own border."""
    corners = project(np.linalg.inv(reference_from_working), corners_of(reference_size))
    mask = np.zeros(working[::-1], np.uint8)
    fixed = np.round(np.clip(corners, -1e6, 1e6) * 16).astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(fixed), 1, shift=4)
    return np.asarray(cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=1), np.bool_)


def overlap_centre(reference_from_frame: Reals, frame: Size, reference_size: Size) -> Points:
    """The centre of what a frame shows of the reference, in the frame."""
    corners = project(np.linalg.inv(reference_from_frame), corners_of(reference_size))
    box = np.clip(np.array([corners.min(axis=0), corners.max(axis=0)]), 0, np.array(frame))
    return np.asarray(box.mean(axis=0), np.float64)


def _resize_whole(pixels: Pixels, dihedral: Matrix, working: Size) -> Pixels:
    """Flip and turn, then one plain resize: exactly what the editor did, so nothing is left to explain."""
    turned = dihedral[0, 0] == 0
    if turned:
        pixels = np.swapaxes(pixels, 0, 1)
    horizontal = dihedral[1, 0] if turned else dihedral[0, 0]
    vertical = dihedral[0, 1] if turned else dihedral[1, 1]
    pixels = np.ascontiguousarray(pixels[:: int(vertical), :: int(horizontal)])
    if size_of(pixels) == working:
        return pixels
    smaller = working[0] < pixels.shape[1] or working[1] < pixels.shape[0]
    if smaller:
        # Pillow's bicubic lies between the filters that editors use; cv2's area filter blurs near full size.
        picture = Image.fromarray(pixels)
        return np.asarray(picture.resize(working, Image.Resampling.BICUBIC, reducing_gap=3.0), np.uint8)
    return np.asarray(cv2.resize(pixels, working, interpolation=cv2.INTER_CUBIC), np.uint8)
