"""Models in this process: loaded at the first question, one caller at a time, batches that fit the memory."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from provenance.errors import ModelError
from provenance.explain.models import Answer, Question, cut_off
from provenance.explain.options import ModelOptions


@dataclass(slots=True, eq=False)
class _Asked:
    """A question, and what became of it."""

    question: Question
    answer: Answer | None = None
    error: ModelError | None = None

    @property
    def open(self) -> bool:
        return self.answer is None and self.error is None

    def read(self) -> Answer:
        if self.answer is None:
            raise self.error or ModelError("the model was interrupted: ask again")
        return self.answer


class LocalModel:
    """Base of models that run here; they say how to load, and how to answer a batch."""

    title = ""
    """What messages call the model."""

    def __init__(self, options: ModelOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        """Held by who runs the model."""
        self._door = threading.Lock()
        self._waiting: list[_Asked] = []
        self._step = options.batch
        self._loaded = False

    def _load(self) -> None:
        """Load the weights. Raises ModelError with the cure."""
        raise NotImplementedError

    def _run(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer a batch."""
        raise NotImplementedError

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return one answer for each question; loads the model first. Raises ModelError as `_load` does.

        Questions of threads that wait for one another go through the model together.
        """
        mine = [_Asked(question) for question in questions]
        with self._door:
            self._waiting += mine
        with self._lock:
            try:
                while any(one.open for one in mine):
                    self._answer_some()
            finally:
                with self._door:
                    self._waiting = [one for one in self._waiting if one.open and one not in mine]
        return [one.read() for one in mine]

    def _answer_some(self) -> None:
        """Answer the batch that has waited longest."""
        with self._door:
            batch = [one for one in self._waiting if one.open][: self._step]
        try:
            if not self._loaded:
                self._load()
                self._loaded = True
            answers = self._try([one.question for one in batch])
        except ModelError as error:
            for one in batch:
                one.error = error
            return
        if answers is None:
            self._step = max(1, len(batch) // 2)
            return
        for one, answer in zip(batch, answers, strict=True):
            one.answer = answer

    def _try(self, questions: Sequence[Question]) -> list[Answer] | None:
        """Answer a batch; None where it is too large for the memory and can be made smaller."""
        import torch

        try:
            return self._run(questions)
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            if len(questions) > 1:
                return None
            raise self._too_large("answer about one pair of pictures") from error

    def _finish(self, text: str, tokens: Sequence[int], ending: Collection[int]) -> Answer:
        """The text of an answer, without a sentence that was cut off for want of tokens."""
        limit = self._options.answer_tokens
        if len(tokens) >= limit and not set(ending) & set(tokens):
            return cut_off(text, limit)
        return Answer(text.strip(), None if text.strip() else "it said nothing")

    def _too_large(self, task: str) -> ModelError:
        options = self._options
        return ModelError(
            f"the GPU's memory does not suffice to {task} with {self.title}: lower "
            f"explain.model.picture_tokens (now {options.picture_tokens}), set explain.model.four_bit, "
            'or explain.model.device = "cpu"'
        )


def pictures_of(question: Question) -> list[Image.Image]:
    """The pictures of a question in their order."""
    parts = [part for turn in question.turns for part in turn.parts if not isinstance(part, str)]
    return [Image.fromarray(np.ascontiguousarray(part)) for part in parts]
