"""The indexes follow the database: at once, over restarts, and after damage."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.keypoints import KeypointIndex
from provenance.db import Database
from provenance.describe import in_forms
from provenance.describe.keypoints import mirrored, negated
from provenance.records import LocalFeatures
from provenance.search import Searcher
from tests.db.pictures import VERSIONS, some_description
from tests.search.made_up import SIZE, keypoints, reference, resaved

COUNT = 6


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Six made-up pictures, number n under id n."""
    database = Database(f"sqlite:///{tmp_path / 'provenance.sqlite'}")
    database.upgrade()
    ids = database.add_references([reference(number) for number in range(1, COUNT + 1)], VERSIONS)
    assert ids == list(range(1, COUNT + 1))
    yield database
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the indexes are saved."""
    return tmp_path / "index"


@pytest.fixture
def searcher(database: Database, folder: Path) -> Searcher:
    """Over these pictures."""
    return Searcher(database, folder, VERSIONS)


def seen(searcher: Searcher, number: int) -> dict[str, bool]:
    """Which searches with a picture's own descriptors return it."""
    described = some_description(number)
    return {
        "by_hash": number in searcher.by_hash(described.phash[None], 100),
        "by_embedding": number in searcher.by_embedding("copy", described.embeddings["copy"][None], 100),
        "by_keypoints": number in searcher.by_keypoints({"upright": keypoints(number)}, SIZE),
    }


NOWHERE = {"by_hash": False, "by_embedding": False, "by_keypoints": False}
EVERYWHERE = dict.fromkeys(NOWHERE, True)


# ---------------------------------------------------------------- in step


def test_each_picture_is_the_nearest_to_its_own_descriptors(searcher: Searcher) -> None:
    for number in range(1, COUNT + 1):
        described = some_description(number)
        assert searcher.by_hash(described.phash[None], 1) == {number: 0.0}
        assert searcher.by_embedding("copy", described.embeddings["copy"][None], 1) == {
            number: pytest.approx(1.0)
        }
        votes = searcher.by_keypoints({"upright": keypoints(number)}, SIZE)
        assert max(votes, key=lambda one: votes[one][0].weight) == number
        assert votes[number][0].matches > 50


def test_a_withdrawn_picture_is_in_no_answer_from_the_next_call_on(
    database: Database, searcher: Searcher
) -> None:
    assert seen(searcher, 3) == EVERYWHERE
    database.withdraw(3)
    assert seen(searcher, 3) == NOWHERE
    assert seen(searcher, 4) == EVERYWHERE
    database.restore(3)
    assert seen(searcher, 3) == EVERYWHERE


@pytest.mark.parametrize("first", list(NOWHERE))
def test_whichever_search_comes_first_after_a_withdrawal_knows_of_it(
    database: Database, searcher: Searcher, first: str
) -> None:
    searcher.sync()
    database.withdraw(2)
    described = some_description(2)
    answers = {
        "by_hash": lambda: searcher.by_hash(described.phash[None], 100),
        "by_embedding": lambda: searcher.by_embedding("copy", described.embeddings["copy"][None], 100),
        "by_keypoints": lambda: searcher.by_keypoints({"upright": keypoints(2)}, SIZE),
    }
    assert 2 not in answers[first]()


def test_a_new_picture_is_found_by_the_next_call(database: Database, searcher: Searcher) -> None:
    assert seen(searcher, COUNT + 1) == NOWHERE
    assert database.add_references([reference(COUNT + 1)], VERSIONS) == [COUNT + 1]
    assert seen(searcher, COUNT + 1) == EVERYWHERE


def test_a_change_by_another_process_is_seen(database: Database, searcher: Searcher, tmp_path: Path) -> None:
    assert seen(searcher, 5) == EVERYWHERE
    other = Database(f"sqlite:///{tmp_path / 'provenance.sqlite'}")
    other.withdraw(5)
    other.close()
    assert seen(searcher, 5) == NOWHERE


