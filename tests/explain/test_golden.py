"""The nine prompts and every layout, exactly as each model is sent them."""

from __future__ import annotations

import pytest

from tests.explain.golden import FOLDER, everything

GOLDEN = dict(everything())
PLAIN = ("any", "pictures-first", "one-picture", "openai", "openflamingo")


@pytest.mark.parametrize("name", GOLDEN)
def test_what_models_are_sent_is_what_was_looked_at(name: str) -> None:
    if name not in PLAIN:
        pytest.importorskip("transformers", reason="the extra vlm is not installed")
    assert GOLDEN[name]() == (FOLDER / f"{name}.txt").read_text("utf-8"), (
        "if the change is wanted: python -m tests.explain.golden, and look at the difference"
    )


def test_there_is_no_file_too_many() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(GOLDEN)
