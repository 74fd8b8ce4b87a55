"""The whole way on every database, with CLIP beside the copy descriptor, and with another copy descriptor."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from provenance import Provenance
from provenance.describe.copy_descriptor import MODEL_FILE, VERSION
from provenance.errors import ModelError


def gray_copy(photo: Path) -> bytes:
    buffer = io.BytesIO()
    Image.open(photo).convert("L").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def test_ingest_check_and_withdraw_on_each_database(
    database_url: str, tmp_path: Path, photos: list[Path]
) -> None:
    with Provenance(tmp_path / "home", db={"url": database_url}) as library:
        assert library.ingest(photos[:4]).added == 4
        assert library.ingest(photos[:5]).unchanged == 4
        report = library.check(gray_copy(photos[2]))
        assert report.match is not None
        assert Path(report.match.reference.path).name == photos[2].name
        library.database.withdraw(report.match.reference.reference_id)
        assert library.check(gray_copy(photos[2])).verdict == "no_match"
        assert library.problems() == []


@pytest.mark.clip
def test_clip_may_come_later_and_then_ranks_too(tmp_path: Path, photos: list[Path]) -> None:
    open_clip = pytest.importorskip("open_clip", reason="the extra clip is not installed")
    import torch
    from safetensors.torch import save_file

    config = tmp_path / "ViT-tiny-pipeline.json"
    vision = {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}
    text = {"context_length": 16, "vocab_size": 512, "width": 32, "heads": 2, "layers": 1}
    config.write_text(json.dumps({"embed_dim": 32, "vision_cfg": vision, "text_cfg": text}))
    open_clip.add_model_config(config)
    torch.manual_seed(0)
    save_file(open_clip.create_model("ViT-tiny-pipeline").state_dict(), tmp_path / "weights.safetensors")

    home = tmp_path / "home"
    with Provenance(home) as plain:
        plain.ingest(photos[:4])
    spec = f"ViT-tiny-pipeline:{tmp_path / 'weights.safetensors'}"
    with Provenance(home, describe={"clip": spec}) as with_clip:
        summary = with_clip.ingest(photos[:5])
        assert (summary.added, summary.unchanged) == (1, 4)
        counts = with_clip.database.stats().descriptors
        assert {name.split()[0]: count for name, count in counts.items()} == {
            "phash": 5, "copy": 5, "local": 5, "clip": 5,
        }  # fmt: skip
    with Provenance(home) as later:  # the database remembers its CLIP
        report = later.check(gray_copy(photos[3]))
        assert report.match is not None
        assert Path(report.match.reference.path).name == photos[3].name
        assert "clip" in report.versions
        assert later.problems() == []


def test_another_copy_model_is_taken_up_and_remembered(
    tmp_path: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The built-in network as a file stands for SSCD: `check` uses what the last `ingest` used."""
    home, model = tmp_path / "home", tmp_path / "network.onnx"
    model.write_bytes(MODEL_FILE.read_bytes())
    with Provenance(home) as plain:
        plain.ingest(photos[:3])
        builtin = plain.describer.versions["copy"]
    monkeypatch.chdir(tmp_path)
    with Provenance(home, describe={"copy_model": "onnx:network.onnx,side=288"}) as changed:
        summary = changed.ingest(photos[:4])
        assert (summary.added, summary.unchanged) == (1, 3)
    monkeypatch.chdir(tmp_path.parent)
    with Provenance(home) as later:
        report = later.check(gray_copy(photos[2]))
        assert report.match is not None
        assert Path(report.match.reference.path).name == photos[2].name
        assert report.versions["copy"].startswith("onnx@")
        assert later.problems() == []
        counts = later.database.stats().descriptors
        assert (counts[f"copy {report.versions['copy']}"], counts[f"copy {builtin}"]) == (4, 3)
    with Provenance(home, describe={"copy_model": "builtin"}) as back:
        assert any("lack the descriptor 'copy'" in problem for problem in back.problems())
        back.ingest(photos[:4])
        assert back.describer.versions["copy"] == builtin
        assert back.problems() == []


def test_a_model_that_cannot_be_loaded_becomes_no_habit(tmp_path: Path, photos: list[Path]) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_text("<html>not found</html>")
    with (
        Provenance(tmp_path / "home", describe={"copy_model": f"onnx:{bad}"}) as library,
        pytest.raises(ModelError, match=r"bad\.onnx"),
    ):
        library.ingest(photos[:1])
    with Provenance(tmp_path / "home") as library:
        assert library.ingest(photos[:1]).added == 1
        assert library.describer.versions["copy"] == VERSION
