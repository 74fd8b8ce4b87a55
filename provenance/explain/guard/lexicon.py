"""The English of image edits: which words claim which action. Patterns run on lower-case text.

An action is what a claim says was done, finer than an operation where direction matters ("brighten" and
"darken" are one operation), and coarser where words do not tell ("add" may be an object, a text or a frame).
"""

from __future__ import annotations

import re
from typing import Literal

Action = Literal[
    "add", "remove", "replace", "change", "recolor", "move", "copy", "cover", "uncover",
    "blur", "sharpen", "noise", "denoise",
    "brighten", "darken", "contrast", "flatten", "saturate", "desaturate", "tint", "gray", "sepia",
    "colorize", "invert", "posterize", "vignette", "unvignette",
    "crop", "extend", "frame", "unframe", "rotate", "upend", "flip", "stretch", "squeeze", "warp", "embed",
    "same",
]  # fmt: skip
Scope = Literal["whole", "object", "text", "background", "shadows", "highlights", "corners"]

INVERSE: dict[Action, Action] = {
    "add": "remove", "cover": "uncover", "blur": "sharpen", "noise": "denoise", "brighten": "darken",
    "contrast": "flatten", "saturate": "desaturate", "gray": "colorize", "vignette": "unvignette",
    "crop": "extend", "frame": "unframe", "stretch": "squeeze",
}  # fmt: skip
INVERSE |= {after: before for before, after in INVERSE.items()}


def _words(phrases: str) -> re.Pattern[str]:
    """Any of the phrases, parted by a bar between spaces, each beginning with a word."""
    alternatives = (
        " ".join(phrase.split()) for phrase in re.split(r"\s\|\s", re.sub(r"\n\s+\|", "|", phrases))
    )
    return re.compile(rf"\b(?:{'|'.join(alternatives)})")


COLORS = {
    # Red, green and blue of each word, -1..1: what a tint of that name does to the channels.
    "red": (1, -0.5, -0.5), "orange": (1, 0.1, -1), "yellow": (0.6, 0.5, -1), "golden": (0.8, 0.3, -1),
    "brown": (0.8, 0.1, -0.9), "amber": (1, 0.3, -1), "beige": (0.5, 0.2, -0.7), "green": (-0.5, 1, -0.5),
    "turquoise": (-1, 0.5, 0.5), "teal": (-1, 0.5, 0.5), "cyan": (-1, 0.5, 0.5), "blue": (-0.6, -0.4, 1),
    "purple": (0.3, -1, 0.6), "violet": (0.3, -1, 0.6), "magenta": (0.5, -1, 0.5), "pink": (0.7, -0.8, 0.1),
    "warm": (1, 0.1, -1), "cool": (-1, 0, 1), "cold": (-1, 0, 1), "gold": (0.8, 0.3, -1),
    "black": (0, 0, 0), "white": (0, 0, 0), "gray": (0, 0, 0), "grey": (0, 0, 0), "silver": (0, 0, 0),
}  # fmt: skip
FAMILIES = (
    {"red", "pink", "magenta", "purple", "violet"},
    {"red", "orange", "brown"},
    {"orange", "yellow", "golden", "gold", "amber", "brown", "beige"},
    {"green", "turquoise", "teal"},
    {"blue", "turquoise", "teal", "cyan"},
    {"blue", "purple", "violet"},
    {"gray", "grey", "silver", "white", "beige"},
    {"gray", "grey", "black", "silver"},
)
"""Colours that people call by one another's names."""
HUE = rf"(?:{'|'.join(COLORS)})"

# ---------------------------------------------------------------- which picture, and whether there

_A_PICTURE = r"(?:image|picture|photo|photograph|one|version|frame|shot|screenshot)\b"
_PUT_ELSEWHERE = r"(?! (?:is|was|has been) (?:placed|pasted|put))"
FIRST = _words(rf"""
    (?:the )?(?:first|original|initial|source|left|left-hand|before|earlier|old|reference|unedited|input)
        {_A_PICTURE}{_PUT_ELSEWHERE} |
    (?:image|picture|photo) ?(?:1|one|a)\b | (?:image|picture|photo) on the left\b | original\b |
    first one\b |
    (?:in|from|of|than) the first\b""")  # fmt: skip
