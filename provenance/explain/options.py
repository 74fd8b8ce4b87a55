"""What can be chosen about captioners that ask a model; the defaults are those of the settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from provenance.explain.guard.parts import GuardParts
from provenance.records import Pixels


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How a model in this process runs, and how much any model is given and may say."""

    device: str | None = None
    """As torch names it; None: CUDA where there is one, otherwise the CPU."""
    dtype: str = "auto"
    """auto: bfloat16 (float16 on older cards) on a GPU, float32 on the CPU."""
    four_bit: bool = False
    batch: int = 4
    """Pairs that go through the model together."""
    picture_tokens: int = 1024
    """Most tokens that a picture may take, where the model lets one choose."""
    answer_tokens: int = 256
    pictures: int = 0
    """Most pictures in a question; 0: what the model takes."""
    offline: bool = False
    """Use only models that are on this machine."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How patient one is with a server."""

    timeout_s: float = 120.0
    tries: int = 4
    parallel: int = 4
    key_variable: str = "OPENAI_API_KEY"
    """Environment variable that holds the key."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """An annotated pair, shown to the model before the question."""

    reference: Pixels
    query: Pixels
    caption: str


@dataclass(frozen=True, slots=True)
class PromptOptions:
    """Which of the texts in prompts.toml a model is sent."""

    text: str = "1"
    """A number, "random" or "vote"."""
    system: bool = True
    """Ask for place and kind first."""
    examples: tuple[Example, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class CaptionerOptions:
    """All of it."""

    model: ModelOptions = field(default_factory=ModelOptions)
    server: ServerOptions = field(default_factory=ServerOptions)
    prompt: PromptOptions = field(default_factory=PromptOptions)
    guard: GuardParts = field(default_factory=GuardParts)
