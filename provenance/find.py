"""Query -> judged candidates, the cheap stages first, each only where those before found nothing sure.

hash        the perceptual hash, and a dense comparison of the whole pictures: copies without a cut
keypoints   votes of the keypoints, as they are and mirrored: nearly everything else
embedding   the copy descriptor and CLIP, and keypoints of the negative: blurred, tiny and odd pictures
fine        finer keypoints: small insets, small parts of a page
parts       the copy descriptor of parts of the query: the same, blurred or tiny
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index.threads import one_blas_thread
from provenance.db import Database
from provenance.decode import decode, reduce
from provenance.describe import Describer, in_forms, local_features
from provenance.records import Candidate, DecodedImage, Form, LocalFeatures, ReferenceRecord, Verification
from provenance.search import Searcher, Vote, fuse, keep_heavier
from provenance.timing import Stopwatch
from provenance.verify import QueryView, query_gray, resemble, small_gray, verify, verify_whole

SURE_BITS = 24
"""Differing bits of 256 up to which the whole pictures are compared before anything else is computed."""
FAR_BITS = 80
"""Differing bits beyond which the hash says nothing; unrelated pictures have 128, the nearest of many 90."""
COPY_BITS = 31
"""Differing bits up to which two trusted pictures may be copies (the practice with PDQ)."""
STRONG_VOTES = 30
"""With so many agreeing keypoints other forms of the query are not asked for."""
FINE_VOTES = 4
"""Agreeing finer keypoints from which a candidate is judged."""
UNSURE = 0.02
"""Confidence from which what was judged with coarse keypoints is judged again with finer ones."""
ASKED: Mapping[Form, int] = {"upright": 700, "mirrored": 350, "negative": 250, "mirrored negative": 250}
"""Keypoints that are looked up, the strongest: fewer of the rarer forms."""
FINE_ASKED: Mapping[Form, int] = {"upright": 1000, "mirrored": 500}
"""Finer keypoints that are looked up: the small part that matters has few of them."""
FIRST = 4
"""Candidates verified before the embeddings are computed."""
OTHER_VOTES, OTHERS = 8, 8
"""Once an original is found, so many more candidates with so many votes are judged: a collage has several."""
MOSTLY_EXPLAINED = 0.6
"""Share of a picture's detail from which a match is of the picture and not of something it shares."""
SHARED_SHARE, SHARED_FACTOR = 0.4, 0.1
"""Share of a match's inliers by which another picture shows the same part; what the match is worth then."""
EQUALLY_SURE = 0.95
"""Beyond this it is not the confidence that tells a photo from its mirrored or smaller twin."""
SURE = 0.99
NOT_QUITE = 0.9
"""A match less sure than this is looked at further: there may be a better one."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A candidate, what verification says of it, and its record."""

    candidate: Candidate
    verification: Verification
    record: ReferenceRecord

    @property
    def rank(self) -> tuple[bool, bool, float, bool, float, int]:
        """Higher is better: the same picture before another of the scene, then the surer one.

        Of equally sure ones, the one that needs no mirroring and explains more.
        """
        one = self.verification
        return (
            one.verified,
            one.verified and one.same_picture,
            round(min(one.confidence, EQUALLY_SURE), 2),
            one.form == "upright",
            round(one.explained, 1),
            one.inliers,
        )


@dataclass(slots=True)
class _Hunt:
    """One query on its way through the stages."""

    query: DecodedImage
    reduced: DecodedImage
    view: QueryView
    leave_out: Set[int] = frozenset()
    judged: dict[int, Judged] = field(default_factory=dict)
    bits: Mapping[int, float] = field(default_factory=dict)
    votes: dict[int, tuple[Vote, Form]] = field(default_factory=dict)

    @property
    def best(self) -> float:
        """The highest confidence so far that a reference is the same picture, and not only of the scene."""
        found = (one.verification for one in self.judged.values())
        return max((one.confidence for one in found if one.same_picture), default=0.0)

    def has_judged(self, candidate: Candidate) -> bool:
        """Whether a candidate was judged, in the form of the query that speaks for it now."""
        known = self.judged.get(candidate.reference_id)
        return known is not None and candidate.form in _forms(known.candidate.form)