SECOND = _words(rf"""
    (?:the )?(?:second|edited|modified|altered|manipulated|new|latter|right|right-hand|after|later|final
        |changed|updated|output|query) {_A_PICTURE} |
    (?:image|picture|photo) ?(?:2|two|b)\b | (?:image|picture|photo) on the right\b | second one\b |
    (?:in|from|of|than) the second\b | the (?:edit|latter)\b""")  # fmt: skip
COMPARED = re.compile(
    r"\b(?:(?:as )?compared (?:with|to)|in comparison (?:with|to)|relative to|in contrast to|as opposed to"
    r"|unlike|different(?:ly)? from|than)(?: it (?:was|is)| (?:was|is))?(?: in| before)?"
    r"(?:\s*[\ue001\ue002]+)?"
)
NOT_THERE = _words(r"""
    (?:is|are|was|were)(?:n't| not) (?:present|there|visible|in|seen|shown|found|part of)\b | absent\b |
    missing\b | no longer\b | gone\b |
    (?:does|do|did)(?:n't| not) (?:have|show|contain|include|feature)\b | (?:disappear|vanish)\w* |
    lacks?\b | lacking\b | not present\b | not there\b | without (?:the|a|any)\b | nowhere\b | fewer\b |
    used to be there\b""")  # fmt: skip
THERE = _words(r"""
    there(?:'s| is| are)(?: now)?\b | now (?:has|have|contains?|shows?|features?|includes?)\b |
    (?:contains?|shows?|features?|has|have) (?:an?|another|more|some|additional|two|three|four|several)\b |
    more \w+ (?:in|are)\b |
    now (?:stands?|sits?|lies?|floats?|runs?|walks?|hangs?|appears?|flies|holds?|wears?)\b |
    now (?:visible|seen|present)\b | now be seen\b""")  # fmt: skip
CONTRAST = _words(r"""
    now\b | new\b | additional\b | extra\b | more\b | another\b | also\b | second\b | two\b | instead\b""")
SAME = _words(r"""
    no (?:\w+ ){0,2}(?:changes?|differences?|edits?|modifications?|alterations?)\b | unchanged\b |
    unaltered\b | identical\b |
    (?:remain|stay|look|appear|are|is)(?:s|ed)? (?:exactly |largely |mostly )?the same\b |
    nothing (?:\w+ )?(?:changed|differs|was changed|is different|else)\b |
    (?:do|does) not differ\b""")  # fmt: skip
NEGATION = re.compile(
    r"\b(?:not|never|isn't|wasn't|weren't|aren't|didn't|hasn't|haven't|don't|doesn't|without being)\b|^no \w+"
)

# ---------------------------------------------------------------- nouns

TEXT = _words(r"""
    text(?:ual)?s?\b | words?\b | letter(?:s|ing)?\b | captions?\b | titles?\b | subtitles?\b |
    headlines?\b | slogans?\b | watermarks?\b | inscriptions?\b | (?:date|time)[ -]?stamps?\b |
    digits?\b | numbers?\b(?! (?:of|plate)) | writing\b | written\b | wrote\b | typed\b | fonts?\b |
    spelling\b | quotes?\b | hashtags?\b | labels?\b | logos?\b | says\b | reads?\b | reading\b |
    spells\b | signature\b | url\b | credits?\b | plaque\b""")  # fmt: skip
LOOSE_TEXT = _words(r"""
    watermarks?\b | logos?\b | labels?\b | signatures?\b | date stamp\b | letter(?:s|ing)?\b | signs?\b |
    stickers?\b | emojis?\b | banners?\b | badges?\b | stamps?\b | symbols?\b |
    speech bubbles?\b""")  # fmt: skip
