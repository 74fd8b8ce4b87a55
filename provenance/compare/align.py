"""Bring a verified pair into one frame: the homography refined on the dense picture, the reference warped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.records import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class AlignedPair:
    """A pair in the frame of the query at working size."""

    query: Pixels
    """[h, w, 3] at working size."""
    reference: Pixels
    """[h, w, 3] warped into the query's frame with area-correct resampling; black outside `overlap`."""
    overlap: NDArray[np.bool_]
    """[h, w] where the query shows the reference, eroded by 1-2 px against edge effects."""
    working_scale: float
    """Working pixels per full-size query pixel, (0, 1]."""
    reference_from_query: NDArray[np.float64]
    """[3, 3] refined, full-size pixels."""
    reference_full: Pixels
    """[h, w, 3] the reference as decoded, for looking up what lies elsewhere in it."""
    error_px: float
    """Estimated remaining misregistration, working pixels."""
