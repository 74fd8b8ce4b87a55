"""TorchScript files: traced and scripted small networks, and what is said of files that are none."""

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

pytestmark = [pytest.mark.clip, pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")]


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_the_message_says_what_to_install() -> None:
    code = "from provenance.describe import Describer; Describer(copy_model='torchscript:m.pt')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtraError" in found.stderr
    assert "pip install 'provenance[torch]'" in found.stderr


def network(seed: int = 0, *layers: Any) -> Any:
    """A small convolutional network, as SSCD's: float [n, 3, h, w] to [n, 8]."""
    torch = pytest.importorskip("torch", reason="the extra torch is not installed")
    torch.manual_seed(seed)
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=4),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        *(layers or (nn.AdaptiveAvgPool2d(1), nn.Flatten())),
    ).eval()


def save(path: Path, model: Any, *, side: int = 64) -> None:
    """Trace a network for one picture and save it."""
    import torch

    torch.jit.save(torch.jit.trace(model, torch.zeros(1, 3, side, side)), str(path))


def load(spec: str) -> Any:
    pytest.importorskip("torch", reason="the extra torch is not installed")
    from provenance.describe.torchscript_file import TorchScriptEmbedder

    return TorchScriptEmbedder(spec, device="cpu")


class TestSquare(FileEmbedderContract):
    suffix = ".torchscript.pt"
    options = ""

    def save(self, path: Path, seed: int) -> None:
        save(path, network(seed))

    def load(self, path: Path) -> Any:
        return load(f"{path}{self.options}")


class TestShortSide(TestSquare):
    options = ",fit=short"


def test_vectors_are_those_of_the_network_on_normalised_pictures(tmp_path: Path) -> None:
    model = network()
    import torch
    from torchvision.transforms.v2.functional import normalize

    save(tmp_path / "m.pt", model)
    picture = scene(1, width=288, height=288)
    image = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(
            model(normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        )
    embedder = load(str(tmp_path / "m.pt"))
    np.testing.assert_allclose(embedder.embed([picture]), expected.numpy(), atol=1e-5)
    assert embedder.version.endswith(",side=288,mean=imagenet,fit=square")


def test_plain_weights_say_where_they_belong(tmp_path: Path) -> None:
    model = network()
    import torch

    torch.save(model.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(ModelError, match=r"cannot be loaded as TorchScript.*plain weights as timm:NAME:FILE"):
        load(str(tmp_path / "weights.pt"))


def test_a_network_for_one_size_says_how_to_give_it(tmp_path: Path) -> None:
    network()
    import torch

    nn = torch.nn
    save(tmp_path / "m.pt", network(0, nn.Flatten(), nn.Linear(8 * 15 * 15, 4)))
    with pytest.raises(ModelError, match=r"does not run on pictures with side=288.*write the side"):
        load(str(tmp_path / "m.pt"))
    assert load(f"{tmp_path / 'm.pt'},side=64").dimension == 4
    with pytest.raises(ModelError, match="fit=square"):
        load(f"{tmp_path / 'm.pt'},side=64,fit=short")


def test_a_network_that_gives_no_vector_is_refused(tmp_path: Path) -> None:
    network()
    import torch

    save(tmp_path / "map.pt", network(0, torch.nn.Identity()))
    with pytest.raises(ModelError, match="instead of one vector each"):
        load(str(tmp_path / "map.pt"))
    with pytest.raises(UsageError, match="no option 'sid'"):
        load(f"{tmp_path / 'map.pt'},sid=3")
