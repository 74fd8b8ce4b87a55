"""A captioner over a data set: resumable, cached by content, honest about what failed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from provenance import Provenance
from provenance.errors import DatabaseError, ModelError
from provenance.evaluate.captions.datasets import read_dataset
from provenance.evaluate.captions.running import caption_pairs, identity
from provenance.evaluate.captions.store import AnswerStore, StoredAnswer, answer_key
from tests.explain.models.openai_server import serve, status

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, photos: list[Path]) -> Path:
    """Five pairs of small photos: grey, boxed, unchanged and boxed ones; the captions of what was done."""
    folder = tmp_path_factory.mktemp("data")
    rows = ["before,after,caption"]
    for number, photo in enumerate(photos[:5]):
        picture = Image.open(photo).convert("RGB")
        picture.thumbnail((320, 320))
        edited = picture.convert("L").convert("RGB") if number == 0 else picture.copy()
        if number not in (0, 2):
            ImageDraw.Draw(edited).rectangle((60, 60, 140, 130), fill=(255, 0, 0))
        picture.save(folder / f"{number}.png")
        edited.save(folder / f"{number}_2.png")
        rows.append(f"{number}.png,{number}_2.png,{'no change was made' if number == 2 else 'add a red box'}")
    (folder / "pairs.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Provenance]:
    with Provenance(tmp_path / "home") as library:
        yield library


def count(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM answer").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def run(data: Path, home: Path, *more: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cli", "evaluate", "run", "--dataset", f"csv:{data}", *map(str, more)]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PROVENANCE_HOME": str(home)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_answers_are_kept_by_content(data: Path, library: Provenance, tmp_path: Path) -> None:
    pairs = read_dataset(f"csv:{data}")[:3]
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        first = caption_pairs(library, pairs, store, workers=2)
        assert (len(first.answers), first.known, first.failures) == (3, 0, {})
        assert list(first.answers) == [pair.id for pair in pairs]
        captions = [one.caption for one in first.answers.values()]
        assert "black and white" in captions[0]
        assert [one.verdict for one in first.answers.values()] == ["modified", "modified", "identical"]
        # The same pixels in another file are the same pair; other pixels are not.
        Image.open(pairs[0].after or "").save(tmp_path / "copy.webp", lossless=True)
        Image.open(pairs[0].after or "").rotate(90).save(tmp_path / "other.png")
        (tmp_path / "pairs.csv").write_text(
            f"before,after\n{pairs[0].before},copy.webp\n{pairs[0].before},other.png\n"
        )
        again = caption_pairs(library, read_dataset(f"csv:{tmp_path}"), store)
        assert again.known == 1
        assert again.answers["copy.webp"] == first.answers[pairs[0].id]
        assert caption_pairs(library, pairs, store, fresh=True).known == 0


def test_other_settings_are_other_answers(data: Path, tmp_path: Path) -> None:
    pairs = read_dataset(f"csv:{data}")[2:3]
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        for side, known in ((640, 0), (640, 1), (512, 0)):
            with Provenance(tmp_path / "home", compare={"side_px": side}) as library:
                assert caption_pairs(library, pairs, store).known == known


def test_new_weights_in_a_model_folder_are_asked_anew(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_text("one")
    with Provenance(tmp_path / "home", explain={"captioner": f"some:{model}"}) as library:
        first = identity(library)
        assert identity(library) == first
        (model / "weights").write_text("other")
        assert identity(library) != first
    with Provenance(
        tmp_path / "home", explain={"captioner": f"some:{model}", "prompt": {"text": "2"}}
    ) as library:
        assert identity(library)["explain"] != first["explain"]


def test_a_broken_picture_fails_its_pair_and_no_other(
    data: Path, library: Provenance, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "pairs.csv").write_text(
        f"before,after\nbroken.png,broken.png\n{data / '2.png'},{data / '2_2.png'}\n"
    )
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        result = caption_pairs(library, read_dataset(f"csv:{tmp_path}"), store)
    assert list(result.failures) == ["broken.png"]
    assert list(result.answers) == [str(data / "2_2.png")]


def test_a_model_that_cannot_answer_ends_the_run_and_loses_nothing(
    data: Path, library: Provenance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = read_dataset(f"csv:{data}")[:3]
    explain = library.explain

    def fails_at_the_last(before: Path, after: Path) -> object:
        if after == pairs[2].after:
            raise ModelError("the server is gone")
        return explain(before, after)

    monkeypatch.setattr(library, "explain", fails_at_the_last)
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        with pytest.raises(ModelError, match="the server is gone"):
            caption_pairs(library, pairs, store)
        monkeypatch.undo()
        assert caption_pairs(library, pairs, store).known == 2


def test_an_answer_that_a_server_failed_to_give_is_asked_for_again(data: Path, tmp_path: Path) -> None:
    pairs = read_dataset(f"csv:{data}")[:2]
    with serve(faults=[status(500)] * 2) as server, AnswerStore(tmp_path / "answers.sqlite") as store:
        explain = {"captioner": f"openai:{server.url}", "server": {"tries": 1}}
        with Provenance(tmp_path / "home", explain=explain) as library:
            captions = [one.caption for one in caption_pairs(library, pairs, store).answers.values()]
            assert all(captions)  # what was measured
            assert caption_pairs(library, pairs, store).known == 0
            assert caption_pairs(library, pairs, store).known == 2


def test_a_model_that_is_not_checked_is_asked_about_every_pair(tmp_path: Path, photos: list[Path]) -> None:
    for name, photo in zip(("0.png", "0_2.png"), photos[:2], strict=True):
        Image.open(photo).convert("RGB").resize((160, 120)).save(tmp_path / name)
    (tmp_path / "pairs.csv").write_text("before,after,caption\n0.png,0_2.png,all of it was changed")
    pairs = read_dataset(f"csv:{tmp_path}")
    for checked, caption in ((True, ""), (False, "Everything was changed.")):
        with (
            serve(answer=lambda body: "Everything was changed.") as server,
            AnswerStore(tmp_path / f"{checked}.sqlite") as store,
        ):
            explain = {"captioner": f"openai:{server.url}", "guard": {"claims": checked}}
            with Provenance(tmp_path / "home", explain=explain) as library:
                [answer] = caption_pairs(library, pairs, store).answers.values()
            assert answer.caption == caption


def test_a_killed_run_goes_on_where_it_was(data: Path, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "answers.json"
    process = run(data, home, "--out", out)
    store = home / "answers.sqlite"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if store.is_file() and count(store) >= 1:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.02)
    process.wait()
    done = count(store)
    assert 1 <= done <= 5
    assert out.exists() == (process.returncode == 0)
    second = run(data, home, "--out", out)
    printed, errors = second.communicate()
    assert second.returncode == 0, errors
    assert f"5 captions, {done} of them known before" in printed
    rows = json.loads(out.read_text())
    assert [row["image_id"] for row in rows] == [f"{number}_2.png" for number in range(5)]
    assert {row["captioner"] for row in rows} == {"measured"}


def test_a_store_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_text("no database, but long enough to be read as one" * 40)
    with pytest.raises(DatabaseError, match="cannot keep answers there"):
        AnswerStore(tmp_path / "answers.sqlite")


def test_keys_tell_order_and_options_apart(tmp_path: Path) -> None:
    keys = {
        answer_key("a", "b", {"prompt": "1"}),
        answer_key("b", "a", {"prompt": "1"}),
        answer_key("a", "b", {"prompt": "2"}),
        answer_key("ab", "", {"prompt": "1"}),
    }
    assert len(keys) == 4
    with AnswerStore(tmp_path / "new" / "answers.sqlite") as store:
        store.put("k", StoredAnswer("old", "x", "modified"))
        store.put("k", StoredAnswer("new", "x", "modified"))
        assert store.get("k") == StoredAnswer("new", "x", "modified")
        assert store.get("other") is None
