"""A captioner over a whole data set: answers are kept, so that a run goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenance import __version__
from provenance.decode import decode
from provenance.errors import InputError
from provenance.evaluate.captions.pairs import CaptionedPair
from provenance.evaluate.captions.store import AnswerStore, StoredAnswer, answer_key
from provenance.explain.guarded import GuardedCaptioner
from provenance.pipeline import Provenance


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run's answers by pair, in the order of the pairs, and what could not be captioned."""

    answers: Mapping[str, StoredAnswer]
    failures: Mapping[str, str]
    """Reasons by pair."""
    known: int
    """Answers that a former run had given."""


def caption_pairs(
    library: Provenance,
    pairs: Sequence[CaptionedPair],
    store: AnswerStore,
    *,
    workers: int = 1,
    fresh: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Caption every pair with the library's captioner, `workers` at a time; `fresh` asks again for known
    ones.

    A picture that cannot be read is a failure of its pair. A model that cannot answer ends the run with
    ModelError; what was answered is kept, and the next run goes on from there.
    """
    options = identity(library)

    def answer(pair: CaptionedPair) -> tuple[StoredAnswer, bool]:
        before, after = Path(pair.before or ""), Path(pair.after or "")
        pixels = [_pixels(library, file) for file in (before, after)]
        key = answer_key(pixels[0], pixels[1], options)
        if not fresh and (found := store.get(key)):
            return found, True
        given, final = _ask(library, before, after)
        if final:
            store.put(key, given)
        return given, False

    answers: dict[str, StoredAnswer] = {}
    failures: dict[str, str] = {}
    known = 0
    with ThreadPoolExecutor(workers) as pool:
        asked = {pool.submit(answer, pair): pair.id for pair in pairs}
        try:
            for done, future in enumerate(as_completed(asked), 1):
                try:
                    answers[asked[future]], was_known = future.result()
                    known += was_known
                except InputError as error:
                    failures[asked[future]] = str(error)
                if progress:
                    progress(done, len(pairs))
        except BaseException:  # also Ctrl-C: the pool would go through all that is left
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return RunResult({pair.id: answers[pair.id] for pair in pairs if pair.id in answers}, failures, known)


def _ask(library: Provenance, before: Path, after: Path) -> tuple[StoredAnswer, bool]:
    """The answer about a pair, and whether it is worth keeping: not where a server failed this time.

    A model whose claims are not checked is also asked about pairs that could not be compared.
    """
    report = library.explain(before, after)
    said, captioner = report.explanation, library.captioner
    if said is not None:
        return StoredAnswer(said.caption, said.captioner, report.verdict), said.answered
    if isinstance(captioner, GuardedCaptioner) and not library.settings.explain.guard.claims:
        answer = captioner.describe(library.decode(before), library.decode(after))
        return StoredAnswer(answer.text, captioner.name, report.verdict), bool(answer.text)
    return StoredAnswer("", captioner.name, report.verdict), True


def identity(library: Provenance) -> dict[str, Any]:
    """Everything besides the pictures that answers depend on: captioner, prompt, settings, files, version.

    A model in a folder is told by the sizes and times of its files, so that new weights are asked anew.
    """
    options = library.settings.model_dump(mode="json", include={"describe", "verify", "compare", "explain"})
    explain = options["explain"]
    del explain["server"]  # how patient one is with a server changes no answer
    files = [explain["captioner"].partition(":")[2], explain["prompt"]["examples_file"] or ""]
    return {**options, "files": [_state(Path(file)) for file in files if file], "version": __version__}


def _state(place: Path) -> list[tuple[str, int, int]]:
    """Names, sizes and times of a file, or of a folder's files; nothing for what is no path."""
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    states = [(file.name, file.stat()) for file in files if file.is_file()]
    return [(name, state.st_size, state.st_mtime_ns) for name, state in states]


def predictions_json(result: RunResult) -> str:
    """The answers as COCO writes results, with captioner and verdict."""
    rows = [
        {"image_id": key, "caption": one.caption, "captioner": one.captioner, "verdict": one.verdict}
        for key, one in result.answers.items()
    ]
    return json.dumps(rows, indent=1, ensure_ascii=False)


def write_predictions(file: Path, result: RunResult) -> None:
    """Write the answers to a file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.part")
    unfinished.write_text(predictions_json(result) + "\n", encoding="utf-8")
    unfinished.replace(file)


def _pixels(library: Provenance, file: Path) -> str:
    """sha256 of a picture's upright pixels."""
    decoded = decode(file, limits=library.limits)
    return decoded.pixel_sha256 or decoded.sha256
