"""Captions -> the words that BLEU, METEOR, ROUGE-L and CIDEr count, without Java.

COCO's evaluation cuts captions with Stanford's PTBTokenizer 3.4.1, in small letters, and drops the
punctuation of a short list. This one gives the same words for English captions. The rules were found by
asking that program, and `tests/evaluate/captions/test_tokens.py` holds them against it where Java is
installed.
"""

from __future__ import annotations

import re

# What pycocoevalcap drops. Its brackets are in capitals ("-LRB-") and come in small letters, so they stay.
PUNCTUATION = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])

# Abbreviations that keep their full stop; found by asking for all words of up to four letters, and longer
# ones.
_ABBREVIATIONS = (
    "al|cf|co|ct|dr|ft|ga|jr|ky|lt|md|mo|mr|ms|mt|ph|rd|rt|sq|sr|st|va|vs|vt|wm|adj|adm|adv|ala|apr|aug|ave|bhd|"
    "cie|col|cos|cpl|dak|dec|det|drs|ens|esq|est|etc|ext|feb|fla|fri|gen|gov|hon|inc|ind|jan|jos|jul|jun|kan|"
    "ltd|maj|mar|mfg|mme|mon|mrs|mtg|neb|nev|nov|oct|pfc|plc|pte|pty|pvt|rep|rev|sen|sep|seq|sfc|sgt|spc|ste|"
    "sys|tel|thu|tue|wed|wis|wyo|alex|ariz|assn|asst|atty|bldg|blvd|brig|bros|capt|cmdr|colo|conn|corp|dept|"
    "elec|govs|insp|intl|invt|kans|mich|minn|mlle|mont|msgr|natl|okla|penn|ppte|ppty|pres|prof|ptes|ptys|reps|"
    "sens|sept|supt|tenn|tues|univ|wisc|assoc|attys|bancorp|calif|comdr|lieut|messrs|profs|supts|thurs"
)
_CAPITALISED = "Ark|Az|Del|Ill|La|Mass|Miss|Ore|Pa|Tex|Wash"
_BEFORE_NUMBERS = "art|ca|figs?|nos?|op|pp|prop"

_L = r"[^\W\d_]"
_A = r"['’]"
_END = r"(?![^\W_])"
_RUN = r"[^\W_]+"
_NUMBER = r"(?:\d+(?:[.:,]\d+)*|(?:[.:,]\d+)+)"

# At every place the longest match wins, of equally long ones the first. What a group holds is the word, the
# rest is looked at again.
_RULES = tuple(
    re.compile(rule)
    for rule in (
        r"</?[A-Za-z!][^<>]*>",
        r"https?://[^\s\"<>|()]*[^\s\"<>|().,:;!?'’-]",
        r"[A-Za-z0-9][\w.+-]*@[A-Za-z0-9][\w-]*(?:\.[A-Za-z0-9][\w-]*)+",
        rf"[#@]{_L}(?:{_L}|_)*",
        # Two words written as one, and the short forms of "not", "is", "have" ...
        rf"(?i:(can)not|(gon|wan)na|(got)ta|(gim|lem)me|({_A}t)(?:is|was)){_END}",
        rf"(?i:([^\W_]*?{_L}[^\W_]*?)n{_A}t){_END}",
        rf"(?i:n{_A}t|{_A}(?:[msd]|re|ve|ll)){_END}",
        rf"(?i:{_A}n{_A}|{_A}(?:em|til|cause|n|\d\ds?){_END}|y{_A}(?=all))",
        rf"(?i:[dol]{_A}{_L}[^\W_]*|ma{_A}am)",
        # Words: with points inside, with hyphens, strokes or low lines between, capitals around & and +.
        rf"{_L}[^\W_]*(?:[.!?]{_L}[^\W_]*)*",
        rf"{_RUN}(?:-{_RUN})*",
        r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}",
        r"[A-Za-z0-9][A-Za-z0-9.,]*(?:-[A-Za-z0-9]+)+",
        rf"{_L}[^\W_]*(?:_{_RUN})+",
        r"[A-Z]+(?:[&+][A-Z]+)+",
        r"[A-Za-z](?:\+\+|#)",
        # What keeps its full stop.
        rf"{_L}(?:\.{_L})*\.",
        rf"(?i:{_ABBREVIATIONS})\.",
        rf"(?:{_CAPITALISED})\.",
        r"(?i:(?:ed|ph)\.d\.)",
        rf"(?i:{_BEFORE_NUMBERS})\.(?=\s*\d)",
        # Numbers and marks.
        rf"[-+]?{_NUMBER}",
        r"[A-Z]+\$",
        r"[<>]?[:;=]-?[()D]",
        r"-(?i:[lr][rsc]b)-",
        r"\.{2,}|-{2,}|[?!]+|_+|\*+",
        r"&(?:amp|lt|gt|quot|apos);",
        r"\S",
    )
)
_PLAIN = re.compile(r"[A-Za-z]+(?=\s|$)")
_CUT = frozenset(["cannot", "gonna", "wanna", "gotta", "gimme", "lemme"])
_SPELT = str.maketrans({"½": " 1/2 ", "¼": " 1/4 ", "¾": " 3/4 ", "\u00ad": "", "\u200b": " ", "\ufeff": " "})
_BEYOND = re.compile(r"[\U00010000-\U0010ffff]+")
_MARKS = {
    "£": "#", "€": "$", "¢": "cents", "&amp;": "&", "&lt;": "<", "&gt;": ">", "…": "...", "–": "--",
    "—": "--",
    '"': "''", "“": "``", "”": "''", "«": "``", "»": "''", "&quot;": "''", "‘": "`", "’": "'", "&apos;": "'",
}  # fmt: skip
_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}


def tokenize(caption: str) -> list[str]:
    """The words of a caption in small letters, without punctuation."""
    text = _BEYOND.sub(" ", caption.translate(_SPELT)).rstrip()
    words, place = [], 0
    while place < len(text):
        plain = _PLAIN.match(text, place)  # nearly all words
        if plain and (word := plain[0].lower()) not in _CUT:
            words.append(word)
            place = plain.end()
        elif text[place].isspace():
            place += 1
        else:
            found = max(filter(None, (rule.match(text, place) for rule in _RULES)), key=re.Match.end)
            group = found.lastindex or 0
            words.append(_write(found[group]))
            place = found.end(group)
    return [word for word in words if word not in PUNCTUATION]


def _write(word: str) -> str:
    """A word as the Penn Treebank writes it."""
    if len(word) > 1 and not word.strip(".-"):
        return "..." if word[0] == "." else "--"
    if word in _MARKS:
        return _MARKS[word]
    return "".join(_BRACKETS.get(letter, letter) for letter in word.lower()).replace("’", "'")
