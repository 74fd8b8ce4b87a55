"""Fuyu: one picture and one text, no chat; the pair is put side by side, and the model is told so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from provenance.explain.models import Question, Takes
from provenance.explain.models.chat import ChatModel
from provenance.explain.models.local import pictures_of


class Fuyu(ChatModel):
    """Fuyu-8B."""

    captioner = "fuyu"
    families = frozenset({"fuyu"})
    default = "adept/fuyu-8b"
    token_side_px = 30
    chats = False

    @property
    def takes(self) -> Takes:
        """One picture and no system turn."""
        return replace(super().takes, pictures=1, system=False)

    def render(self, questions: Sequence[Question]) -> list[str]:
        """Bare texts with a line break, as its authors write them.

        The processor puts the picture before them and the sign to answer after them.
        """
        return [
            "".join(part for turn in one.turns for part in turn.parts if isinstance(part, str)) + "\n"
            for one in questions
        ]

    def _inputs(self, questions: Sequence[Question]) -> Any:
        images = [pictures_of(one) for one in questions]
        return self.processor(text=self.render(questions), images=images, return_tensors="pt")
