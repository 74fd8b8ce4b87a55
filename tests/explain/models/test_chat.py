"""Vision-language models in this process: tiny checkpoints of the real classes, by a user's code path."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provenance.errors import MissingExtraError, ModelError, UsageError
from provenance.explain import load_captioner
from provenance.explain.guard import GuardParts
from provenance.explain.models import MODELS, Question, load_model, weights
from provenance.explain.models.chat import FAMILIES, ChatModel
from provenance.explain.options import CaptionerOptions, Example, ModelOptions, PromptOptions
from provenance.explain.prompting import Prompter
from tests.contracts.model_contract import ModelContract, make_pairs
from tests.explain.models.checkpoints import CHECKPOINTS
from tests.explain.pairs import make_pair

torch = pytest.importorskip("torch", reason="the extra vlm is not installed")
transformers = pytest.importorskip("transformers", reason="the extra vlm is not installed")

OPTIONS = CaptionerOptions(ModelOptions(device="cpu", answer_tokens=10, picture_tokens=64))


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint of each class, made once."""
    root = tmp_path_factory.mktemp("checkpoints")
    return {name: make(root / f"tiny-{name}") for name, make in CHECKPOINTS.items()}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def ask(model: Any, prompt: PromptOptions | None = None) -> list[Question]:
    prompter = Prompter(model.takes, prompt or PromptOptions(), GuardParts())
    return [question for pair in make_pairs() for question in prompter.ask(pair, pair.comparison.changes)]


