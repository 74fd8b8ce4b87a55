"""PDQ, the hash that trust-and-safety systems exchange, by the library pdqhash (extra "pdq").

Where two pictures match, at most 31 of its 256 bits differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from provenance.errors import MissingExtraError
from provenance.records import PdqHash, Pixels

VERSION = "pdq-256/1"


def pdq_hash(pixels: Pixels) -> PdqHash:
    """PDQ of a picture uint8 [h, w, 3], bit order as its hexadecimal form has it.

    Raises MissingExtraError without the extra `pdq`.
    """
    bits, quality = load_pdq().compute(np.ascontiguousarray(pixels))
    return PdqHash(np.packbits(np.asarray(bits, np.uint8)), int(quality))


def load_pdq() -> Any:
    """The library. Raises MissingExtraError where it is not installed."""
    try:
        import pdqhash
    except ModuleNotFoundError as error:
        raise MissingExtraError("PDQ hashes", "pdq") from error
    return pdqhash
