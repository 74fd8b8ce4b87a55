"""What every model behind a captioner must do; each one's test class inherits this and makes it."""

from __future__ import annotations

import pytest

from provenance.explain.guard import GuardParts
from provenance.explain.guarded import GuardedCaptioner
from provenance.explain.models import Model, Question
from provenance.explain.options import CaptionerOptions, PromptOptions
from provenance.explain.prompting import Prompter
from provenance.records import Change, Evidence
from tests.explain.pairs import make_pair

CHANGES = [
    Change("object_added", 0.9, {"area_percent": 4.5}, box=(120, 90, 420, 380), label=1),
    Change("brightness", 0.9, {"percent": 28.0, "sign": 1.0}),
]


def make_pairs() -> list[Evidence]:
    """Three pairs of different sizes; the second has no changed place that could be shown close up."""
    return [
        make_pair(CHANGES[:1], seed=1, scale=0.05),
        make_pair(CHANGES[1:], seed=2, scale=0.08),
        make_pair(CHANGES, seed=3, scale=0.03),
    ]


class ModelContract:
    """Answers belong to their questions, whatever company they come in, and captioners can use them."""

    @pytest.fixture
    def model(self) -> Model:
        """The model under test."""
        raise NotImplementedError

    def ask(self, model: Model, pairs: list[Evidence]) -> list[Question]:
        """The questions about pairs, as a captioner would ask them."""
        prompter = Prompter(model.takes, PromptOptions(system=False), GuardParts())
        return [question for pair in pairs for question in prompter.ask(pair, pair.comparison.changes)]

    def test_there_is_one_answer_to_each_question(self, model: Model) -> None:
        answers = model.answer(self.ask(model, make_pairs()))
        assert len(answers) == 3
        assert all(isinstance(answer.text, str) for answer in answers)
        assert all(answer.text or answer.remark for answer in answers)

    def test_no_question_gives_no_answer(self, model: Model) -> None:
        assert model.answer([]) == []

    def test_an_answer_is_the_same_alone_and_in_company(self, model: Model) -> None:
        questions = self.ask(model, make_pairs())
        together = model.answer(questions)
        assert together == [model.answer([question])[0] for question in questions]
        assert together[::-1] == model.answer(questions[::-1])

    def test_it_has_a_name_for_reports(self, model: Model) -> None:
        model.answer(self.ask(model, make_pairs()[:1]))
        assert model.name
        assert "\n" not in model.name

    @pytest.mark.parametrize("rephrase", [False, True])
    def test_a_captioner_explains_with_it_and_loses_no_edit(self, model: Model, rephrase: bool) -> None:
        captioner = GuardedCaptioner(model, CaptionerOptions(), rephrase=rephrase)
        pairs = make_pairs()
        for pair, explanation in zip(pairs, captioner.explain(pairs, language="en"), strict=True):
            assert model.name in explanation.captioner
            assert len(explanation.edits) == len(pair.comparison.changes)
            told = {edit for claim in explanation.claims for edit in claim.edits}
            assert told == set(range(len(explanation.edits)))
            assert explanation.caption
