"""The Python tokeniser gives the words of COCO's Java one."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from provenance.evaluate.captions.tokens import PUNCTUATION, tokenize

# What the Java program (stanford-corenlp 3.4.1, -lowerCase, punctuation of pycocoevalcap dropped) gives.
JAVA = {
    "Remove the man, and the dog.": "remove the man and the dog",
    "It's brighter; the dog's collar isn't there!": "it 's brighter the dog 's collar is n't there",
    "cannot gonna wanna can't won't I'm we've they'll he'd": (
        "can not gon na wan na ca n't wo n't i 'm we 've they 'll he 'd"
    ),
    "ain't shouldn't've 'tis o'clock ma'am O'Brien": "ai n't should n't 've 't is o'clock ma'am o'brien",
    'Add the text "POOL PARTY" (in red)': "add the text pool party -lrb- in red -rrb-",
    "Dr. Smith vs. Mr. Jones etc. at 5 p.m. in the US": "dr. smith vs. mr. jones etc. at 5 p.m. in the us",
    "No. 5 is no. longer fig. 3 in St. Louis": "no. 5 is no longer fig. 3 in st. louis",
    "black-and-white t-shirt, and/or left/right": "black-and-white t-shirt and/or left/right",
    "dash--dash em—dash wait... well… --": "dash dash em dash wait well",
    "50% of $5.00, 1,000.50 x 3:1 at 90° #1 #tag": "50 % of $ 5.00 1,000.50 x 3:1 at 90 ° # 1 #tag",
    "R&D and b&w & AT&T": "r&d and b & w & at&t",
    "“quoted” ‘single’ it’s don’t": "quoted single it 's do n't",
    "what?! no!! hello!hello hello,hello": "what ?! no !! hello!hello hello hello",
    "www.maxim.com http://www.example.com/a?b=c foo@bar.com photo.png": (
        "www.maxim.com http://www.example.com/a?b=c foo@bar.com photo.png"
    ),
    "café Ñandú 日本語 ½ 5½ £5 €5": "café ñandú 日本語 1/2 5 1/2 # 5 $ 5",
    "[a] {b} foo_bar foo__bar a*b :)": "-lsb- a -rsb- -lcb- b -rcb- foo_bar foo __ bar a * b :-rrb-",
    "the '90s, rock 'n' roll, boys' and y'all": "the '90s rock 'n' roll boys and y' all",
    "a smile 😀 here\tand\u00a0there": "a smile here and there",
    "": "",
    " . , ! ": "",
}


@pytest.mark.parametrize("caption", JAVA)
def test_words_are_those_of_the_java_tokeniser(caption: str) -> None:
    assert " ".join(tokenize(caption)) == JAVA[caption]


def test_no_punctuation_is_left() -> None:
    assert not PUNCTUATION & set(tokenize("A. b, c! d? e; f: g - h -- i ... j ' k '' l \" m ` n"))


@pytest.mark.skipif(shutil.which("java") is None, reason="needs Java")
def test_all_published_captions_are_cut_as_the_java_program_does(shared: Path, tmp_path: Path) -> None:
    package = find_spec("pycocoevalcap")
    if package is None or not package.submodule_search_locations:
        pytest.skip("needs the extra evaluate")
    jar = Path(next(iter(package.submodule_search_locations))) / "tokenizer" / "stanford-corenlp-3.4.1.jar"
    captions = list(JAVA)
    for name in ("ier_train", "ier_valid", "ier_test", "spot_test"):
        for row in json.loads((shared / "captions" / f"{name}.json").read_text()):
            captions += row.get("sents", row.get("sentences"))
    lines = tmp_path / "captions.txt"
    lines.write_text("\n".join(captions), encoding="utf-8")
    printed = subprocess.run(
        ["java", "-Dfile.encoding=UTF-8", "-cp", jar, "edu.stanford.nlp.process.PTBTokenizer",
         "-preserveLines", "-lowerCase", lines],
        capture_output=True, encoding="utf-8", check=True,
    ).stdout.split("\n")  # fmt: skip
    for caption, line in zip(captions, printed, strict=False):
        assert tokenize(caption) == [word for word in line.split(" ") if word and word not in PUNCTUATION]