"""What the eye takes for text as well as for an object."""
BACKGROUND = re.compile(
    r"(?<!in )(?<!in the )(?<!from the )(?<!into the )(?<!against the )"
    r"\b(?:backgrounds?|backdrop|surroundings|scenery|setting)\b"
    r"(?! (?:people|person|man|woman|object|figure|text)s?\b)"
    r"|\b(?:area|space|everything|region|scene|part) behind\b"
)
WHOLE = _words(r"""
    (?:image|picture|photo|photograph|shot|snapshot|version|scene|frame)s?\b | overall\b | entire\b |
    whole\b | everything\b | colou?rs?\b | tones?\b | tonality\b | hues?\b | lighting\b | light\b |
    details?\b | look\b | appearance\b | composition\b | it\b | its\b | white balance\b | temperature\b |
    palette\b |
    edit\b""")  # fmt: skip
REGIONS: tuple[tuple[Scope, re.Pattern[str]], ...] = (
    ("shadows", _words(r"shadows?\b | dark(?:er|est)? (?:areas?|parts?|regions?|tones?)\b | blacks\b")),
    (
        "highlights",
        _words(r"""
    highlights?\b | (?:bright|light)(?:er|est)? (?:areas?|parts?|regions?|tones?)\b | whites\b"""),
    ),
    ("corners", _words(r"corners\b | edges\b | borders of\b | periphery\b | vignett\w+")),
)
EFFECTS: tuple[tuple[re.Pattern[str], Action, Action], ...] = (
    # What there can be more or less of: the noun, the action of more, the action of less.
    (_words(r"noise\b | grain\b | graininess\b"), "noise", "denoise"),
    (_words(r"vignett\w*"), "vignette", "unvignette"),
    (_words(r"contrast\b"), "contrast", "flatten"),
    (_words(r"""
        saturation\b | vibran(?:ce|cy)\b | colou?rfulness\b | intensity of (?:the )?colou?rs?\b |
        colou?r intensity\b"""), "saturate", "desaturate"),
    (_words(r"brightness\b | exposure\b | luminosity\b | lightness\b"), "brighten", "darken"),
    (_words(r"darkness\b"), "darken", "brighten"),
    (_words(r"sharpness\b | clarity\b | sharpening\b"), "sharpen", "blur"),
    (_words(r"blur\b | blurriness\b | blurring\b | blur effect\b"), "blur", "sharpen"),
    (_words(r"pixelation\b | pixellation\b | mosaic\b | censoring\b | censorship\b"), "cover", "uncover"),
    (_words(r"""
        borders?\b(?! of) | frames?\b(?! of) | letterbox\w* | (?:black|white|dark|gr[ae]y|colou?red) bars\b |
        margins?\b(?! of) | padding\b"""), "frame", "unframe"),
)  # fmt: skip
TINT = re.compile(
    rf"\b(?P<color>{HUE})(?:ish|er|ness|nish|dish)?\b[- ]*"
    r"(?P<noun>tint|cast|hue|tone|tinge|wash|filter|shade|look)?"
)
TINTED = _words(
    r"warm(?:er|ed|s|th)?\b | cool(?:er|ed|s)?\b | cold(?:er)?\b | (?:blu|yellow|redd|green)ish\b"
)

# ---------------------------------------------------------------- verbs

MORE = _words(r"""
    add\w* | increas\w+ | rais\w+ | boost\w* | enhanc\w+ | strengthen\w* | more\b | higher\b |
    stronger\b | intensif\w+ | turn(?:ed)? up | appl(?:y|ied|ies)\b | improv\w+ | has\b | have\b |
    with\b | put\b | insert\w* | there (?:is|are)\b | surrounds?\b | appears?\b | gives?\b | given\b |
    greater\b | introduc\w+ | better\b | shows?\b | received\b | placed\b | draw\w* |
    overla\w+ | superimpos\w+""")  # fmt: skip
