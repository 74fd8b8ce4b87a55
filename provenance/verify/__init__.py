"""A candidate -> does it show the same picture? Geometry decides, descriptors only propose.

matching   descriptors of both sides -> mutual matches with agreeing scale and rotation
geometry   matches -> homography, overlap both ways
dense      for pictures with too few keypoints: correlation of small pictures
agreement  where the two agree under a homography, block by block, and what kind of thing agrees
decide     the evidence above -> verified or not, and a calibrated probability
"""

from provenance.verify.decide import QueryView, verify, verify_whole
from provenance.verify.dense import query_gray, resemble, small_gray
from provenance.verify.geometry import shown_box

__all__ = ["QueryView", "query_gray", "resemble", "shown_box", "small_gray", "verify", "verify_whole"]
