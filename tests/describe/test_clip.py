"""CLIP: real checkpoints of a tiny model, and what is said when weights or names are wrong."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from provenance.errors import ModelError, UsageError
from tests.contracts.embedder_contract import EmbedderContract
from tests.describe.pictures import decoded, scene

MODEL = "ViT-tiny-test"
CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 512, "width": 32, "heads": 2, "layers": 1},
}


@pytest.mark.skipif(importlib.util.find_spec("open_clip") is not None, reason="the clip extra is installed")
def test_without_the_extra_the_message_says_what_to_install() -> None:
    code = "from provenance.describe import Describer; Describer(clip='ViT-B-32:openai')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtraError" in found.stderr
    assert "pip install 'provenance[clip]'" in found.stderr


@pytest.fixture(scope="module")
def clip() -> Any:
    """The module under test, skipped where the extra is missing."""
    pytest.importorskip("open_clip")
    import provenance.describe.clip

    return provenance.describe.clip


@pytest.fixture(scope="module")
def checkpoint(clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a tiny model that open_clip knows by name, as safetensors."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("clip")
    config = folder / f"{MODEL}.json"
    config.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(config)
    torch.manual_seed(0)
    save_file(open_clip.create_model(MODEL).state_dict(), folder / "weights.safetensors")
    return folder / "weights.safetensors"


@pytest.mark.clip
class TestContract(EmbedderContract):
    name = "clip"

    @pytest.fixture
    def embedder(self, clip: Any, checkpoint: Path) -> Any:
        return clip.ClipEmbedder(f"{MODEL}:{checkpoint}", device="cpu")


@pytest.mark.clip
def test_it_may_make_the_copy_descriptor(clip: Any, checkpoint: Path) -> None:
    from provenance.describe import Describer

    spec = f"{MODEL}:{checkpoint}"
    describer = Describer(copy_model=f"open_clip:{spec}", keypoints=100, query_keypoints=100)
    assert describer.versions["copy"] == clip.ClipEmbedder(spec, device="cpu").version
    (reference,) = describer.describe([decoded(scene(1))])
    assert {name: vector.shape for name, vector in reference.embeddings.items()} == {"copy": (32,)}


@pytest.mark.clip
def test_vectors_are_those_of_open_clip(clip: Any, checkpoint: Path) -> None:
    import open_clip
    import torch

    embedder = clip.ClipEmbedder(f"{MODEL}:{checkpoint}", device="cpu")
    pictures = [scene(1), scene(2, width=90, height=200)]
    vectors = embedder.embed(pictures)
    assert vectors.shape == (2, 32) == (2, embedder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    model, _, preprocess = open_clip.create_model_and_transforms(MODEL, pretrained=str(checkpoint))
    with torch.inference_mode():
        images = torch.stack([preprocess(Image.fromarray(picture)) for picture in pictures])
        expected = model.eval().encode_image(images, normalize=True)
    np.testing.assert_allclose(vectors, expected.numpy(), atol=1e-5)


@pytest.mark.clip
def test_many_pictures_give_what_each_gives_alone(clip: Any, checkpoint: Path) -> None:
    embedder = clip.ClipEmbedder(f"{MODEL}:{checkpoint}", device="cpu")
    pictures = [scene(seed, width=80, height=60) for seed in range(clip.BATCH + 3)]
    together = embedder.embed(pictures)
    alone = np.concatenate([embedder.embed([picture]) for picture in pictures])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert embedder.embed([]).shape == (0, 32)


@pytest.mark.clip
def test_the_version_follows_the_weights_and_not_their_place(
    clip: Any, checkpoint: Path, tmp_path: Path
) -> None:
    import open_clip
    import torch

    version = clip.ClipEmbedder(f"{MODEL}:{checkpoint}", device="cpu").version
    copy = tmp_path / checkpoint.name
    copy.write_bytes(checkpoint.read_bytes())
    assert clip.ClipEmbedder(f"{MODEL}:{copy}", device="cpu").version == version
    other = tmp_path / "other.pt"
    torch.save(open_clip.create_model(MODEL).state_dict(), other)
    assert clip.ClipEmbedder(f"{MODEL}:{other}", device="cpu").version != version


@pytest.mark.clip
def test_both_descriptors_are_made_when_clip_is_asked_for(clip: Any, checkpoint: Path) -> None:
    from provenance.describe import Describer

    describer = Describer(clip=f"{MODEL}:{checkpoint}", keypoints=100, query_keypoints=100)
    query, (reference,) = describer.embed_query(decoded(scene(1))), describer.describe([decoded(scene(1))])
    assert set(describer.versions) == {"phash", "copy", "clip", "local"}
    assert set(reference.embeddings) == {"copy", "clip"} == set(query)
    for name, vector in reference.embeddings.items():
        assert query[name][0] @ vector == pytest.approx(1, abs=1e-4)


@pytest.mark.clip
@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "another model"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_weights_that_cannot_be_used_are_named(
    clip: Any, checkpoint: Path, tmp_path: Path, damage: str, suffix: str
) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    bad = tmp_path / f"bad{suffix}"
    save = save_file if suffix == ".safetensors" else torch.save
    weights = load_file(checkpoint)
    if damage == "another model":
        weights["visual.proj"] = torch.zeros(8, 8)
    save(weights, bad)
    if damage == "truncated":
        bad.write_bytes(bad.read_bytes()[:5000])
    elif damage == "text":
        bad.write_text("<html>not found</html>")
    elif damage == "empty":
        bad.write_bytes(b"")
    with pytest.raises(ModelError, match=rf"bad\{suffix}.*cannot be loaded as {MODEL}.*undamaged"):
        clip.ClipEmbedder(f"{MODEL}:{bad}", device="cpu")


@pytest.mark.clip
def test_a_missing_file_is_named(clip: Any, checkpoint: Path) -> None:
    with pytest.raises(ModelError, match=r"no weights file .*nowhere\.pt"):
        clip.ClipEmbedder(f"{MODEL}:./nowhere.pt")


@pytest.mark.clip
@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("ViT-B32:openai", "no model 'ViT-B32'; nearest: .*ViT-B-32"),
        ("ViT-B-32:laion2b_s34b_b79", "no weights 'laion2b_s34b_b79'.*nearest: laion2b_s34b_b79k"),
        ("ViT-B-32", "names no weights: write ViT-B-32:TAG"),
        ("ViT-B-32:", "names no weights: write ViT-B-32:TAG"),
        ("", "no model ''"),
    ],
)
def test_wrong_names_list_the_nearest(clip: Any, spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        clip.ClipEmbedder(spec)


@pytest.mark.clip
def test_weights_that_cannot_be_downloaded_say_how_else(clip: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> str:
        raise OSError("Network is unreachable")

    monkeypatch.setattr("open_clip.factory.download_pretrained", offline)
    with pytest.raises(ModelError, match=r"laion2b_s34b_b79k.*unreachable.*write ViT-B-32:FILE"):
        clip.ClipEmbedder("ViT-B-32:laion2b_s34b_b79k", device="cpu")


@pytest.mark.clip
def test_texts_lie_among_the_pictures(clip: Any, tmp_path: Path) -> None:
    import open_clip
    import torch
    from safetensors.torch import save_file

    from provenance.describe import Describer
    from provenance.errors import NotConfiguredError

    config = tmp_path / "ViT-tiny-words.json"
    # open_clip's own tokenizer, whose words are in the package, has 49,408.
    words = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    config.write_text(json.dumps({**CONFIG, "text_cfg": words}))
    open_clip.add_model_config(config)
    torch.manual_seed(0)
    save_file(open_clip.create_model("ViT-tiny-words").state_dict(), tmp_path / "weights.safetensors")
    spec = f"ViT-tiny-words:{tmp_path / 'weights.safetensors'}"
    describer = Describer(clip=spec, keypoints=100, query_keypoints=100)
    castle, sheep = describer.embed_text("a castle"), describer.embed_text("two sheep " * 200)
    assert castle.shape == sheep.shape == (32,)
    assert np.isclose(np.linalg.norm([castle, sheep], axis=1), 1, atol=1e-5).all()
    assert castle @ sheep < 0.999
    assert np.array_equal(castle, describer.embed_text("a castle"))
    with pytest.raises(NotConfiguredError, match="--clip"):
        Describer().embed_text("a castle")
