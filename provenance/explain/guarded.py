"""A model's words, judged by the evidence: what pixels do not bear is dropped, what was left out is added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from provenance.errors import UsageError
from provenance.explain.guard import Checked, Frames, check_answer
from provenance.explain.measured import in_order, measure, speak
from provenance.explain.models import Answer, Model, Question
from provenance.explain.options import CaptionerOptions
from provenance.explain.prompting import STITCHED, Prompter, choose
from provenance.explain.quoting import clean_text
from provenance.records import Claim, DecodedImage, Evidence, Explanation

NOTHING_BORNE = "Nothing that the model said is borne out by what was measured."
LEFT_OUT = "measured, but not told by the model"
MAX_CAPTION = 2000


@dataclass(frozen=True, slots=True)
class _Reply:
    """What was answered about a pair, and about it in the other order."""

    answer: Answer
    swapped: Answer | None = None


class GuardedCaptioner:
    """Asks `model` about pairs that were measured to differ, and keeps of its answers what the edits bear.

    With `rephrase` the model only puts the measured edits in its words and names the things.
    """

    def __init__(self, model: Model, options: CaptionerOptions, *, rephrase: bool = False) -> None:
        self._model = model
        self._parts = options.guard
        self._rephrase = rephrase
        self._prompter = Prompter(model.takes, options.prompt, options.guard, rephrase)

    @property
    def name(self) -> str:
        """The model's name, "measured+" before it where it only rephrases."""
        return f"measured+{self._model.name}" if self._rephrase else self._model.name

    def explain(self, pairs: Sequence[Evidence], *, language: str) -> list[Explanation]:
        """Return an explanation of each pair. Raises UsageError for languages other than English."""
        if language != "en":
            raise UsageError(
                f"models write English, which can be checked: for {language!r} use --captioner measured"
            )
        measured = [measure(pair.comparison, language=language) for pair in pairs]
        asked = [n for n, one in enumerate(measured) if one.edits or not self._parts.gate]
        replies = dict(zip(asked, self._ask([pairs[n] for n in asked]), strict=True))
        return [
            self._judge(pair, one, replies[n]) if n in replies else replace(one, captioner=self.name)
            for n, (pair, one) in enumerate(zip(pairs, measured, strict=True))
        ]

    def describe(self, reference: DecodedImage, query: DecodedImage) -> Answer:
        """Return what the model says of two pictures that could not be compared; nothing of it is checked."""
        return choose(self._model.answer(self._prompter.ask_bare(reference, query, key=query.sha256)))

    def _ask(self, pairs: Sequence[Evidence]) -> list[_Reply]:
        """Ask all questions at once, so that a model may take them in batches."""
        forward = [self._prompter.ask(pair, in_order(pair.comparison)) for pair in pairs]
        swapped = [self._prompter.ask_swapped(pair) for pair in pairs] if self._parts.swap else []
        questions: list[Question] = [question for group in forward for question in group] + swapped
        answers = iter(self._model.answer(questions) if questions else [])
        chosen = [choose(list(islice(answers, len(group)))) for group in forward]
        others: list[Answer | None] = [*answers] or [None] * len(pairs)
        return [_Reply(answer, other) for answer, other in zip(chosen, others, strict=True)]

    def _judge(self, pair: Evidence, measured: Explanation, reply: _Reply) -> Explanation:
        """Put together what is kept and what was left out."""
        swapped = reply.swapped.text if reply.swapped and reply.swapped.text else None
        checked = check_answer(
            reply.answer.text,
            measured.edits,
            Frames((pair.query.width, pair.query.height), (pair.reference.width, pair.reference.height)),
            self._parts,
            swapped=swapped,
            numbered=self._rephrase,
        )
        kept = [one for one in checked if one.kept]
        told = {n for one in kept for claim in one.claims for n in claim.edits}
        left = [] if not self._parts.complete else [n for n in range(len(measured.edits)) if n not in told]
        claimed = {n for one in checked for claim in one.claims for n in claim.edits}
        added = [Claim(measured.edits[n].sentence, "added", LEFT_OUT, (n,)) for n in left if n not in claimed]
        return replace(
            measured,
            caption=self._caption(pair, measured, kept, left),
            captioner=self.name,
            claims=(*(claim for one in checked for claim in one.claims), *added),
            notes=tuple(self._notes(reply)),
            answered=bool(reply.answer.text.strip()),
        )

    def _caption(
        self, pair: Evidence, measured: Explanation, kept: Sequence[Checked], left: Sequence[int]
    ) -> str:
        """The kept sentences as the model wrote them, then the measured words for the rest."""
        if not kept and len(left) == len(measured.edits):
            return measured.caption if self._parts.complete else NOTHING_BORNE
        said = [_as_sentence(one.text) for one in kept]
        changes = in_order(pair.comparison)
        if left:
            said.append(
                speak(pair.comparison, "en").caption(
                    [changes[n] for n in left],
                    identical=False,
                    unexplained_fraction=measured.unexplained_fraction,
                )
            )
        return clean_text(" ".join(said), limit=MAX_CAPTION) or NOTHING_BORNE

    def _notes(self, reply: _Reply) -> list[str]:
        notes = []
        if not reply.answer.text.strip():
            why = f" ({reply.answer.remark})" if reply.answer.remark else ""
            notes.append(f"{self.name} gave no answer{why}: the caption says what was measured.")
        elif reply.answer.remark:
            notes.append(f"{self.name}: {reply.answer.remark}.")
        if reply.swapped is not None and not reply.swapped.text:
            notes.append(
                f"{self.name} gave no answer to the swapped pair: its claims were not checked by it."
            )
        if self._prompter.stitches:
            notes.append(f"{self.name}: {STITCHED}.")
        return notes


def _as_sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip().rstrip(",;:")
    return f"{text[:1].upper()}{text[1:]}" + ("" if text[-1:] in '.!?"”' else ".")