LESS = _words(r"""
    remov\w+ | decreas\w+ | reduc\w+ | lower(?:ed|s)?\b | less\b | weak\w+ | diminish\w* | drop\w* |
    los[et]\w* | ton(?:e|ed|ing) down | fewer\b | eras\w+ | delet\w+ | crop\w* (?:away|out|off) | cut\b |
    soften\w* | cleaned up | eliminat\w+ | turn(?:ed)? down | took\b | taken\b | gone\b | suppress\w* |
    undone\b | clean\w*""")  # fmt: skip
SPECIFIC: tuple[tuple[Action, re.Pattern[str]], ...] = (
    # The first that fits wins.
    ("colorize", _words(r"""
        coloriz\w+ | colouris\w+ |
        (?:restored|converted|turned|changed|back) (?:in)?to (?:full |its )?colou?r\b""")),
    ("gray", _words(r"""
        black-and-white | b&w\b | b/w\b | gr[ae]y-?scale | monochrom\w+ |
        (?:all|the) colou?r (?:has been |was |is )?(?:removed|drained|stripped) |
        remov\w+ (?:all )?(?:the )?colou?rs?\b""")),
    ("sepia", _words(r"sepia | (?:old-fashioned|vintage|antique) brown\w* | brownish tones?\b")),
    ("invert", _words(r"""
        invert\w* | (?:photographic|into a|like a(?: \w+)?) negative |
        negative (?:effect|image|filter|of)""")),
    ("posterize", _words(r"""
        posteri[sz]\w* | (?:few|fewer|limited)(?: \w+)? colou?rs | number of (?:colou?rs|shades|tones) |
        flat colou?rs""")),
    ("upend", _words(r"upside[- ]down")),
    ("flip", _words(r"""
        mirror(?:ed|ing|s the|-?image| image) | mirror the | flip\w* |
        left and right (?:\w+ ){0,2}(?:swapped|exchanged|reversed) | reversed horizontally""")),
    ("rotate", _words(r"""
        rotat\w+ | tilt\w* | straighten\w* | level (?:the|out) | (?:anti|counter)[ -]?clockwise | clockwise |
        turn(?:ed|s)? (?:by|to the (?:left|right)|\d+) | quarter turn""")),
    ("extend", _words(r"""
        zoom\w*[- ]?out | wider (?:view|shot|field|crop) |
        (?:canvas|view|frame)(?: \w+){0,2} (?:extended|expanded) | uncrop\w* | shows more of""")),
    ("crop", _words(r"""
        crop\w* | trim(?:med|ming)?\b | tighter (?:crop|fram\w+|view|shot) | zoom\w*(?: in)?\b | close-?up |
        (?:edges?|sides?|margins?|borders?|parts?|top|bottom|left|right)(?: \w+){0,6}
            (?:cut|chopped|sliced)(?: off| away) |
        cut(?:s|ting)? off (?:the )?(?:edges?|sides?|top|bottom|left|right)""")),
    ("squeeze", _words(r"""
        squee[zs]\w+ | squash\w* | narrow(?:er|ed)\b | compressed (?:horizontally|sideways)""")),
    ("stretch", _words(r"stretch\w* | elongat\w+ | widen\w* | wider\b | aspect ratio | proportions")),
    ("warp", _words(r"""
        perspective | warp\w* | distort\w* | skew\w* | (?:different|another|new) (?:angle|viewpoint|vantage) |
        different(?: \w+)? angle | viewing angle | keyston\w+""")),
)  # fmt: skip
PROPORTIONS = _words(r"aspect ratio | proportions")
EMBED = _words(r"""
    (?:original|photo|picture|image)\w*(?: \w+){0,4} (?:placed|put|pasted|inserted|embedded|inset|shown|set)
        (?:in|inside|into|within|onto|on) (?:a|an|another)\b |
    (?:put|paste|place|insert|embed) the (?:original |whole |entire )?(?:photo|picture|image)\w*
        (?:in|inside|into|onto|on|within)\b |
    collage\b | photomontage\b | picture[- ]in[- ]picture\b |
    part of a (?:larger|bigger) (?:picture|image|page|screenshot)\b""")  # fmt: skip
