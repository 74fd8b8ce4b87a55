"""Rankings by different descriptors -> candidates in one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provenance.records import Candidate, Form
from provenance.search.votes import Vote

RANK_OFFSET = 8
"""Reciprocal rank fusion (Cormack et al. 2009) with a small offset: copies stand at the top or nowhere."""


def fuse(
    *,
    bits: Mapping[int, float] | None = None,
    similarities: Mapping[str, Mapping[int, float]] | None = None,
    votes: Mapping[int, tuple[Vote, Form]] | None = None,
    parts: Sequence[Mapping[int, float]] = (),
) -> list[Candidate]:
    """All references that any ranking names, best first.

    `bits` are differing hash bits by reference, negative; `similarities` cosines by embedding name; `votes`
    those of keypoints with the form of the query that got them; `parts` similarities to parts of the query.
    """
    bits, similarities, votes = bits or {}, similarities or {}, votes or {}
    weights = {reference_id: vote.weight for reference_id, (vote, _) in votes.items()}
    score: dict[int, float] = {}
    for ranking in (bits, weights, *similarities.values(), *parts):
        order = sorted(ranking, key=lambda one: (-ranking[one], one))
        for rank, reference_id in enumerate(order):
            score[reference_id] = score.get(reference_id, 0.0) + 1.0 / (RANK_OFFSET + rank)
    # A reference outside an embedding's ranking is at most as similar as the last one inside.
    floor = {name: min(ranking.values(), default=0.0) for name, ranking in similarities.items()}
    return [
        Candidate(
            reference_id,
            score[reference_id],
            phash_bits=-round(bits[reference_id]) if reference_id in bits else None,
            similarities={
                name: ranking.get(reference_id, floor[name]) for name, ranking in similarities.items()
            },
            votes=votes[reference_id][0].matches if reference_id in votes else 0,
            form=votes[reference_id][1] if reference_id in votes else "upright",
        )
        for reference_id in sorted(score, key=lambda one: (-score[one], one))
    ]