class Finder:
    """Finds the reference behind a query; may be shared between threads."""

    def __init__(
        self,
        database: Database,
        describer: Describer,
        searcher: Searcher,
        *,
        side_px: int,
        deep_k: int,
        min_confidence: float,
        threads: int,
    ) -> None:
        self._database = database
        self._describer = describer
        self._searcher = searcher
        self._side_px = side_px
        self._deep_k = deep_k
        self._min_confidence = min_confidence
        self._threads = threads

    def find(
        self, query: DecodedImage, *, top_k: int, watch: Stopwatch, leave_out: Set[int] = frozenset()
    ) -> list[Judged]:
        """All candidates that were judged, best first, less the references in `leave_out`."""
        reduced = reduce(query, self._side_px)
        view = QueryView({}, query_gray(reduced.pixels), (query.width, query.height))
        hunt = _Hunt(query, reduced, view, leave_out)
        for stage in (
            self._by_hash, self._by_keypoints, self._by_embedding, self._by_fine_keypoints, self._by_parts,
        ):  # fmt: skip
            stage(hunt, top_k, watch)
            if hunt.best >= (SURE if stage == self._by_hash else NOT_QUITE):
                break
        if hunt.best >= self._min_confidence:
            with watch("verify"):
                self._verify_others(hunt)
                self._discount_shared(hunt)
        return sorted(hunt.judged.values(), key=lambda one: one.rank, reverse=True)

    # ------------------------------------------------------------ the stages

    def _by_hash(self, hunt: _Hunt, top_k: int, watch: Stopwatch) -> None:
        with watch("describe"):
            forms = self._describer.hash_forms(hunt.reduced)
        with watch("search"):
            nearest = self._searcher.by_hash(forms, top_k)
            hunt.bits = {one: bits for one, bits in nearest.items() if bits >= -FAR_BITS}
            near = [one for one in fuse(bits=hunt.bits) if hunt.bits[one.reference_id] >= -SURE_BITS]
        with watch("verify"):
            for judged in self._judge(hunt, near[:FIRST], whole=True):
                if judged.verification.confidence >= SURE:
                    hunt.judged[judged.record.reference_id] = judged

    def _by_keypoints(self, hunt: _Hunt, top_k: int, watch: Stopwatch) -> None:
        with watch("describe"):
            hunt.view = self._with_keypoints(hunt, self._describer.query_keypoints(hunt.reduced))
        with watch("search"):
            self._ask(hunt, "upright")
            if max((vote.matches for vote, _ in hunt.votes.values()), default=0) < STRONG_VOTES:
                self._ask(hunt, "mirrored")
            candidates = fuse(bits=hunt.bits, votes=hunt.votes)
        with watch("verify"):
            self._verify(hunt, _strongest(candidates, FIRST))

    def _by_embedding(self, hunt: _Hunt, top_k: int, watch: Stopwatch) -> None:
        with watch("describe"):
            embedded = self._describer.embed_query(hunt.reduced)
        with watch("search"):
            self._ask(hunt, "negative", "mirrored negative")
            similarities = {
                name: self._searcher.by_embedding(name, forms, top_k) for name, forms in embedded.items()
            }
            candidates = fuse(bits=hunt.bits, votes=hunt.votes, similarities=similarities)
        with watch("verify"):
            self._verify(hunt, candidates[:top_k])

    def _by_fine_keypoints(self, hunt: _Hunt, top_k: int, watch: Stopwatch) -> None:
        if not self._deep_k:
            return
        with watch("describe"):
            fine = self._describer.fine_keypoints(hunt.reduced)
            hunt.view = self._with_keypoints(hunt, fine)
        with watch("search"):
            hunt.votes.clear()
            self._ask(hunt, "upright", "mirrored", asked=FINE_ASKED)
            voted = [one for one in fuse(votes=hunt.votes) if one.votes >= FINE_VOTES]
        with watch("verify"):
            # Finer keypoints may prove what the coarse ones could not.
            unsure = [one.candidate for one in hunt.judged.values() if one.verification.confidence > UNSURE]
            self._verify(hunt, [*_strongest(voted, FIRST), *unsure], again=True)

    def _by_parts(self, hunt: _Hunt, top_k: int, watch: Stopwatch) -> None:
        if not self._deep_k:
            return
        with watch("describe"):
            parts = self._describer.embed_windows(hunt.reduced)
        with watch("search"):
            candidates = fuse(
                votes=hunt.votes,
                parts=[self._searcher.by_embedding(name, forms, 8) for name, forms in parts.items()],
            )
        with watch("verify"):
            self._verify(hunt, candidates[: self._deep_k])

    # ------------------------------------------------------------ what else there is

    def copies(
        self, own: ReferenceRecord, best: Judged | None = None, judged: Sequence[Judged] = ()
    ) -> tuple[str, ...]:
        """Paths of the other trusted files that show a reference's picture, its own further paths too.

        Copies have nearly the same hash or were verified as showing the same part of the query; a mirrored
        picture is another one.
        """
        found = dict.fromkeys(own.other_paths)
        near = self._searcher.near_hashes(own.reference_id, COPY_BITS)
        alike = [
            one.record.reference_id
            for one in judged
            if best and one is not best and one.verification.verified and _same_place(one, best)
        ]
        ids = [one for one in dict.fromkeys((*near, *alike)) if one != own.reference_id]
        thumbnails = self._database.thumbnails([own.reference_id, *ids])
        gray = _gray(thumbnails[own.reference_id])
        records = self._database.references(ids)
        for one in ids:
            record = records.get(one)
            if record is None or record.status != "active":
                continue
            if resemble(gray, _gray(thumbnails[one])).same:
                found |= dict.fromkeys((record.path, *record.other_paths))
        return tuple(sorted(found))

    def others(self, best: Judged, judged: Sequence[Judged], copies: Sequence[str]) -> list[Judged]:
        """Verified candidates that other parts of the query show: the sources of a collage or splice."""
        taken = _cells(best).copy()
        found: list[Judged] = []
        for one in judged:
            cells = _cells(one)
            if one is best or not one.verification.verified or one.record.path in copies:
                continue
            # A copy of a source found before shows the same place, and adds nothing.
            if (cells & ~taken).sum() > 0.6 * max(1, cells.sum()):
                found.append(one)
                taken |= cells
        return found

    def _with_keypoints(self, hunt: _Hunt, features: LocalFeatures) -> QueryView:
        return QueryView(in_forms(features, hunt.query.width), hunt.view.gray, hunt.view.size)

    def _ask(self, hunt: _Hunt, *forms: Form, asked: Mapping[Form, int] = ASKED) -> None:
        """Add the votes of some forms of the query, of its strongest keypoints."""
        voters = {form: hunt.view.forms[form].strongest(asked[form]) for form in forms}
        keep_heavier(hunt.votes, self._searcher.by_keypoints(voters, hunt.view.size))

    # ------------------------------------------------------------ verification

    def _verify(self, hunt: _Hunt, candidates: Sequence[Candidate], *, again: bool = False) -> None:
        """Judge candidates, best first, a few at a time; stop after the few with a sure match."""
        todo = [one for one in candidates if again or not hunt.has_judged(one)]
        starts = [*range(0, len(todo), max(FIRST, 2 * self._threads)), len(todo)]
        for start, end in pairwise(starts):
            for judged in self._judge(hunt, todo[start:end]):
                former = hunt.judged.get(judged.record.reference_id)
                if former is None or judged.rank > former.rank:
                    hunt.judged[judged.record.reference_id] = judged
            if hunt.best >= SURE:
                break

    def _verify_others(self, hunt: _Hunt) -> None:
        """Judge the references that have many votes but were not needed: there may be several sources."""
        voted = [one for one in fuse(votes=hunt.votes) if one.votes >= OTHER_VOTES]
        todo = [one for one in voted if one.reference_id not in hunt.judged][:OTHERS]
        for judged in self._judge(hunt, todo):
            hunt.judged[judged.record.reference_id] = judged

    def _discount_shared(self, hunt: _Hunt) -> None:
        """Take back matches on a part of the query that several different trusted pictures show.

        A banner, frame or logo that trusted pictures share says nothing about which of them is the original.
        """
        partial = [
            one
            for one in hunt.judged.values()
            if one.verification.verified
            and one.verification.same_picture
            and one.verification.explained < MOSTLY_EXPLAINED
        ]
        for one in sorted(partial, key=lambda one: one.rank, reverse=True):
            others = [
                other
                for other in hunt.judged.values()
                if other is not one
                and other.verification.inliers >= SHARED_SHARE * one.verification.inliers
                and _same_place(one, other)
            ]
            if any(not self._same_picture(one.record, other.record) for other in others[:FIRST]):
                reason = f"{one.verification.reason}; other trusted pictures share that part"
                found = replace(
                    one.verification,
                    verified=False,
                    confidence=one.verification.confidence * SHARED_FACTOR,
                    reason=reason,
                )
                hunt.judged[one.record.reference_id] = replace(one, verification=found)

    def _same_picture(self, one: ReferenceRecord, other: ReferenceRecord) -> bool:
        """Whether two trusted pictures show mostly the same: copies, crops of one another, a series."""
        ids = [one.reference_id, other.reference_id]
        features = self._database.local_features(ids, self._describer.versions["local"])
        if len(features) < len(ids):
            return True  # one that was withdrawn a moment ago speaks against no other
        thumbnails = self._database.thumbnails(ids)
        forms = in_forms(features[one.reference_id], one.width)
        view = QueryView(forms, _gray(thumbnails[one.reference_id]), (one.width, one.height))
        found = verify(
            view, other.reference_id, features[other.reference_id], _gray(thumbnails[other.reference_id]),
            (other.width, other.height), min_confidence=self._min_confidence,
        )  # fmt: skip
        return found.verified and found.explained >= MOSTLY_EXPLAINED

    def _judge(self, hunt: _Hunt, candidates: Sequence[Candidate], *, whole: bool = False) -> list[Judged]:
        """Judge candidates side by side, less those withdrawn since the index was read."""
        candidates = [one for one in candidates if one.reference_id not in hunt.leave_out]
        if not candidates:
            return []
        ids = [one.reference_id for one in candidates]
        records = self._database.references(ids)
        thresholds = self._database.thresholds(ids, self._min_confidence)
        features = {} if whole else self._database.local_features(ids, self._describer.versions["local"])
        thumbnails = self._database.thumbnails(ids)

        def judge(candidate: Candidate) -> Judged | None:
            record = records.get(candidate.reference_id)
            if record is None or record.status != "active":
                return None
            thumbnail = decode(thumbnails[record.reference_id], name=record.path)
            small, size = small_gray(thumbnail.pixels), (record.width, record.height)
            least = thresholds.get(record.reference_id, self._min_confidence)
            if whole:
                found = verify_whole(hunt.view, record.reference_id, small, size, least)
                return Judged(candidate, found, record)
            local = features.get(candidate.reference_id)
            if local is None:
                return None
            found = verify(
                hunt.view, record.reference_id, local, small, size,
                min_confidence=least, forms=_forms(candidate.form), voted=candidate.votes >= FINE_VOTES,
            )  # fmt: skip
            return Judged(candidate, found, record)

        with one_blas_thread(), ThreadPoolExecutor(self._threads) as pool:
            return [one for one in pool.map(judge, candidates) if one is not None]