def test_nothing_is_found_when_all_are_withdrawn(database: Database, searcher: Searcher) -> None:
    searcher.sync()
    for number in range(1, COUNT + 1):
        database.withdraw(number)
    assert all(seen(searcher, number) == NOWHERE for number in range(1, COUNT + 1))
    assert searcher.problems() == []


def test_an_empty_database_answers_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    database.upgrade()
    searcher = Searcher(database, tmp_path / "empty", VERSIONS)
    assert seen(searcher, 1) == NOWHERE
    assert searcher.near_hashes(1, 256) == []
    assert searcher.problems() == []
    database.close()


def test_pictures_without_keypoints_are_indexed_too(database: Database, searcher: Searcher) -> None:
    bare = COUNT + 1
    database.add_references([reference(bare, keypoints(bare, 0))], VERSIONS)
    assert seen(searcher, bare) == {**EVERYWHERE, "by_keypoints": False}
    assert searcher.problems() == []


# ---------------------------------------------------------------- keypoints in forms


@pytest.mark.parametrize("form", ["upright", "mirrored", "negative", "mirrored negative"])
def test_the_form_of_the_query_that_fits_gets_the_votes(searcher: Searcher, form: str) -> None:
    query: LocalFeatures = resaved(keypoints(2), 1)
    query = mirrored(query, SIZE[0]) if "mirrored" in form else query
    query = negated(query) if "negative" in form else query
    votes = searcher.by_keypoints(in_forms(query, SIZE[0]), SIZE)
    assert max(votes, key=lambda one: votes[one][0].weight) == 2
    assert votes[2][0].matches > 50
    assert votes[2][1] == form


def test_a_query_without_keypoints_gets_no_votes(searcher: Searcher) -> None:
    assert searcher.by_keypoints(in_forms(keypoints(1, 0), SIZE[0]), SIZE) == {}
    assert searcher.by_keypoints({}, SIZE) == {}


# ---------------------------------------------------------------- near hashes


def test_near_hashes_are_the_others_within_so_many_bits_nearest_first(
    database: Database, folder: Path
) -> None:
    own = some_description(1).phash
    numbers = {101: 12, 102: 3, 103: 32, 104: 31}
    new = []
    for number, bits in numbers.items():
        flipped = np.unpackbits(own)
        flipped[:bits] ^= 1
        one = reference(number)
        new.append(replace(one, description=replace(one.description, phash=np.packbits(flipped))))
    ids = dict(zip(numbers, database.add_references(new, VERSIONS), strict=True))
    searcher = Searcher(database, folder, VERSIONS)
    assert searcher.near_hashes(1, 31) == [ids[102], ids[101], ids[104]]
    assert searcher.near_hashes(1, 2) == []
    database.withdraw(ids[101])
    assert searcher.near_hashes(1, 31) == [ids[102], ids[104]]
    database.withdraw(1)
    assert searcher.near_hashes(1, 31) == []
    assert searcher.near_hashes(9999, 31) == []


# ---------------------------------------------------------------- saved indexes


