"""A candidate -> does it show the same picture? Geometry decides, descriptors only propose.

matching   descriptors of both sides -> mutual matches with agreeing scale and rotation
geometry   matches -> homography, overlap both ways
dense      for pictures with too few keypoints: correlation of small pictures
decide     the evidence above -> verified or not, and a calibrated probability
"""

from provenance.verify.decide import QueryView, promising, verify
from provenance.verify.dense import small_gray

__all__ = ["QueryView", "promising", "small_gray", "verify"]
