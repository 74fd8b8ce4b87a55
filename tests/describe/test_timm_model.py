"""timm: real small models with weights from files, and what is said of wrong names and files."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provenance.errors import ModelError, UsageError
from tests.contracts.embedder_contract import FileEmbedderContract
from tests.describe.pictures import scene

pytestmark = pytest.mark.clip


@pytest.mark.skipif(find_spec("timm") is not None, reason="the extra timm is installed")
def test_without_the_extra_the_message_says_what_to_install() -> None:
    code = "from provenance.describe import Describer; Describer(copy_model='timm:resnet18')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtraError" in found.stderr
    assert "pip install 'provenance[timm]'" in found.stderr


def load(spec: str) -> Any:
    pytest.importorskip("timm", reason="the extra timm is not installed")
    from provenance.describe.timm_model import TimmEmbedder

    return TimmEmbedder(spec, device="cpu")


def weights(model: str, seed: int = 0, **options: Any) -> dict[str, Any]:
    """Random weights of a model."""
    timm = pytest.importorskip("timm", reason="the extra timm is not installed")
    import torch

    torch.manual_seed(seed)
    state: dict[str, Any] = timm.create_model(model, **options).state_dict()
    return state


class TestTransformer(FileEmbedderContract):
    """A vision transformer with its classifier in the file."""

    suffix = ".safetensors"
    model_name = "test_vit"
    options = ""

    def save(self, path: Path, seed: int) -> None:
        state = weights(self.model_name, seed)
        from safetensors.torch import save_file

        save_file(state, path)

    def load(self, path: Path) -> Any:
        return load(f"{self.model_name}:{path}{self.options}")


class TestConvolutions(TestTransformer):
    """A convolutional network, the short side kept, without its classifier, as torch.save writes it."""

    suffix = ".pt"
    model_name = "test_resnet"
    options = ",side=96,fit=short"

    def save(self, path: Path, seed: int) -> None:
        state = weights(self.model_name, seed, num_classes=0)
        import torch

        torch.save({"state_dict": state}, path)


def test_vectors_are_those_of_timm(tmp_path: Path) -> None:
    state = weights("test_vit")
    import timm
    import torch

    torch.save(state, tmp_path / "m.pt")
    model = timm.create_model("test_vit", num_classes=0).eval()
    model.load_state_dict({key: value for key, value in state.items() if not key.startswith("head.")})
    config = model.pretrained_cfg
    side = config["input_size"][1]
    picture = scene(1, width=side, height=side)
    normalised = (picture / 255 - np.array(config["mean"])) / np.array(config["std"])
    with torch.inference_mode():
        expected = model(torch.from_numpy(normalised.transpose(2, 0, 1)[None].astype(np.float32)))
    expected = torch.nn.functional.normalize(expected)
    np.testing.assert_allclose(load(f"test_vit:{tmp_path / 'm.pt'}").embed([picture]), expected, atol=1e-5)


def test_a_transformer_takes_another_side(tmp_path: Path) -> None:
    state = weights("test_vit")
    import torch

    torch.save(state, tmp_path / "m.pt")
    spec = f"test_vit:{tmp_path / 'm.pt'}"
    embedder = load(f"{spec},side=96")
    assert ",side=96," in embedder.version
    assert embedder.version != load(spec).version
    assert np.abs(embedder.embed([scene(1)]) - load(spec).embed([scene(1)])).max() > 1e-4


def test_dinov2_is_among_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its real class at its real size; only the download is left out."""
    timm = pytest.importorskip("timm", reason="the extra timm is not installed")
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, **more: create(name, **more))
    embedder = load("vit_small_patch14_dinov2,side=98")
    assert embedder.dimension == 384
    assert embedder.version.startswith("timm:vit_small_patch14_dinov2.lvd142m,side=98")
    assert embedder.embed([scene(1)]).shape == (1, 384)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_weights_of_another_model_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"other{suffix}"
    state = weights("test_resnet")
    import torch
    from safetensors.torch import save_file

    (save_file if suffix == ".safetensors" else torch.save)(state, path)
    with pytest.raises(ModelError, match=r"cannot be loaded as test_vit:.*give a checkpoint of test_vit"):
        load(f"test_vit:{path}")


def test_a_file_that_lacks_weights_is_refused(tmp_path: Path) -> None:
    state = weights("test_resnet")
    import torch

    state.pop(next(iter(state)))
    torch.save(state, tmp_path / "m.pt")
    with pytest.raises(ModelError, match="1 weights are missing"):
        load(f"test_resnet:{tmp_path / 'm.pt'}")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "vit_smal_patch14_dinov2",
            "no model 'vit_smal_patch14_dinov2'; nearest: .*vit_small_patch14_dinov2",
        ),
        ("vit_small_patch14_dinov2.lvd124m", "no weights 'lvd124m'; nearest: lvd142m"),
        ("vit_tiny_patch16_384,side=0", "side is 8 to 2048"),
        ("", "no model ''"),
        ("hf-hub:someone/model", "no model 'hf-hub'"),
    ],
)
def test_wrong_names_list_the_nearest(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(spec)


def test_a_model_without_published_weights_needs_a_file() -> None:
    timm = pytest.importorskip("timm", reason="the extra timm is not installed")
    name = next(one for one in timm.list_models() if not timm.models.is_model_pretrained(one))
    with pytest.raises(UsageError, match=f"no weights for {name}: write timm:{name}:FILE"):
        load(name)


def test_weights_that_cannot_be_downloaded_say_how_else(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("timm", reason="the extra timm is not installed")

    def offline(*_: object, **__: object) -> str:
        raise OSError("Network is unreachable")

    monkeypatch.setattr("timm.models._hub.hf_hub_download", offline)
    with pytest.raises(ModelError, match=r"weights of test_vit .*unreachable.*write timm:test_vit:FILE"):
        load("test_vit")
