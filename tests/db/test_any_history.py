"""Whatever files come, change, move, vanish and come back: a dictionary of paths says what must be true."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.db import Database
from provenance.errors import NotFoundError
from tests.db.pictures import VERSIONS, file_of, picture, sha256_of

PATHS = ["/a.jpg", "/b.jpg", "/c.jpg", "/d.jpg"]

_path = st.sampled_from(PATHS)
_content = st.integers(1, 5)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.lists(st.tuples(_path, _content), min_size=1, max_size=4)),
        st.tuples(st.just("delete"), st.lists(_path, min_size=1, max_size=2)),
        st.tuples(st.just("withdraw"), _content),
        st.tuples(st.just("restore"), _content),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty SQLite file at the newest schema, to copy."""
    file = tmp_path_factory.mktemp("empty") / "empty.sqlite"
    database = Database(f"sqlite:///{file}")
    database.upgrade()
    database.close()
    yield file


def write_files(database: Database, written: list[tuple[str, int]]) -> None:
    """What an ingest does: new contents are added, known ones linked."""
    ids = database.reference_ids([sha256_of(content) for _, content in written])
    new = [picture(content, path) for path, content in written if sha256_of(content) not in ids]
    ids |= dict(zip([one.image.sha256 for one in new], database.add_references(new, VERSIONS), strict=True))
    database.link_files([file_of(content, ids[sha256_of(content)], path) for path, content in written])


@given(steps=_steps)
@settings(max_examples=40, deadline=None)
def test_paths_and_statuses_follow_the_files(empty: Path, steps: list[tuple[str, list]]) -> None:
    files: dict[str, int] = {}
    withdrawn: set[int] = set()
    stored: set[int] = set()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(empty, Path(folder) / "copy.sqlite")
        database = Database(f"sqlite:///{folder}/copy.sqlite")
        for action, what in steps:
            if action == "write":
                write_files(database, what)
                files |= dict(what)
                stored |= {content for _, content in what}
            elif action == "delete":
                database.unlink_files(what)
                files = {path: content for path, content in files.items() if path not in what}
            else:
                change = database.withdraw if action == "withdraw" else database.restore
                try:
                    change(database.find(sha256_of(what)).reference_id)
                except NotFoundError:
                    assert what not in stored
                    continue
                (withdrawn.add if action == "withdraw" else withdrawn.discard)(what)
            check(database, files, withdrawn, stored)
        database.close()


def check(database: Database, files: dict[str, int], withdrawn: set[int], stored: set[int]) -> None:
    known = database.known_files(PATHS)
    assert {path: file.sha256 for path, file in known.items()} == {
        path: sha256_of(content) for path, content in files.items()
    }
    for content in stored:
        record = database.find(sha256_of(content))
        own = {path for path, one in files.items() if one == content}
        assert (record.status == "withdrawn") == (content in withdrawn)
        if own:
            assert record.status != "superseded", "a file shows it"
            assert {record.path, *record.other_paths} == own
    assert database.problems(VERSIONS) == []
    active = {record.sha256 for record in database.references(database.active_ids().tolist()).values()}
    assert active >= {sha256_of(content) for content in set(files.values()) - withdrawn}