TONES: tuple[tuple[Action, re.Pattern[str]], ...] = (
    ("flatten", _words(r"flatter\b | less contrasty")),
    ("desaturate", _words(r"""
        desaturat\w* | less (?:vivid|vibrant|colou?rful|saturated|intense) | muted | dull(?:er|ed)?\b |
        faded | washed[- ]out | pale[r]?\b | colou?rs?(?: \w+){0,3} toned down | tone down the colou?rs?""")),
    ("saturate", _words(r"""
        (?:more |very )?(?:vivid|vibrant|colou?rful)\b | (?:over|more )?saturated | saturate\b |
        more intense | tone up | richer\b | intensif\w+ the colou?rs?""")),
    ("blur", _words(r"""
        blur\w* | out of focus | unfocus\w* | soft(?:er|en\w*)\b | less sharp | smooth\w* | defocus\w* |
        hazier\b | fuzz(?:y|ier)\b""")),
    ("sharpen", _words(r"""
        sharpen\w* | sharper\b | crisp(?:er)?\b | clear(?:er)?\b | more (?:detailed|defined) | in focus |
        deblur\w* | less blurry""")),
    ("denoise", _words(r"denois\w* | less (?:noisy|grainy)")),
    ("noise", _words(r"nois(?:ier|y)\b | grain(?:ier|y)\b")),
    ("darken", _words(r"""
        dark(?:er|en\w*)\b | dim(?:mer|med|s)?\b | deepen\w* | underexposed | ton\w+ down | gloomier\b |
        less bright\b""")),
    ("brighten", _words(r"""
        bright(?:er|en\w*)\b | light(?:er|en\w*)\b | illuminat\w+ | lift\w* | overexposed | less dark\b""")),
)  # fmt: skip
STATIVE = _words(r"""
    is\b | are\b | looks?\b | appears?\b | seems?\b |
    has (?:a |more|less|higher|lower|stronger|weaker|an ) |
    have (?:a |more|less|higher|lower)""")  # fmt: skip
"""A state, of the picture that is the subject; an act ("was cropped") is always done to the original."""
LOCAL: tuple[tuple[Action, re.Pattern[str]], ...] = (
    ("cover", _words(r"""
        pixel(?:l?ate|ize|ise)\w* | censor\w* | redact\w* | black(?:ed|ing)?[- ]out | obscur\w+ | hidden\b |
        hide\b | conceal\w* | cover(?:ed|s|ing)?\b | masked\b | blocked out | anonymi[sz]\w+""")),
    ("copy", _words(r"duplicat\w* | clon(?:e|ed|es|ing)\b | cop(?:y|ies|ied)\b | replicat\w+ | repeated\b")),
    ("move", _words(r"""
        mov(?:ed|es|e|ing)\b | shift(?:ed|s)?\b | relocat\w+ | reposition\w* | displac\w+ | dragged\b |
        (?:different|another|new) (?:position|place|location|spot) | changed positions?""")),
    ("recolor", _words(r"re-?colou?r\w* | repaint\w* | re-?dyed | paint(?:ed)? (?:in|over)? | dyed?\b")),
)  # fmt: skip
COLOR_CHANGED = _words(r"""
    (?:chang|alter|modif|switch|adjust)\w*(?: \w+){0,3} colou?rs?\b |
    colou?rs?\b(?: \w+){0,6} (?:changed|altered|modified|different|differs)\b""")  # fmt: skip
