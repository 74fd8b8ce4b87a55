"""METEOR and SPICE: the Java programs inside pycocoevalcap."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from provenance.errors import MissingExtraError, ModelError
from provenance.evaluate.captions.answers import Answers
from provenance.evaluate.captions.scores import Floats, Score, ratio_score

# METEOR 1.5's settings for English: Denkowski & Lavie 2014, table 1. Modules: exact, stem, synonym,
# paraphrase.
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])
_SPICE_MODELS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")


def meteor(systems: Sequence[Answers]) -> list[tuple[Score, ...]]:
    """METEOR 1.5 of the corpus. Raises ModelError without Java, MissingExtraError without the package."""
    jar = _folder("meteor", "METEOR") / "meteor-1.5.jar"
    lines = [
        " ||| ".join(["SCORE", *known[number], said[number][0]])
        for known, said in (answers.tokenized for answers in systems)
        for number in said
    ]
    arguments = ["-Xmx2G", "-jar", str(jar), "-", "-", "-stdio", "-l", "en", "-norm"]
    rows = [
        list(map(float, line.split())) for line in _java("METEOR", arguments, lines, jar.parent).splitlines()
    ]
    if len(rows) != len(lines) or any(len(row) != 23 for row in rows):
        raise ModelError(f"METEOR gave {len(rows)} answers to {len(lines)} captions; is {jar} whole?")
    parts = _corpus_parts(np.array(rows).reshape(-1, 23))
    ends = np.cumsum([len(answers.answers) for answers in systems])[:-1]
    return [(Score("METEOR", part, _meteor),) for part in np.split(parts, ends)]


def _corpus_parts(rows: Floats) -> Floats:
    """Counts of each pair as METEOR adds them up: a pair that matches whole, in one piece, adds no chunk."""
    matched = rows[:, 4:20].reshape(-1, 4, 2, 2).sum(axis=(1, 2))
    whole = (matched == rows[:, :2]).all(axis=1) & (rows[:, 20] == 1)
    return np.column_stack([rows[:, :20], np.where(whole, 0.0, rows[:, 20]), rows[:, 21:]])


def _meteor(sums: Floats) -> Floats:
    """METEOR of summed counts.

    Lengths and function words of answer and reference [4], then for each module the matched content and
    function words of either [4 x 2 x 2], chunks, and matched words of either [2].
    """
    length, function = sums[..., 0:2], sums[..., 2:4]
    modules = sums[..., 4:20].reshape(*sums.shape[:-1], 4, 2, 2)
    matched = _DELTA * modules[..., 0, :] + (1 - _DELTA) * modules[..., 1, :]
    weighted = (_WEIGHTS[:, None] * matched).sum(axis=-2)
    shares = weighted / np.maximum(_DELTA * (length - function) + (1 - _DELTA) * function, 1e-12)
    precision, recall = shares[..., 0], shares[..., 1]
    mean = precision * recall / np.maximum(_ALPHA * precision + (1 - _ALPHA) * recall, 1e-12)
    fragments = sums[..., 20] / np.maximum(sums[..., 21:23].mean(axis=-1), 1e-12)
    return np.asarray(mean * (1 - _GAMMA * fragments**_BETA))


def spice(systems: Sequence[Answers]) -> list[tuple[Score, ...]]:
    """SPICE, mean over the pairs (Anderson et al. 2016). Raises ModelError without Java or its models."""
    jar = _folder("spice", "SPICE") / "spice-1.0.jar"
    require_spice_models(jar.parent)
    items = [
        {"image_id": f"{system} {number}", "test": said[number][0], "refs": known[number]}
        for system, (known, said) in enumerate(answers.tokenized for answers in systems)
        for number in said
    ]
    with tempfile.TemporaryDirectory() as folder:
        asked, found = Path(folder) / "asked.json", Path(folder) / "found.json"
        asked.write_text(json.dumps(items), encoding="utf-8")
        arguments = ["-Xmx8G", "-jar", str(jar), str(asked), "-out", str(found), "-subset", "-silent"]
        _java("SPICE", arguments, [], jar.parent)
        if not found.is_file():
            raise ModelError(
                "SPICE ended without an answer; it was made for Java 8 and takes up to 8 GB of memory"
            )
        answered = json.loads(found.read_text(encoding="utf-8"))
    values = {row["image_id"]: row["scores"]["All"]["f"] for row in answered}
    return [
        (ratio_score("SPICE", [values[f"{system} {number}"] for number in range(len(answers.answers))]),)
        for system, answers in enumerate(systems)
    ]


def require_spice_models(folder: Path) -> None:
    """Raise ModelError that says where SPICE's parser models go, unless they are there."""
    if missing := [name for name in _SPICE_MODELS if not (folder / "lib" / name).is_file()]:
        raise ModelError(
            f"SPICE needs Stanford CoreNLP 3.6.0: put {' and '.join(missing)} into {folder / 'lib'} "
            "(both are in stanford-corenlp-full-2015-12-09.zip of the Stanford NLP group), or leave SPICE out"
        )


def _folder(name: str, metric: str) -> Path:
    """The folder of a part of pycocoevalcap."""
    try:
        found = find_spec(f"pycocoevalcap.{name}")
    except ModuleNotFoundError:
        found = None
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(metric, "evaluate")
    return Path(next(iter(found.submodule_search_locations)))


def unavailable(metric: str) -> str | None:
    """Why METEOR or SPICE cannot run here, None where it can (as far as can be seen without running it)."""
    try:
        folder = _folder(metric, metric.upper())
        _find_java(metric.upper())
        if metric == "spice":
            require_spice_models(folder)
    except (MissingExtraError, ModelError) as error:
        return str(error)
    return None


def _find_java(metric: str) -> str:
    java = shutil.which("java")
    if java is None:
        raise ModelError(
            f"{metric} needs Java: install a runtime (Debian: apt install default-jre-headless), "
            f"or leave {metric} out with --metrics"
        )
    return java


def _java(metric: str, arguments: Sequence[str], lines: Sequence[str], folder: Path) -> str:
    """What a Java program prints when it is given these lines."""
    done = subprocess.run(  # noqa: S603
        [_find_java(metric), "-Dfile.encoding=UTF-8", *arguments],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True, encoding="utf-8", errors="replace", cwd=folder, check=False,
    )  # fmt: skip
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise ModelError(f"{metric}: Java ended with code {done.returncode}: {reason}")
    return done.stdout
