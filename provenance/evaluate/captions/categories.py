"""Which of the paper's four categories a pair belongs to, read from what people said of it.

A pair may belong to several: background (replaced, removed, changed), text (letters, logos, watermarks),
local object (something added, removed, replaced or changed at a place) and image style (tone, colour, focus,
framing of the whole). Labels given with the data come first; these rules are for data without.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from provenance.evaluate.captions.direction import CLAUSES
from provenance.records import Category


def _words(alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{alternatives})\b", re.IGNORECASE)


_BACKGROUND = _words(r"back ?-?ground|backgrount|backdrop|bg|scenery|surroundings")
# "the man in the background", "behind the girl": where something is, not what was changed.
_PLACE = _words(
    r"(?:in|into|on|from|of|to|around|behind|with)\s+(?:(?:the|an?|this|that|new|different)\s+)*background"
)
_NEW_BACKGROUND = _words(r"(?:onto|into|on|in|to|with) (?:an?|new|different|another)\b[^,]*\bbackground")
_TEXT = _words(
    r"texts?|textbox|words?|letters?|lettering|writings?|written|captions?|captioned|fonts?|titles?|watermarks?|"
    r"signatures?|slogans?|quotes?|numbers?|names?|logos?|labels?|stamp"
)
_STYLE = _words(
    r"bright\w*|light(?:en|ens|ened|er|ing)|dark(?:en|ens|ened|er)?|contrast\w*|exposure|(?:de)?satur\w+|vibran\w+|"
    r"vivid|colou?rful|colou?riz\w+|hue|tint\w*|tone\w*|warm\w*|cool\w*|filter\w*|effects?|sepia|gr[ae]y-?scale|"
    r"black (?:and|&) white|"
    r"crop\w*|zoom\w*|rotat\w+|flip\w*|mirror\w*|turn|resiz\w+|enlarg\w+|bigger|smaller|"
    r"stretch\w*|perspective|sharp\w*|blur\w*|clear\w*|clarity|focus|quality|resolution|noise|pixel\w*|cartoon|style|"
    r"drawing|painting|distort\w*|vignette|frame|orientation|(?:whole|entire) (?:image|picture|photo)|"
    r"colou?rs? (?:of|in|to)? ?(?:the )?(?:\w+ )?(?:image|picture|photo)"
)
_ACT = _words(
    r"(?:add|insert|put|place|give|paste|photoshop|draw|remove|delete|erase|take|cut|replace|swap|switch|change|make|"
    r"turn|colou?r|move|fill|cover|apply|show|whiten|straighten|extend|clean|fix|reduce|increase|is|are|has|have|"
    r"no longer|gone|there)\w*"
)


def categorize_clause(clause: str) -> Category | None:
    """The category of one statement, None where it states no change."""
    if _TEXT.search(clause) or '"' in clause:
        return "text"
    if _NEW_BACKGROUND.search(clause) or _BACKGROUND.search(_PLACE.sub(" ", clause)):
        return "background"
    if _STYLE.search(clause):
        return "image_style"
    return "local_object" if _ACT.search(clause) else None


def categorize_captions(captions: Sequence[str]) -> tuple[Category, ...]:
    """The categories that at least half of the captions speak of; of none, all that any speaks of."""
    found = Counter(
        category
        for caption in captions
        for category in {categorize_clause(clause) for clause in CLAUSES.split(caption)} - {None}
    )
    agreed = [category for category, count in found.items() if 2 * count >= len(captions)]
    return tuple(sorted(agreed or found))  # type: ignore[arg-type]
