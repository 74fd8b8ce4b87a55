"""OpenFlamingo, written anew: checkpoints of the published form run, and words see the right pictures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provenance.errors import ModelError
from provenance.explain import load_captioner
from provenance.explain.models import Question, Turn, load_model
from provenance.explain.options import CaptionerOptions, Example, ModelOptions, PromptOptions
from tests.contracts.model_contract import ModelContract
from tests.explain.models.flamingo_checkpoint import make_flamingo, make_language
from tests.explain.pairs import make_pair

torch = pytest.importorskip("torch", reason="the extra vlm is not installed")
pytest.importorskip("transformers", reason="the extra vlm is not installed")

OPTIONS = CaptionerOptions(ModelOptions(device="cpu", answer_tokens=10))


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As OpenFlamingo 9B: keys of mpt-7b, pictures before every third block."""
    return make_flamingo(tmp_path_factory.mktemp("flamingo") / "tiny-9b", every=3)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As OpenFlamingo 3B: keys of mpt-1b, pictures before every block."""
    return make_flamingo(tmp_path_factory.mktemp("flamingo") / "tiny-3b", older=True)


def make_question(*parts: Any) -> Question:
    blank = np.zeros((4, 4, 3), np.uint8)
    return Question(blank, blank, (Turn("user", parts),))


def picture(seed: int) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (40, 60, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def old(older: Path) -> Any:
    return load_model(f"openflamingo:{older}", OPTIONS)


@pytest.fixture(scope="module")
def new(newer: Path) -> Any:
    return load_model(f"openflamingo:{newer}", OPTIONS)


class TestNewer(ModelContract):
    @pytest.fixture
    def model(self, new: Any) -> Any:
        return new


class TestOlder(ModelContract):
    @pytest.fixture
    def model(self, old: Any) -> Any:
        return old

    def test_examples_are_ended_as_the_model_was_trained(self, model: Any) -> None:
        from provenance.explain.guard import GuardParts
        from provenance.explain.prompting import Prompter

        pair = make_pair(seed=1, scale=0.02)
        examples = (Example(pair.reference.pixels, pair.query.pixels, "Add a river."),) * 2
        prompter = Prompter(model.takes, PromptOptions("6", system=False, examples=examples), GuardParts())
        [question] = prompter.ask(pair, ())
        asked = "What alterations were made to <image> to create <image>?\nAnswer:"
        assert model.render([question]) == [f"{asked} Add a river.<|endofchunk|>" * 2 + asked]
        assert model.answer([question, make_question(picture(1), "?")])[0] == model.answer([question])[0]


def test_with_closed_gates_it_is_the_language_model_alone(tmp_path: Path) -> None:
    """Against transformers' own MPT: the same logits, in one go and going on from a cache."""
    from provenance.explain.models.flamingo.checkpoint import name_language
    from provenance.explain.models.flamingo.language import FlamingoLanguage, LanguageConfig

    torch.manual_seed(1)
    theirs = make_language(50, older=False)
    config = LanguageConfig.read(theirs.config.to_dict())
    ours = FlamingoLanguage(config, vocabulary=50, picture_width=8, every=1).eval()
    missing, unexpected = ours.load_state_dict(name_language(theirs.state_dict()), strict=False)
    assert not unexpected
    assert all(key.startswith("crossings.") for key in missing)
    ids = torch.randint(0, 50, (2, 9))
    media, seen = torch.randn(2, 1, 4, 8), torch.ones(2, 9, dtype=torch.int64)
    present = torch.ones(2, 9, dtype=torch.bool)
    present[1, :3] = False
    with torch.inference_mode():
        expected = theirs(input_ids=ids, attention_mask=present.long()).logits[:, -1]
        whole, _ = ours(ids, media, seen, present)
        _, cache = ours(ids[:, :6], media, seen[:, :6], present[:, :6])
        rest, _ = ours(ids[:, 6:], media, seen[:, 6:], present, cache)
    torch.testing.assert_close(whole, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(rest, expected, atol=1e-4, rtol=1e-4)


def test_words_see_the_picture_right_before_them_and_no_other() -> None:
    from provenance.explain.models.flamingo.layers import MaskedCrossAttention

    torch.manual_seed(2)
    attention = MaskedCrossAttention(32, 16)
    words, media = torch.randn(1, 4, 32), torch.randn(1, 2, 4, 16)
    seen = torch.tensor([[0, 1, 2, 2]])
    other = media.clone()
    other[:, 0] = torch.randn(4, 16)
    before, after = attention(words, media, seen), attention(words, other, seen)
    assert not before[0, 0].any()
    changed = (before - after).abs().amax(dim=2)[0] > 1e-6
    assert changed.tolist() == [False, True, False, False]


def test_the_checkpoint_decides_what_is_said(tmp_path: Path, newer: Path) -> None:
    model = load_model(f"openflamingo:{newer}", OPTIONS)
    question = make_question(picture(1), picture(2), "What is the difference?")
    said = model.answer([question, make_question(picture(1), picture(3), "What is the difference?")])
    assert said[0] != said[1]
    closed = make_flamingo(tmp_path / "closed", gate=0.0, every=3)
    blind = load_model(f"openflamingo:{closed}", OPTIONS)
    assert (
        len(set(blind.answer([question, make_question(picture(1), picture(3), "What is the difference?")])))
        == 1
    )


def test_a_training_checkpoint_is_read_too(tmp_path: Path, newer: Path) -> None:
    """As the training script saves it: under a name, with the prefix of a distributed run."""
    folder = shutil.copytree(newer, tmp_path / "trained")
    tensors = torch.load(folder / "checkpoint.pt", weights_only=True)
    torch.save({"model_state_dict": {f"module.{k}": v for k, v in tensors.items()}}, folder / "checkpoint.pt")
    question = make_question(picture(1), picture(2), "What is the difference?")
    answers = [load_model(f"openflamingo:{one}", OPTIONS).answer([question]) for one in (newer, folder)]
    assert answers[0] == answers[1]


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize("part", ["checkpoint.pt", "language", "vision"])
def test_a_missing_part_is_named_at_once(tmp_path: Path, newer: Path, part: str) -> None:
    folder = shutil.copytree(newer, tmp_path / "broken")
    shutil.rmtree(folder / part) if (folder / part).is_dir() else (folder / part).unlink()
    with pytest.raises(ModelError, match=rf"'{part}.*' is missing; write openflamingo:3b\|"):
        load_captioner(f"openflamingo:{folder}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("cut", "checkpoint.pt cannot be read as weights"),
        ("code", "checkpoint.pt cannot be read as weights"),
        ("other", "none of OpenFlamingo"),
        ("lacking", "lacks 1 of"),
        ("language", "must be an MPT with ALiBi, not 'llama'"),
    ],
)
def test_damaged_parts_are_named(tmp_path: Path, newer: Path, damage: str, words: str) -> None:
    folder = shutil.copytree(newer, tmp_path / "broken")
    file = folder / "checkpoint.pt"
    tensors = torch.load(file, weights_only=True)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:500])
    if damage == "code":
        torch.save({"model_state_dict": Path("never to be made")}, file)
    if damage == "other":
        torch.save({"weight": torch.zeros(2)}, file)
    if damage == "lacking":
        del tensors["perceiver.norm.bias"]
        torch.save(tensors, file)
    if damage == "language":
        (folder / "language" / "config.json").write_text('{"model_type": "llama"}')
    model = load_model(f"openflamingo:{folder}", OPTIONS)
    with pytest.raises(ModelError, match=words):
        model.answer([make_question(picture(1), "?")])


def test_a_published_model_that_is_not_on_this_machine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model("openflamingo:9b", CaptionerOptions(ModelOptions(offline=True)))
    with pytest.raises(ModelError, match=r"openflamingo/OpenFlamingo-9B-vitl-mpt7b cannot be had"):
        model.answer([make_question(picture(1), "?")])
