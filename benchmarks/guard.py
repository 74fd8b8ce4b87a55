"""What each part of the evidence guard is good for, on the scripted answers of the guard's tests.

    python -m benchmarks.guard

A true answer counts as kept when all of its claims are, a false one as dropped when none of them is kept.
The last columns: unchanged pairs for which a model was asked, and measured edits that the report leaves out
when a model says nothing of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from provenance.explain.guard import Frames, GuardParts, check_answer
from provenance.explain.guarded import GuardedCaptioner
from provenance.explain.measured import measure
from provenance.explain.models import Answer, Question, Takes
from provenance.explain.options import CaptionerOptions
from tests.explain.pairs import HEIGHT, WIDTH, make_changes, make_pair, read_scenes

KINDS = ("invented", "direction", "place", "text")
PARTS = ("claims", "direction", "place", "text", "amount", "gate", "complete")
UNCHANGED = 40


@dataclass
class Scripted:
    """A model that always says the same."""

    says: str
    name: str = "scripted"
    asked: int = 0

    @property
    def takes(self) -> Takes:
        return Takes()

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked += len(questions)
        return [Answer(self.says)] * len(questions)


def judged(kind: str, parts: GuardParts, file: str) -> tuple[int, int]:
    """Answers of a kind that were judged right, and all of them."""
    right = told = 0
    for scene in read_scenes(file):
        edits = measure(make_pair(make_changes(scene)).comparison).edits
        for answer in scene.get(kind, ()):
            checked = check_answer(answer, edits, Frames((WIDTH, HEIGHT), (2000, 1500)), parts)
            kept = [claim.status == "kept" for one in checked for claim in one.claims]
            told += 1
            right += (bool(kept) and all(kept)) if kind == "true" else not any(kept)
    return right, told


def calls_on_unchanged(parts: GuardParts) -> int:
    """How often a model is asked about pairs that were measured to be the same."""
    model = Scripted("A dog was added.")
    captioner = GuardedCaptioner(model, CaptionerOptions(guard=parts))
    captioner.explain([make_pair(seed=n) for n in range(UNCHANGED)], language="en")
    return model.asked


def left_out(parts: GuardParts) -> tuple[int, int]:
    """Measured edits that no claim tells of when the model says nothing true, and all of them."""
    captioner = GuardedCaptioner(Scripted("It is Tuesday."), CaptionerOptions(guard=parts))
    pairs = [make_pair(make_changes(scene)) for scene in read_scenes()]
    missing = measured = 0
    for told in captioner.explain(pairs, language="en"):
        measured += len(told.edits)
        missing += len(set(range(len(told.edits))) - {n for claim in told.claims for n in claim.edits})
    return missing, measured


def main() -> None:
    print(
        "| guard | true kept | invented dropped | direction | place | text | all false | asked | left out |"
    )
    print("| --- " * 9 + "|")
    rows = [("all parts", GuardParts()), ("all parts, later answers", GuardParts())]
    rows += [(f"without {part}", replace(GuardParts(), **{part: False})) for part in PARTS]
    for name, parts in rows:
        file = "claims_later.toml" if "later" in name else "claims.toml"
        kept, true = judged("true", parts, file)
        counts = [judged(kind, parts, file) for kind in KINDS]
        dropped, false = (sum(column) for column in zip(*counts, strict=True))
        cells = [f"{kept}/{true}", *(f"{right}/{told}" for right, told in counts), f"{dropped}/{false}"]
        missing, measured = left_out(parts)
        cells += [f"{calls_on_unchanged(parts)}/{UNCHANGED}", f"{missing}/{measured}"]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
