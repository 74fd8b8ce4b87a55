"""The public surface, the exception tree, and what importing costs."""

from __future__ import annotations

import inspect
import subprocess
import sys
import time

import pytest

import provenance
from provenance import errors


def test_every_public_name_can_be_imported() -> None:
    for name in provenance.__all__:
        assert getattr(provenance, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        provenance.nothing  # noqa: B018


HEAVY = {
    "torch", "faiss", "cv2", "onnxruntime", "transformers", "open_clip", "sqlalchemy", "scipy", "rapidocr",
}  # fmt: skip


@pytest.mark.parametrize("module", ["provenance", "provenance.pipeline", "cli"])
def test_importing_loads_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert module in loaded
    assert not HEAVY & loaded


def test_importing_is_quick() -> None:
    def once() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import provenance"], check=True)
        return time.perf_counter() - started

    def bare() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        return time.perf_counter() - started

    assert min(once() for _ in range(3)) - min(bare() for _ in range(3)) < 0.3


def _exceptions() -> list[type[errors.ProvenanceError]]:
    return [
        member
        for _, member in inspect.getmembers(errors, inspect.isclass)
        if issubclass(member, errors.ProvenanceError)
    ]


@pytest.mark.parametrize("kind", _exceptions(), ids=lambda kind: kind.__name__)
def test_every_error_is_drawn_in_the_tree_with_its_codes(kind: type[errors.ProvenanceError]) -> None:
    line = next(line for line in (errors.__doc__ or "").splitlines() if f" {kind.__name__} " in f" {line} ")
    assert f" {kind.exit_code} " in f"{line} "
    assert f"HTTP {kind.http_status}" in line


def test_a_missing_extra_names_the_cure() -> None:
    assert "pip install 'provenance[clip]'" in str(errors.MissingExtraError("CLIP", "clip"))