def test_a_second_searcher_uses_what_the_first_saved(
    database: Database, searcher: Searcher, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searcher.sync()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert {path.parent.name for path in folder.rglob("manifest.json")} == set(VERSIONS)

    def made_again(*_: object) -> None:
        raise AssertionError("the saved index was not used")

    monkeypatch.setattr(database, "vectors", made_again)
    monkeypatch.setattr(database, "local_features", made_again)
    second = Searcher(database, folder, VERSIONS)
    assert seen(second, 1) == EVERYWHERE
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_second_searcher_reads_only_what_is_new(
    database: Database, searcher: Searcher, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searcher.sync()
    database.withdraw(1)
    database.add_references([reference(COUNT + 1)], VERSIONS)
    read: list[int] = []
    stored = database.local_features
    monkeypatch.setattr(
        database, "local_features", lambda ids, version: (read.extend(ids), stored(ids, version))[1]
    )
    second = Searcher(database, folder, VERSIONS)
    assert seen(second, COUNT + 1) == EVERYWHERE
    assert seen(second, 1) == NOWHERE
    assert read == [COUNT + 1]
    assert second.problems() == []


@pytest.mark.parametrize("name", list(VERSIONS))
@pytest.mark.parametrize("damage", ["truncated", "altered", "lost", "manifest"])
def test_a_damaged_index_is_named_and_made_again(
    database: Database, searcher: Searcher, folder: Path, name: str, damage: str
) -> None:
    searcher.sync()
    data = next((folder / name).glob("data-*"))
    whole = data.read_bytes()
    if damage == "truncated":
        data.write_bytes(whole[: len(whole) // 2])
    elif damage == "altered":
        data.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    elif damage == "lost":
        data.unlink()
    else:
        (folder / name / "manifest.json").write_text("{}")
    (found,) = searcher.problems()
    assert name in found
    assert "provenance db rebuild" in found
    second = Searcher(database, folder, VERSIONS)
    assert seen(second, 2) == EVERYWHERE
    assert second.problems() == []


def test_indexes_of_another_version_or_database_are_not_used(
    database: Database, searcher: Searcher, folder: Path, tmp_path: Path
) -> None:
    searcher.sync()
    newer = Searcher(database, folder, {**VERSIONS, "local": "2"})
    assert newer.by_keypoints({"upright": keypoints(1)}, SIZE) == {}
    assert any("local" in problem for problem in newer.problems())
    other = Database(f"sqlite:///{tmp_path / 'other.sqlite'}")
    other.upgrade()
    other.add_references([reference(77), reference(78)], VERSIONS)
    of_other = Searcher(other, folder, VERSIONS)
    votes = of_other.by_keypoints({"upright": keypoints(3)}, SIZE)
    assert max((one.matches for one, _ in votes.values()), default=0) < 12
    assert set(votes) <= {1, 2}
    assert of_other.problems() == []
    other.close()


def test_a_folder_that_cannot_be_written_does_not_stop_a_search(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    searcher = Searcher(database, tmp_path / "file", VERSIONS)
    assert seen(searcher, 1) == EVERYWHERE
    database.withdraw(1)
    assert seen(searcher, 1) == NOWHERE


# ---------------------------------------------------------------- problems and rebuild


def test_problems_are_none_in_step_and_name_the_index_that_is_behind(
    database: Database, searcher: Searcher
) -> None:
    searcher.sync()
    assert searcher.problems() == []
    database.withdraw(1)
    database.add_references([reference(COUNT + 1), reference(COUNT + 2)], VERSIONS)
    found = searcher.problems()
    for name in VERSIONS:
        assert any(f"index {name} is behind" in one for one in found)
        assert f"index {name}: 2 references missing, 1 too many" in found
    searcher.sync()
    assert searcher.problems() == []


def test_a_keypoint_index_that_lacks_a_picture_is_found_out_and_mended(
    database: Database, searcher: Searcher, folder: Path
) -> None:
    searcher.sync()
    descriptor = f"local {VERSIONS['local']} {KeypointIndex.descriptor}"
    saved, token = KeypointIndex.load(folder / "local", descriptor=descriptor)
    saved.remove(np.array([4]))
    saved.save(folder / "local", descriptor=descriptor, generation=token)
    assert searcher.problems() == ["index local: 1 references missing, 0 too many"]
    second = Searcher(database, folder, VERSIONS)
    assert seen(second, 4) == EVERYWHERE
    assert second.problems() == []


def test_rebuild_makes_all_indexes_anew(database: Database, searcher: Searcher, folder: Path) -> None:
    searcher.sync()
    for path in folder.rglob("data-*"):
        path.write_bytes(b"damaged")
    searcher.rebuild()
    assert searcher.problems() == []
    assert seen(Searcher(database, folder, VERSIONS), 6) == EVERYWHERE


def test_threads_that_search_while_pictures_are_withdrawn_see_no_half_of_it(
    database: Database, searcher: Searcher
) -> None:
    searcher.sync()
    wrong: list[object] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            votes = searcher.by_keypoints({"upright": keypoints(6)}, SIZE)
            if votes[6][0].matches < 50:
                wrong.append(votes)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in (1, 2, 3):
        database.withdraw(number)
        if seen(searcher, number) != NOWHERE:
            wrong.append(number)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