def judge_pair(
    query: DecodedImage,
    reference: DecodedImage,
    *,
    keypoints: int,
    query_keypoints: int,
    side_px: int,
    min_confidence: float,
    watch: Stopwatch,
) -> Verification:
    """Verify a given pair, without a database."""
    with watch("describe"):
        small_query, small_reference = reduce(query, side_px), reduce(reference, side_px)
        local = local_features(small_query.pixels, limit=query_keypoints, scale=small_query.scale)
        stored = local_features(small_reference.pixels, limit=keypoints, scale=small_reference.scale)
    with watch("verify"):
        view = QueryView(
            in_forms(local, query.width), query_gray(small_query.pixels), (query.width, query.height)
        )
        return verify(
            view, 0, stored, small_gray(reference.pixels), (reference.width, reference.height),
            min_confidence=min_confidence, forms=tuple(view.forms),
        )  # fmt: skip


def _strongest(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """The first few, and those with the most votes whatever their place."""
    voted = sorted(candidates, key=lambda one: -one.votes)[:count]
    return list({one.reference_id: one for one in (*voted, *candidates[:count])}.values())


def _forms(first: Form) -> tuple[Form, ...]:
    """The forms of the query that verification tries, the one that got the votes first."""
    return tuple(dict.fromkeys((first, "upright", "mirrored")))


def _gray(thumbnail: bytes) -> NDArray[np.float32]:
    return small_gray(decode(thumbnail).pixels)


def _cells(judged: Judged) -> NDArray[np.bool_]:
    """Where the query was seen to agree with the candidate."""
    cells = judged.verification.agreeing
    return np.zeros((1, 1), bool) if cells is None else cells


def _same_place(one: Judged, other: Judged) -> bool:
    """Whether two verified candidates show the same part of the query."""
    if _cells(one).shape != _cells(other).shape:
        return False
    both, either = _cells(one) & _cells(other), _cells(one) | _cells(other)
    return bool(both.sum() > 0.4 * max(1, either.sum()))
