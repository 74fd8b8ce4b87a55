"""Examples for few-shot prompts: drawn evenly, the same for the same seed, from the files people have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provenance.errors import InputError, NotFoundError, UsageError
from provenance.explain.examples import draw_examples

ROWS = [{"img0": f"{n}a.jpg", "img1": f"{n}b.jpg", "sents": [f"edit {n}", "other words"]} for n in range(30)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(ROWS))
    return path


def test_the_same_seed_draws_the_same_examples(file: Path) -> None:
    drawn = draw_examples(file, None, count=3, seed=7)
    assert drawn == draw_examples(file, None, count=3, seed=7)
    assert drawn != draw_examples(file, None, count=3, seed=8)
    original, edited, caption = drawn[0]
    number = caption.removeprefix("edit ")
    assert (original, edited) == (file.parent / f"{number}a.jpg", file.parent / f"{number}b.jpg")


def test_pictures_may_be_in_a_folder_of_their_own(file: Path, tmp_path: Path) -> None:
    [(original, *_)] = draw_examples(file, tmp_path / "images", count=1, seed=0)
    assert original.parent == tmp_path / "images"


def test_a_csv_will_do(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("original,edited,caption\na.jpg,b.jpg,add a cat\n,c.jpg,no original\n", "utf-8")
    assert draw_examples(path, None, count=1, seed=0) == [
        (tmp_path / "a.jpg", tmp_path / "b.jpg", "add a cat")
    ]


def test_none_are_drawn_unless_asked_for() -> None:
    assert draw_examples(None, None, count=0, seed=0) == []


def test_mistakes_are_named(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="examples_file"):
        draw_examples(None, None, count=3, seed=0)
    with pytest.raises(NotFoundError, match="examples_file"):
        draw_examples(tmp_path / "none.json", None, count=3, seed=0)
    with pytest.raises(InputError, match="has 30 annotated pairs, 31"):
        draw_examples(file, None, count=31, seed=0)
    for content in ("{}", "[1, 2]", "not JSON", '[{"img0": "a"}]'):
        file.write_text(content)
        with pytest.raises(InputError, match="img0, img1 and sents"):
            draw_examples(file, None, count=1, seed=0)
