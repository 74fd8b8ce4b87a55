"""Models in this process: what all of them share, whatever the model."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from provenance.errors import ModelError
from provenance.explain.models import Answer, Question, Turn
from provenance.explain.models.local import LocalModel
from provenance.explain.options import ModelOptions

BLANK = np.zeros((2, 2, 3), np.uint8)


def make_question(text: str) -> Question:
    return Question(BLANK, BLANK, (Turn("user", (text,)),))


class Echo(LocalModel):
    """Says what it was asked, slowly, and keeps the sizes of its batches."""

    title = "echo"

    def __init__(self, batch: int = 4) -> None:
        super().__init__(ModelOptions(batch=batch))
        self.sizes: list[int] = []
        self.loads = 0
        self.started = threading.Event()

    def _load(self) -> None:
        self.loads += 1

    def _try(self, questions: Sequence[Question]) -> list[Answer]:
        self.started.set()
        time.sleep(0.05)
        self.sizes.append(len(questions))
        if any(one.turns[0].parts == ("trouble",) for one in questions):
            raise ModelError("no memory")
        return [Answer(str(one.turns[0].parts[0])) for one in questions]


def test_questions_of_waiting_threads_go_through_together() -> None:
    model = Echo()
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(model.answer, [make_question("first")])
        model.started.wait(5)
        others = [pool.submit(model.answer, [make_question(str(n))]) for n in range(8)]
        assert [one.result()[0].text for one in (first, *others)] == ["first", *map(str, range(8))]
    assert sum(model.sizes) == 9
    assert max(model.sizes) == 4
    assert len(model.sizes) <= 5
    assert model.loads == 1


def test_many_questions_of_one_caller_are_parted() -> None:
    model = Echo(batch=3)
    texts = [str(n) for n in range(8)]
    assert [one.text for one in model.answer([make_question(text) for text in texts])] == texts
    assert model.sizes == [3, 3, 2]


def test_who_shares_a_batch_with_trouble_is_told_and_others_are_not() -> None:
    model = Echo(batch=1)
    with pytest.raises(ModelError, match="no memory"):
        model.answer([make_question("a"), make_question("trouble")])
    assert model.answer([make_question("b")])[0].text == "b"


def test_an_interruption_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Echo()

    def interrupted(questions: Sequence[Question]) -> list[Answer]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(model, "_try", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.answer([make_question("a")])
    assert model.answer([make_question("b")]) == [Answer("b")]
    assert model.sizes == [1]