BECAME_COLOR = re.compile(
    r"\b(?:turn(?:ed|s)?|bec[oa]me|is|are|was|were|made|painted|colou?red|dyed|to|into|now|looks?)(?: now)?"
    rf" (?:a |an )?(?:bright |dark |light |deep |pale |solid )?(?P<color>{HUE})\b(?!-)"
    r"(?! [a-z]+(?:ed|ing)?\b(?<!now)(?<!instead)(?<!in)(?<!with))"
)
MADE_COLOR = re.compile(rf"\b(?:mak\w+|let) (?:the |its |his |her |their )?(?:\w+ ){{1,3}}{HUE}\b(?! \w)")
CREATED = re.compile(
    r"\W*(?:an?|some|two|three|several|many) (?:\S+ ){1,6}?(?:was|were|has been|have been|is|are) (?:\w+ly )?"
    r"\w+(?:ed|en|wn|ung)\b"
)
"""Something not known before, done in whatever way: "a car was parked"."""
NEW_BACKGROUND = _words(r"(?:new|different|another|other) (?:background|backdrop)")
PLURAL = re.compile(
    r"\b(?:two|three|four|five|several|many|some|both|multiple|all|people|persons|places|things|objects"
    r"|words)\b|[^s]s (?:was|were|are|have)\b| and "
)
ADD = _words(r"""
    add(?:ed|s|ing|ition(?:al)?)?\b | insert\w* | appear(?:s|ed)?\b(?! (?:to|more|less|\w+er\b)) |
    plac(?:e|ed|ing)\b | put\b | past(?:e|ed|ing)\b | introduc\w+ | overla(?:y|id)\w* | superimpos\w+ |
    drawn?\b | writt?e?n?\b | wrote\b | typed\b | new\b | include[ds]?\b | attached\b | grow(?:n|s)?\b |
    printed\b | inserted\b | created?\b | painted (?:in|on|onto)\b | stamped\b |
    giv(?:e|en) (?:him|her|it|them|the \w+) (?:an?|some)\b""")  # fmt: skip
REMOVE = _words(r"""
    remov\w+ | delet\w+ | eras\w+ | tak(?:e|en|ing) (?:\w+ ){0,3}(?:out|off|away)\b |
    took (?:\w+ ){0,3}(?:out|off|away)\b | gone\b | cut (?:out|from|away)\b | peel\w+ | get rid\b |
    got rid\b | eliminat\w+ | wip(?:e|ed)\b | strip\w+ | thinned out | edit(?:ed)? out |
    photoshop(?:ped)? out | clear(?:ed)? (?:of|away)\b | crop\w* (?:out|away) | shaved\b""")  # fmt: skip
REPLACE = _words(r"""
    replac\w+ | swap\w* | substitut\w+ | exchang\w+ | switch\w* |
    (?:turn|transform|convert|chang|morph)\w* (?:in)?to\b |
    where (?:\w+ ){1,4}(?:used to be|was|stood|were)\b | instead of\b | in place of\b | became\b |
    become\b""")  # fmt: skip
CHANGE = _words(r"""
    chang\w+ | alter\w* | modif\w+ | edit(?:ed|s)?\b | differ\w* | adjust\w* | manipulat\w+ | tampered\b |
    retouch\w* | updat\w+ | correct\w* | says\b | reads?\b | reading\b""")  # fmt: skip
NOT_THINGS = re.compile(
    r"\b(?:by )?\d+(?:\.\d+)? ?(?:%|°|degrees?|percent)"
    r"|\b(?:noticeably|slightly|significantly|overall|completely|clearly|horizontally|vertically|main|subject"
    r"|focus|effect|filter|style|skin|little|intense|better|darker|lighter|brighter|version|deg|level|horizon)\b"
)
_STOP = """
    a an the and or of to in on at by with from into onto for as is are was were be been being has have
    had do does did this that these those there here it its his her their him them he she they now then
    than so very more less much some any no not also slightly little bit away off out up down near next
    side part area corner edge half left right top bottom upper lower middle center centre hand far across
    along around over under above below behind front image picture photo photograph version one ones who
    which what where while appears appear looks look seems shows show visible second first edited original
    new make made put set use used using another other roughly about approximately just only rather still
    even turned all few flat film number like old fashioned toned towards toward sense feel kind type both
    same something object thing things whole entire overall compared
"""
STOP = frozenset(_STOP.split())
"""Words that name no thing."""
