"""Which measured edits bear which claimed actions, in kind and in direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from provenance.explain.guard.lexicon import INVERSE, Action
from provenance.explain.guard.statement import Statement
from provenance.records import Edit, Operation

Bearer: TypeAlias = Callable[[Edit, Statement], bool]

_OBJECTS: tuple[Operation, ...] = (
    "object_added", "object_removed", "object_replaced", "object_recolored", "object_duplicated",
    "object_blurred",
)  # fmt: skip
TEXTS: tuple[Operation, ...] = ("text_added", "text_removed", "text_changed")
_BACKGROUNDS: tuple[Operation, ...] = ("background_replaced", "background_changed")


def bears(edit: Edit, statement: Statement) -> bool:
    """Tell whether an edit is of the kind, and the direction, that a statement claims."""
    rule = _RULES.get(statement.action)
    return rule is not None and rule(edit, statement)


def opposes(edit: Edit, statement: Statement) -> bool:
    """Tell whether an edit is the opposite of what a statement claims."""
    opposite = INVERSE.get(statement.action)
    if opposite is None:
        return False
    rule = _RULES.get(opposite)
    return rule is not None and rule(edit, statement)


def number(edit: Edit, key: str) -> float:
    """A measured number, 0 where it is missing."""
    value = edit.parameters.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def _sign(edit: Edit) -> float:
    return number(edit, "sign") or number(edit, "percent") or number(edit, "mean_shift_levels")


def is_moved(edit: Edit) -> bool:
    """Tell whether a copy is a move: the source is gone."""
    return edit.parameters.get("moved") is True


def _kind(edit: Edit) -> str:
    return str(edit.parameters.get("kind", ""))


def _local(
    objects: Sequence[Operation], texts: Sequence[Operation], backgrounds: Sequence[Operation] = ()
) -> Bearer:
    """Rule for what is done to a thing: which operations bear it for objects, texts and the background."""

    def rule(edit: Edit, said: Statement) -> bool:
        if said.scope == "text":
            quoted = said.before or said.after
            return edit.operation in texts or (said.loose and not quoted and edit.operation in objects)
        if said.scope == "background":
            return edit.operation in backgrounds
        if said.scope != "object":
            return False
        return edit.operation in objects or (said.loose and edit.operation in texts)

    return rule


def _whole(operations: Sequence[Operation], sign: int = 0, kinds: Sequence[str] = ()) -> Bearer:
    """Rule for what is done to the whole picture: operations, the sign of their change, their kind."""

    def rule(edit: Edit, said: Statement) -> bool:
        if said.scope in ("object", "background") or edit.operation not in operations:
            return False
        return (not kinds or _kind(edit) in kinds) and (not sign or _sign(edit) * sign > 0)

    return rule


def _either(*rules: Bearer) -> Bearer:
    return lambda edit, said: any(rule(edit, said) for rule in rules)


def _light(sign: int) -> Bearer:
    """Rule for brighter (+1) and darker (-1), of the whole picture or a part of its tones."""

    def rule(edit: Edit, said: Statement) -> bool:
        if said.scope == "background":
            return edit.operation == "background_changed" and _kind(edit) == (
                "brightened" if sign > 0 else "darkened"
            )
        if said.scope == "object":
            return False
        if edit.operation == "brightness":
            return _sign(edit) * sign > 0 and said.scope != "corners"
        if edit.operation != "tone" or _sign(edit) * sign <= 0:
            return False
        kind = _kind(edit)
        if said.scope == "corners":
            return kind == "vignette"
        if said.scope in ("shadows", "highlights"):
            return kind in (said.scope, "curve")
        return kind in ("curve", "shadows", "highlights")

    return rule


def _background_kind(*kinds: str) -> Bearer:
    return lambda edit, said: (
        said.scope == "background" and edit.operation == "background_changed" and _kind(edit) in kinds
    )


def _object(*operations: Operation, kinds: Sequence[str] = ()) -> Bearer:
    return lambda edit, said: (
        said.scope in ("object", "text")
        and edit.operation in operations
        and (not kinds or _kind(edit) in kinds)
    )


def _any_scope(*operations: Operation) -> Bearer:
    return lambda edit, said: edit.operation in operations


def _tint(edit: Edit, said: Statement) -> bool:
    if said.scope == "object":
        return edit.operation == "object_recolored"
    if said.scope == "background":
        return edit.operation == "background_changed" and _kind(edit) == "recolored"
    return edit.operation == "color_balance" or (edit.operation == "grayscale" and _kind(edit) != "gray")


def _recolored(edit: Edit, said: Statement) -> bool:
    """Other colours, of a thing or, where no colour is named, of the whole picture in any way."""
    if said.scope == "background":
        return edit.operation == "background_changed" and _kind(edit) in ("recolored", "desaturated")
    if said.scope in ("object", "text"):
        return edit.operation == "object_recolored"
    unnamed = said.to_color is None and edit.operation in ("saturation", "grayscale")
    return unnamed or _tint(edit, said)


def _stretched(wider: bool) -> Bearer:
    def rule(edit: Edit, said: Statement) -> bool:
        factor = number(edit, "factor")
        return edit.operation == "stretch" and ((factor > 1) == wider) != (said.axis == "vertical")

    return rule


def _changed(edit: Edit, said: Statement) -> bool:
    if said.scope == "text":
        return edit.operation in TEXTS
    if said.scope == "background":
        return edit.operation in _BACKGROUNDS
    return edit.operation in _OBJECTS if said.scope == "object" else True


_RULES: Mapping[Action, Bearer] = {
    "add": _local(
        ("object_added", "object_replaced", "object_duplicated"), ("text_added",), ("background_replaced",)
    ),
    "remove": _local(("object_removed", "object_replaced"), ("text_removed",), ("background_replaced",)),
    "replace": _local(("object_replaced",), ("text_changed",), ("background_replaced",)),
    "change": _changed,
    "recolor": _recolored,
    "move": lambda edit, said: edit.operation == "object_duplicated" and is_moved(edit),
    "copy": _any_scope("object_duplicated"),
    "cover": _object("object_blurred"),
    "blur": _either(
        _whole(("blur",)),
        _object("object_blurred", kinds=("blurred", "pixelated")),
        _background_kind("blurred"),
    ),
    "sharpen": _whole(("sharpen",)),
    "noise": _whole(("noise",)),
    "brighten": _light(1),
    "darken": _light(-1),
    "contrast": _whole(("contrast",), 1),
    "flatten": _whole(("contrast",), -1),
    "saturate": _whole(("saturation",), 1),
    "desaturate": _either(
        _whole(("saturation",), -1), _whole(("grayscale",), kinds=("gray",)), _background_kind("desaturated")
    ),
    "tint": _tint,
    "gray": _whole(("grayscale",), kinds=("gray",)),
    "sepia": _whole(("grayscale",), kinds=("sepia", "tinted")),
    "invert": _whole(("tone",), kinds=("inverted",)),
    "posterize": _whole(("tone",), kinds=("posterized",)),
    "vignette": _whole(("tone",), -1, kinds=("vignette",)),
    "unvignette": _whole(("tone",), 1, kinds=("vignette",)),
    "crop": _any_scope("crop"),
    "extend": _any_scope("pad"),
    "frame": _any_scope("pad"),
    "rotate": _any_scope("rotate"),
    "upend": lambda edit, said: (
        (edit.operation == "rotate" and abs(number(edit, "degrees")) > 135)
        or (edit.operation == "flip" and edit.parameters.get("axis") == "vertical")
    ),
    "flip": _any_scope("flip"),
    "stretch": _stretched(True),
    "squeeze": _stretched(False),
    "warp": _any_scope("perspective", "stretch"),
    "embed": _any_scope("composite"),
}  # fmt: skip