@pytest.fixture(scope="module", params=sorted(CHECKPOINTS))
def loaded(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Iterator[ChatModel]:
    """A model of each class, loaded once for all its tests."""
    model = load_model(f"{request.param}:{folders[request.param]}", OPTIONS)
    assert isinstance(model, ChatModel)
    yield model


class TestChatModels(ModelContract):
    @pytest.fixture
    def model(self, loaded: ChatModel) -> ChatModel:
        return loaded

    def test_what_is_said_depends_on_the_pictures(self, model: ChatModel) -> None:
        first, second = (
            Prompter(model.takes, PromptOptions(), GuardParts(crops=False)).ask(
                pair, pair.comparison.changes
            )[0]
            for pair in (make_pair(seed=5), make_pair(seed=6))
        )
        assert model.render([first]) == model.render([second])
        told = model.answer([first, second])
        assert told[0] != told[1]

    def test_an_endless_answer_is_cut_off(self, model: ChatModel) -> None:
        answers = model.answer(ask(model))
        assert any(answer.remark == "the answer was cut off after 10 tokens" for answer in answers)
        assert all(answer.text == "" or answer.text[-1] in ".!?" for answer in answers if answer.remark)


def test_every_family_has_a_checkpoint_and_a_name(folders: dict[str, Path]) -> None:
    assert set(FAMILIES.values()) == set(CHECKPOINTS)
    for name, folder in folders.items():
        family = json.loads((folder / "config.json").read_text())["model_type"]
        assert FAMILIES[family] == name
        assert name in MODELS


def test_the_general_class_takes_any_of_them(folders: dict[str, Path]) -> None:
    model = load_model(f"vlm:{folders['smolvlm']}", OPTIONS)
    assert len(model.answer(ask(model))) == 3
    assert model.name.startswith("vlm:tiny-smolvlm@")


def test_examples_are_shown_before_the_question(folders: dict[str, Path]) -> None:
    pair = make_pair(seed=9, scale=0.03)
    examples = (Example(pair.reference.pixels, pair.query.pixels, "Add a river."),) * 3
    for name in ("qwen2-vl", "idefics3", "llava-interleave"):
        model = load_model(f"{name}:{folders[name]}", OPTIONS)
        questions = ask(model, PromptOptions(examples=examples))
        assert model.answer(questions) == [model.answer([question])[0] for question in questions]
    with pytest.raises(UsageError, match="examples"):
        fuyu = load_model(f"fuyu:{folders['fuyu']}", OPTIONS)
        ask(fuyu, PromptOptions(examples=examples))


def test_the_caps_on_tokens_hold(folders: dict[str, Path]) -> None:
    for name in ("qwen2-vl", "qwen3-vl", "idefics3", "internvl"):
        counts = []
        for tokens in (64, 256):
            model: Any = load_model(
                f"{name}:{folders[name]}", CaptionerOptions(ModelOptions(device="cpu", picture_tokens=tokens))
            )
            pair = make_pair(scale=0.4)
            [question] = Prompter(model.takes, PromptOptions(), GuardParts()).ask(pair, ())
            model._load()
            ids = model._inputs([question])["input_ids"][0].tolist()
            mark = model.processor.tokenizer.convert_tokens_to_ids(
                {"idefics3": "<image>", "internvl": "<IMG_CONTEXT>"}.get(name, "<|image_pad|>")
            )
            counts.append(ids.count(mark))
            assert ids.count(mark) <= 2 * tokens
        assert counts[0] <= counts[1]


def test_the_revision_follows_the_weights_and_not_their_place(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    def revision(folder: Path) -> str:
        return weights.revision_of(weights.Weights(str(folder), is_folder=True), None)

    moved = shutil.copytree(folders["qwen2-vl"], tmp_path / "moved" / "tiny-qwen2-vl")
    assert revision(moved) == revision(folders["qwen2-vl"])
    data = bytearray((moved / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (moved / "model.safetensors").write_bytes(data)
    assert revision(moved) != revision(folders["qwen2-vl"])


# ---------------------------------------------------------------- mistakes


def test_a_missing_folder_is_named() -> None:
    with pytest.raises(ModelError, match=r"no model folder './missing': check the path"):
        load_captioner("qwen2-vl:./missing")


def test_a_folder_of_another_class_says_what_to_write(folders: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match=r"holds a llava model, not qwen2_vl: write llava-interleave:"):
        load_captioner(f"qwen2-vl:{folders['llava-interleave']}")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model: it has no config.json"):
        load_captioner(f"vlm:{tmp_path}")
    (tmp_path / "config.json").write_text("[")
    with pytest.raises(ModelError, match=r"no config.json that can be read"):
        load_captioner(f"internvl:{tmp_path}")


def test_the_general_class_needs_a_model() -> None:
    with pytest.raises(UsageError, match="write vlm:ORG/NAME or vlm:FOLDER"):
        load_captioner("vlm")


def test_without_the_extra_the_message_gives_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'provenance\[vlm\]'"):
        load_captioner("qwen2-vl")


@pytest.mark.parametrize("damage", ["cut", "gone", "pickled", "tokenizer", "template"])
def test_damaged_folders_are_named_with_the_cure(
    folders: dict[str, Path], tmp_path: Path, damage: str
) -> None:
    folder = shutil.copytree(folders["qwen2-vl"], tmp_path / "model")
    file = folder / "model.safetensors"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    if damage in ("gone", "pickled"):
        file.unlink()
    if damage == "pickled":
        torch.save({}, folder / "pytorch_model.bin")
    if damage == "tokenizer":
        (folder / "tokenizer.json").write_text("{}")
    if damage == "template":
        (folder / "chat_template.jinja").unlink()
    model = load_model(f"qwen2-vl:{folder}", OPTIONS)
    expected = (
        "no chat template"
        if damage == "template"
        else "cannot be loaded as qwen2-vl: .*give an undamaged folder"
    )
    with pytest.raises(ModelError, match=expected):
        model.answer(ask(model))


def test_a_model_that_is_not_on_this_machine_says_so() -> None:
    options = CaptionerOptions(ModelOptions(offline=True))
    model = load_model("smolvlm:nobody/never-downloaded", options)
    with pytest.raises(ModelError, match=r"explain.model.offline is set and it is not on this machine"):
        model.answer(ask(model))


def test_too_little_memory_halves_the_batch_then_names_the_settings(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = load_model(f"qwen2-vl:{folders['qwen2-vl']}", OPTIONS)
    expected = model.answer(ask(model))
    generate, sizes = model._model.generate, []

    def short_of_memory(most: int) -> Any:
        def run(**inputs: Any) -> Any:
            sizes.append(len(inputs["input_ids"]))
            if sizes[-1] > most:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
            return generate(**inputs)

        return run

    monkeypatch.setattr(model._model, "generate", short_of_memory(1))
    assert model.answer(ask(model)) == expected
    assert sizes == [3, 1, 1, 1]
    monkeypatch.setattr(model._model, "generate", short_of_memory(0))
    with pytest.raises(
        ModelError, match=r"lower explain.model.picture_tokens \(now 64\), set explain.model.four_bit"
    ):
        model.answer(ask(model))


def test_four_bits_need_their_library(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provenance.explain.models.devices.find_spec", lambda name: None)
    model = load_model(f"smolvlm:{folders['smolvlm']}", CaptionerOptions(ModelOptions(four_bit=True)))
    with pytest.raises(ModelError, match="pip install bitsandbytes"):
        model.answer(ask(model))
