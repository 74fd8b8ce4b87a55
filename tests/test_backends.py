"""The whole way on every database, and with CLIP beside the built-in descriptor."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from provenance import Provenance


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
