"""The metrics against their canonical programs and against published figures."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from provenance.errors import ModelError, NotFoundError, UsageError
from provenance.evaluate.captions import java_metrics
from provenance.evaluate.captions.answers import Answers
from provenance.evaluate.captions.baselines import baselines, human_runs
from provenance.evaluate.captions.bertscore import bertscore
from provenance.evaluate.captions.evaluation import evaluate_captions
from provenance.evaluate.captions.metrics import METRICS, load_metric
from provenance.evaluate.captions.pairs import match_answers, read_pairs, read_predictions
from provenance.evaluate.captions.scores import Score

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java")
SOME = Answers(
    ("remove the man", "a red car is gone", "", "make it brighter and crop"),
    (
        ("remove the man in the back", "take out the man"),
        ("the red car is gone", "a red car has left"),
        ("add a hat",),
        ("brighten", ""),
    ),
)


@pytest.fixture(autouse=True)
def package() -> None:
    pytest.importorskip("pycocoevalcap.bleu.bleu", reason="needs the extra evaluate")


@pytest.fixture(scope="session")
def spot(shared: Path) -> Answers:
    """Published predictions of Spot-the-Diff, with their references."""
    pairs = read_pairs(shared / "captions" / "spot_ddla_references.json")
    predictions = read_predictions(shared / "captions" / "spot_ddla_predictions.json")
    return Answers(
        match_answers(pairs, {"ddla": predictions})[1]["ddla"], tuple(pair.captions for pair in pairs)
    )


def measure(name: str, answers: Answers) -> dict[str, float]:
    return {score.metric: score.value() for score in load_metric(name)([answers])[0]}


def test_published_figures_are_met_without_java(spot: Answers) -> None:
    found = {**measure("bleu", spot), **measure("rouge", spot), **measure("cider", spot)}
    published = {"BLEU-1": 0.2963, "BLEU-2": 0.1870, "BLEU-3": 0.1176, "BLEU-4": 0.0757, "ROUGE-L": 0.2797,
                 "CIDEr": 0.3506}  # fmt: skip
    assert found == pytest.approx(published, abs=0.0005)


@needs_java
def test_meteor_is_that_of_the_canonical_program(spot: Answers, shared: Path) -> None:
    """Published predictions, and people, who often agree whole; the program takes seconds to start."""
    runs = human_runs(read_pairs(shared / "captions" / "ier_test.json"))
    found = java_metrics.meteor([spot, *(answers for _, answers in runs)])
    values = [score.value() for (score,) in found]
    assert values[0] == pytest.approx(0.10907, abs=0.00001)
    assert values[1:] == pytest.approx([0.1707, 0.2465, 0.2277], abs=0.0001)


def test_bleu_is_that_of_the_canonical_program() -> None:
    from pycocoevalcap.bleu.bleu import Bleu

    canonical = Bleu(4).compute_score(*SOME.tokenized, verbose=0)[0]
    assert list(measure("bleu", SOME).values()) == pytest.approx(canonical, rel=1e-9)
    assert measure("bleu4", SOME) == {"BLEU-4": pytest.approx(canonical[3])}
    silent = Answers(("", ""), (("a b",), ("c",)))
    assert set(measure("bleu", silent).values()) == {0.0}


def test_three_rows_stand_beside_every_result(shared: Path) -> None:
    """Image Editing Request: constant, random and human as in the project's facts, within 0.2 points."""
    pairs = read_pairs(shared / "captions" / "ier_test.json")
    training = read_pairs(shared / "captions" / "ier_train.json")
    seen = (*training, *read_pairs(shared / "captions" / "ier_valid.json"))
    names = ("bleu", "cider", "rouge")
    found = evaluate_captions(
        pairs, list(baselines(pairs, training)), {name: load_metric(name) for name in names}, seen=seen
    )
    rows = {row.name.split()[0] + (" usual" if "commonest" in row.name else ""): row for row in found.rows}
    everything = found.subsets["all"]

    def figures(row: str, metric: str) -> list[float]:
        return [100 * run.value(metric, everything) for run in rows[row].runs]

    for row, expected in {"constant": (15.6, 35.0, 42.0), "random": (2.2, 4.9, 19.2)}.items():
        for metric, value in zip(("BLEU-4", "CIDEr", "ROUGE-L"), expected, strict=True):
            assert figures(row, metric) == [pytest.approx(value, abs=0.2)]
    for metric, low, high in (("BLEU-4", 8.8, 13.6), ("CIDEr", 57.8, 91.1), ("ROUGE-L", 36.1, 49.4)):
        assert min(figures("human", metric)) == pytest.approx(low, abs=0.2)
        assert max(figures("human", metric)) == pytest.approx(high, abs=0.2)
    assert int(found.subsets["source-disjoint"].sum()) == 495 - 147
    assert list(found.subsets)[2:] == ["background", "text", "local object", "image style"]


