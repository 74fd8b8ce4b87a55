"""Who answers questions about a pair of pictures: vision-language models here or on a server, other networks.

A model is a class named in `MODELS`, imported when asked for; it is made from what comes after the colon of
its spec, and `CaptionerOptions`. A network that takes no prompt, as change-captioning networks do, reads the
two pictures off the question and leaves the turns alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol, TypeAlias, cast

from provenance.errors import UsageError
from provenance.explain.options import CaptionerOptions
from provenance.records import Pixels

MODELS = {
    "openai": "provenance.explain.models.server:ServerModel",
    "vlm": "provenance.explain.models.chat:ChatModel",
    "qwen2-vl": "provenance.explain.models.qwen:Qwen2VL",
    "qwen2.5-vl": "provenance.explain.models.qwen:Qwen25VL",
    "qwen3-vl": "provenance.explain.models.qwen:Qwen3VL",
    "idefics3": "provenance.explain.models.idefics:Idefics3",
    "smolvlm": "provenance.explain.models.idefics:SmolVLM",
    "llava-interleave": "provenance.explain.models.llava:LlavaInterleave",
    "fuyu": "provenance.explain.models.fuyu:Fuyu",
    "internvl": "provenance.explain.models.internvl:InternVL",
    "openflamingo": "provenance.explain.models.flamingo.captioner:OpenFlamingo",
}
"""By the word before the first colon."""

Part: TypeAlias = str | Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """One message: texts and pictures in their order."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A pair of pictures, and how a model that takes prompts is asked about it."""

    reference: Pixels
    query: Pixels
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said; without text, `remark` says why."""

    text: str
    remark: str | None = None
    """For the reader, one sentence without its full stop: "the answer was cut off after 256 tokens"."""


def cut_off(text: str, tokens: int) -> Answer:
    """An answer that ended for want of tokens, without its last, unfinished sentence."""
    end = max(text.rfind(mark) for mark in (".", "!", "?", "\n"))
    return Answer(text[: end + 1].strip(), f"the answer was cut off after {tokens} tokens")


@dataclass(frozen=True, slots=True)
class Takes:
    """What a model can be given."""

    pictures: int | None = None
    """Most pictures in a question; None: any number."""
    interleaved: bool = True
    """False: all pictures of a turn come before its text."""
    system: bool = True
    """False: what a system turn says is put before the user's text."""
    pixels: int = 1024 * 28 * 28
    """Most pixels of a picture."""


class Model(Protocol):
    """Answers questions about pairs. Loads nothing heavy before the first question."""

    @property
    def name(self) -> str:
        """How reports call it, with its revision where that is known."""

    @property
    def takes(self) -> Takes:
        """What a question may hold."""

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return one answer for each question, the same alone and in company.

        Raises ModelError where the model cannot answer any question; what fails once is an empty answer.
        """


def load_model(spec: str, options: CaptionerOptions) -> Model:
    """Make the model of "NAME" or "NAME:MODEL". Raises UsageError that lists the known names."""
    name, _, rest = spec.partition(":")
    if name not in MODELS:
        raise UsageError(f"unknown captioner {spec!r}; known: {', '.join(['measured', *sorted(MODELS)])}")
    module, _, attribute = MODELS[name].partition(":")
    return cast(Model, getattr(import_module(module), attribute)(rest, options))
