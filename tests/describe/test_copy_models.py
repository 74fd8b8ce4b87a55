"""The door: which word names which back end, and that files mean the same from every folder."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from provenance.describe import Describer, anchored
from provenance.describe.backends import BACKENDS, copy_embedder
from provenance.describe.copy_descriptor import MODEL_FILE, VERSION
from provenance.errors import MissingExtraError, ModelError, UsageError
from tests.describe.pictures import decoded, scene


def test_the_builtin_is_the_default() -> None:
    assert copy_embedder().version == copy_embedder("builtin").version == VERSION == "lite0-levels-512/1"


def test_a_file_makes_the_copy_descriptor() -> None:
    """The built-in network as a file: the same vectors under another version."""
    named, builtin = Describer(copy_model=f"onnx:{MODEL_FILE}", threads=1), Describer(threads=1)
    assert named.versions["copy"].startswith("onnx@")
    assert named.versions["copy"] != builtin.versions["copy"]
    picture = decoded(scene(1))
    query, known = named.embed_query(picture), builtin.embed_query(picture)
    np.testing.assert_allclose(query["copy"], known["copy"], atol=1e-6)
    assert named.embed_windows(picture)["copy"].shape[1] == 512


@pytest.mark.parametrize("spec", ["", "sscd", "onnx", "onnx:", "builtin:x", "jax:m", "sscd.onnx"])
def test_other_words_say_what_may_be_written(spec: str) -> None:
    with pytest.raises(UsageError, match="names no copy model: write builtin, onnx:FILE, torchscript:FILE"):
        copy_embedder(spec)


@pytest.mark.parametrize("kind", sorted(BACKENDS))
def test_every_back_end_is_there_or_names_its_extra(kind: str) -> None:
    module, name = BACKENDS[kind].split(":")
    try:
        found = importlib.import_module(module)
    except MissingExtraError as error:
        assert f"provenance[{error.extra}]" in str(error)
    else:
        assert hasattr(found, name)


def test_files_are_meant_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    Path("m.onnx").touch()
    file = tmp_path / "m.onnx"
    assert anchored("onnx:m.onnx") == f"onnx:{file}" == anchored("onnx:~/m.onnx")
    assert anchored("onnx:./m.onnx,side=320,fit=short") == f"onnx:{file},side=320,fit=short"
    assert anchored("timm:resnet18:m.onnx") == f"timm:resnet18:{file}"
    assert anchored("open_clip:ViT-B-32:m.onnx") == f"open_clip:ViT-B-32:{file}"
    for same in (
        "builtin",
        "timm:resnet18",
        "open_clip:ViT-B-32:openai",
        "onnx:absent.onnx",
        "onnx:",
        "m.onnx",
    ):
        assert anchored(same) == same


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no weights file .*nowhere\.onnx"):
        Describer(copy_model=f"onnx:{tmp_path / 'nowhere.onnx'}")