def test_unknown_metrics_are_refused_and_all_known_ones_load() -> None:
    with pytest.raises(UsageError, match="no metric 'rogue'; known are bleu"):
        load_metric("rogue")
    assert all(callable(load_metric(name)) for name in METRICS)


def test_without_java_the_cure_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ModelError, match="METEOR needs Java: install a runtime"):
        java_metrics.meteor([SOME])
    assert "needs Java" in (java_metrics.unavailable("meteor") or "")


def test_spice_asks_its_program_and_reads_the_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its parser's models are in no registry: a stand-in program speaks its files."""
    monkeypatch.setattr(java_metrics, "_folder", lambda *_: tmp_path)
    with pytest.raises(ModelError, match=r"put stanford-corenlp-3.6.0.jar and .*-models.jar into .*lib"):
        java_metrics.spice([SOME])
    (tmp_path / "lib").mkdir()
    for name in java_metrics._SPICE_MODELS:
        (tmp_path / "lib" / name).touch()
    program = tmp_path / "java"
    program.write_text(
        "#!/usr/bin/env python3\nimport json, sys\n"
        "asked = json.load(open(next(a for a in sys.argv if a.endswith('asked.json'))))\n"
        "rows = [{'image_id': r['image_id'], 'scores': {'All': {'f': len(r['test'].split()) / 10}}}\n"
        "        for r in asked]\n"
        "json.dump(rows[::-1], open(sys.argv[sys.argv.index('-out') + 1], 'w'))\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(java_metrics, "_find_java", lambda _: str(program))
    (score,), (short,) = java_metrics.spice([SOME, Answers(("one",), (("one",),))])
    assert score.parts[:, 0].tolist() == [0.3, 0.5, 0.0, 0.5]
    assert short.value() == pytest.approx(0.1)
    program.write_text("#!/bin/sh\necho 'OutOfMemoryError' >&2\nexit 3\n")
    with pytest.raises(ModelError, match="SPICE: Java ended with code 3: OutOfMemoryError"):
        java_metrics.spice([SOME])


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny RoBERTa with a byte tokeniser, saved like a user's model folder."""
    torch = pytest.importorskip("torch", reason="needs the extra vlm")
    transformers = pytest.importorskip("transformers", reason="needs the extra vlm")
    from tokenizers.pre_tokenizers import ByteLevel

    folder = tmp_path_factory.mktemp("encoder")
    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(ByteLevel.alphabet())]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    settings = {"tokenizer_class": "RobertaTokenizer", "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    torch.manual_seed(0)
    config = transformers.RobertaConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=66, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    transformers.RobertaModel(config).save_pretrained(folder)
    return folder


def test_bertscore_matches_greedily_in_the_given_layer(encoder: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(encoder, add_prefix_space=True)
    model = AutoModel.from_pretrained(encoder).eval()

    def vectors(text: str) -> torch.Tensor:
        with torch.inference_mode():
            hidden = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states[
                2
            ][0]
        return hidden / hidden.norm(dim=1, keepdim=True)

    def f1(said: str, known: str) -> float:
        ours, theirs = vectors(said), vectors(known)
        precision = np.mean([max(float(a @ b) for b in theirs) for a in ours[1:-1]])
        recall = np.mean([max(float(a @ b) for a in ours) for b in theirs[1:-1]])
        return float(2 * precision * recall / (precision + recall))

    ((score,),) = bertscore([SOME], folder=encoder, layer=2)
    best = max(f1(SOME.answers[0], text) for text in SOME.references[0])
    assert score.value([0]) == pytest.approx(best, abs=1e-5)
    assert score.value([2]) == 0.0
    with pytest.raises(UsageError, match="layers 1 to 3, not 17: give --bertscore-layer"):
        bertscore([SOME], folder=encoder)


def test_bertscore_without_a_model_folder_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no model folder; save one there"):
        bertscore([SOME], folder=tmp_path)


def test_a_figure_without_pairs_is_no_number() -> None:
    (score,) = load_metric("direction")([Answers(("x",), (("y",),))])[0]
    assert isinstance(score, Score)
    assert math.isnan(score.value())
