"""What a sentence claims, read: the record that goes from the readers to the judge."""

from __future__ import annotations

from dataclasses import dataclass, replace

from provenance.explain.guard import lexicon as lx
from provenance.explain.guard.lexicon import Action, Scope
from provenance.explain.guard.zones import Zone


@dataclass(frozen=True, slots=True)
class Statement:
    """One claim of a sentence, in the direction original -> edited picture."""

    text: str
    """The words of the model that make it."""
    action: Action
    scope: Scope
    thing: frozenset[str] = frozenset()
    """Words that name what it is about; empty where it is not named."""
    zones: tuple[Zone, ...] = ()
    before: str | None = None
    """Quoted words that were there, and that are there now."""
    after: str | None = None
    from_color: str | None = None
    to_color: str | None = None
    degrees: float | None = None
    """Size of a rotation, without its sense."""
    percent: float | None = None
    turn: int = 0
    """+1 counter-clockwise, -1 clockwise."""
    axis: str = ""
    """"horizontal" or "vertical" of a flip or stretch; "left" or "right" of a move."""
    loose: bool = False
    """True for what may be taken for text as well as for an object: a logo, a sticker."""
    either: bool = False
    """True for "the contrast was adjusted": more or less of it."""
    plural: bool = False
    negated: bool = False

    @property
    def inverse(self) -> Statement:
        """The same, told from the edited picture to the original."""
        flipped = {"left": "right", "right": "left"}.get(self.axis, self.axis)
        return replace(
            self, action=lx.INVERSE.get(self.action, self.action), before=self.after, after=self.before,
            from_color=self.to_color, to_color=self.from_color, turn=-self.turn, axis=flipped,
        )  # fmt: skip
