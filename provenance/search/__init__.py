"""Descriptors -> ranked candidates.

searcher   an index for each descriptor, in step with the database
votes      near keypoints -> which references hold many of them in one geometry
ranking    rankings of different descriptors -> one
"""

from provenance.search.ranking import fuse
from provenance.search.searcher import Searcher
from provenance.search.votes import Vote, keep_heavier

__all__ = ["Searcher", "Vote", "fuse", "keep_heavier"]
