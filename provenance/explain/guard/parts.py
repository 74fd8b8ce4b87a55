"""Which parts of the guard are at work; each can be switched off to see what it is good for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GuardParts:
    """All but the order swap, which costs a second answer, are on."""

    gate: bool = True
    """No model is asked where nothing was measured."""
    evidence: bool = True
    """The prompt lists the measured edits."""
    crops: bool = True
    """The prompt shows the changed places close up, where the model takes more pictures."""
    claims: bool = True
    """A claim is kept only where an edit of its kind was measured; without it everything said is kept."""
    direction: bool = True
    place: bool = True
    text: bool = True
    amount: bool = True
    complete: bool = True
    """Measured edits that the model left out are added."""
    swap: bool = False
    """The pair is shown in the other order too, and a claim is kept only where its inverse is told."""
