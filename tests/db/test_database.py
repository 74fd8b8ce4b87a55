"""What the database promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from provenance.db import Database
from provenance.db.migrate import HEAD
from provenance.errors import DatabaseError, NotFoundError, UsageError
from provenance.records import IngestSummary, KnownFile, SkippedFile
from tests.db.pictures import VERSIONS, file_of, picture, sha256_of, some_description


def status_of(database: Database, reference_id: int) -> str:
    return database.references([reference_id])[reference_id].status


# ---------------------------------------------------------------- adding


def test_a_stored_picture_comes_back_whole(database: Database) -> None:
    new = picture(1, source="Agency", title="A bird", credit="A. Photographer", license="CC0",
                  captured_at="2021-05-06T07:08:09")  # fmt: skip
    [reference_id] = database.add_references([new], VERSIONS)
    record = database.references([reference_id])[reference_id]
    assert (record.path, record.sha256, record.status) == ("/photos/1.jpg", sha256_of(1), "active")
    assert (record.pixel_sha256, record.byte_size) == (sha256_of(-1), 1001)
    assert (record.width, record.height, record.format) == (3000, 2000, "JPEG")
    assert (record.source, record.title, record.credit) == ("Agency", "A bird", "A. Photographer")
    assert (record.license, record.captured_at) == ("CC0", "2021-05-06T07:08:09")
    assert record.ingested_at is not None
    assert record.ingested_at.endswith("+00:00")
    assert record.other_paths == ()
    assert database.thumbnail(reference_id) == b"RIFF1"
    assert database.known_files(["/photos/1.jpg", "/photos/2.jpg"]) == {
        "/photos/1.jpg": KnownFile(
            "/photos/1.jpg", reference_id, sha256_of(1), 1001, 1_700_000_000_000_000_001
        )
    }


def test_descriptors_come_back_as_they_were_described(database: Database) -> None:
    numbers = [1, 2, 3]
    ids = database.add_references([picture(number) for number in numbers], VERSIONS)
    [(found, hashes)] = database.vectors("phash", "1", ids)
    assert found.tolist() == ids == sorted(ids)
    assert hashes.dtype == np.uint8
    [(_, vectors)] = database.vectors("copy", "1", ids)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    features = database.local_features(ids, "1")
    for place, number in enumerate(numbers):
        description = some_description(number)
        assert (hashes[place] == description.phash).all()
        np.testing.assert_allclose(vectors[place], description.embeddings["copy"], atol=1e-3)
        assert (features[ids[place]].points == description.local.points).all()
        assert (features[ids[place]].descriptors == description.local.descriptors).all()


def test_adding_the_same_content_twice_changes_nothing(database: Database) -> None:
    first = database.add_references([picture(1), picture(2)], VERSIONS)
    generation, digest = database.generation(), database.digest()
    assert database.add_references([picture(2), picture(1)], VERSIONS) == first[::-1]
    assert (database.generation(), database.digest()) == (generation, digest)


def test_the_same_content_twice_in_one_batch_is_one_reference(database: Database) -> None:
    ids = database.add_references([picture(1, "/a.jpg"), picture(1, "/b.jpg")], VERSIONS)
    assert ids[0] == ids[1]
    assert database.references(ids)[ids[0]].other_paths == ("/b.jpg",)


def test_an_error_amid_a_batch_leaves_nothing_half(database: Database) -> None:
    generation, digest = database.generation(), database.digest()
    lacking = replace(picture(3), description=replace(some_description(3), embeddings={}))
    with pytest.raises(DatabaseError, match="'copy'"):
        database.add_references([picture(1), picture(2), lacking], VERSIONS)
    assert database.stats().references == 0
    assert database.stats().files == 0
    assert database.stats().descriptors == {}
    assert (database.generation(), database.digest()) == (generation, digest)


def test_threads_adding_the_same_pictures_store_each_once(
    open_database: Callable[[], Database],
) -> None:
    databases, results = [open_database() for _ in range(3)], {}

    def add(which: int) -> None:
        order = list(range(12))[:: 1 if which % 2 else -1]
        for start in range(0, 12, 3):
            batch = order[start : start + 3]
            ids = databases[which % 3].add_references([picture(number) for number in batch], VERSIONS)
            results.setdefault(which, {}).update(zip(batch, ids, strict=True))

    threads = [threading.Thread(target=add, args=(which,)) for which in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(result == results[0] for result in results.values())
    assert databases[0].stats().references == 12
    assert databases[0].problems(VERSIONS) == []


# ---------------------------------------------------------------- files


def test_a_changed_file_supersedes_its_old_content(database: Database) -> None:
    [old] = database.add_references([picture(1, "/a.jpg")], VERSIONS)
    [new] = database.add_references([picture(2, "/a.jpg")], VERSIONS)
    assert (status_of(database, old), status_of(database, new)) == ("superseded", "active")
    assert database.active_ids().tolist() == [new]
    assert list(database.vectors("copy", "1", [old])) == []
    assert database.local_features([old], "1") == {}
    assert database.reference_by_sha256(sha256_of(1)) is None


def test_old_content_that_comes_back_is_active_again(database: Database) -> None:
    [old] = database.add_references([picture(1, "/a.jpg")], VERSIONS)
    [new] = database.add_references([picture(2, "/a.jpg")], VERSIONS)
    database.link_files([file_of(1, old, "/a.jpg")])
    assert (status_of(database, old), status_of(database, new)) == ("active", "superseded")


def test_content_with_another_file_survives_a_change(database: Database) -> None:
    [old] = database.add_references([picture(1, "/a.jpg")], VERSIONS)
    database.link_files([file_of(1, old, "/b.jpg")])
    database.add_references([picture(2, "/a.jpg")], VERSIONS)
    record = database.references([old])[old]
    assert (record.status, record.path, record.other_paths) == ("active", "/b.jpg", ())


def test_a_moved_file_takes_the_path_along(database: Database) -> None:
    [moved] = database.add_references([picture(1, "/old/a.jpg")], VERSIONS)
    generation = database.generation()
    database.link_files([file_of(1, moved, "/new/a.jpg")])
    database.unlink_files(["/old/a.jpg"])
    record = database.references([moved])[moved]
    assert (record.path, record.other_paths, record.status) == ("/new/a.jpg", (), "active")
    assert database.known_files(["/old/a.jpg"]) == {}
    assert database.generation() == generation, "nothing that is searched has changed"


def test_a_file_that_is_gone_leaves_its_reference_with_the_last_path(database: Database) -> None:
    [reference_id] = database.add_references([picture(1, "/a.jpg")], VERSIONS)
    database.unlink_files(["/a.jpg", "/never/seen.jpg"])
    record = database.references([reference_id])[reference_id]
    assert (record.path, record.status) == ("/a.jpg", "active")
    database.add_references([picture(2, "/a.jpg")], VERSIONS)
    assert status_of(database, reference_id) == "superseded", "other content has its path now"


def test_a_touched_file_is_known_by_its_new_time(database: Database) -> None:
    [reference_id] = database.add_references([picture(1)], VERSIONS)
    database.link_files([file_of(1, reference_id, mtime_ns=9)])
    assert database.known_files(["/photos/1.jpg"])["/photos/1.jpg"].mtime_ns == 9


def test_a_file_cannot_point_to_nothing(database: Database) -> None:
    with pytest.raises(DatabaseError, match="no reference 77"):
        database.link_files([file_of(1, 77)])
    assert database.stats().files == 0


@pytest.mark.parametrize(
    "path", ["/Füße/鳥 \U0001f426.jpg", "/new\nline\ttab.jpg", "/quote'\"%_\\.jpg", "/bytes-\udcff\udc80.jpg"]
)
def test_any_path_is_kept_to_the_letter(database: Database, path: str) -> None:
    [reference_id] = database.add_references([picture(1, path)], VERSIONS)
    assert database.known_files([path])[path].reference_id == reference_id
    assert database.find(path).path == path
    database.unlink_files([path])
    assert database.known_files([path]) == {}


def test_thousands_of_paths_can_be_asked_for_at_once(database: Database) -> None:
    ids = database.add_references([picture(number) for number in range(20)], VERSIONS)
    paths = [f"/photos/{number}.jpg" for number in range(10_000)]
    assert len(database.known_files(paths)) == 20
    assert len(database.reference_ids([sha256_of(number) for number in range(2_000)])) == 20
    assert sorted(database.references(range(5_000))) == sorted(ids)


# ---------------------------------------------------------------- withdrawing


def test_a_withdrawn_reference_stays_so_when_ingested_again(database: Database) -> None:
    [reference_id] = database.add_references([picture(1)], VERSIONS)
    database.withdraw(reference_id)
    assert database.active_ids().tolist() == []
    assert database.add_references([picture(1), picture(1, "/copy.jpg")], VERSIONS) == [reference_id] * 2
    database.link_files([file_of(1, reference_id)])
    assert status_of(database, reference_id) == "withdrawn"
    assert database.reference_by_pixel_sha256(sha256_of(-1)) is None
    database.restore(reference_id)
    assert database.active_ids().tolist() == [reference_id]
    assert database.reference_by_pixel_sha256(sha256_of(-1)) is not None


def test_withdrawing_an_unknown_id_names_it(database: Database) -> None:
    for call in (database.withdraw, database.restore, database.thumbnail):
        with pytest.raises(NotFoundError, match="no reference 5"):
            call(5)


def test_the_generation_grows_with_every_change_of_what_is_searched(database: Database) -> None:
    seen = [database.generation()]

    def grew() -> bool:
        seen.append(database.generation())
        return seen[-1] > seen[-2]

    [reference_id] = database.add_references([picture(1)], VERSIONS)
    assert grew()
    database.withdraw(reference_id)
    assert grew()
    database.withdraw(reference_id)
    database.set_meta("clip", "ViT-B-32:tag")
    database.update_details("/photos/1.jpg", title="new")
    assert not grew()
    database.restore(reference_id)
    assert grew()
    database.add_descriptors(reference_id, some_description(1, clip=True), VERSIONS | {"clip": "x"})
    assert grew()


# ---------------------------------------------------------------- details, descriptors, finding


def test_details_are_overwritten_only_where_given(database: Database) -> None:
    [reference_id] = database.add_references([picture(1, title="old", credit="kept")], VERSIONS)
    assert database.update_details("/photos/1.jpg", title="new", license="CC0")
    assert not database.update_details(reference_id, title="new")
    record = database.references([reference_id])[reference_id]
    assert (record.title, record.credit, record.license) == ("new", "kept", "CC0")
    with pytest.raises(NotFoundError, match="provenance ingest"):
        database.update_details("/other.jpg", title="new")


def test_a_descriptor_that_came_later_is_missed_and_added_once(database: Database) -> None:
    ids = database.add_references([picture(1), picture(2)], VERSIONS)
    wanted = VERSIONS | {"clip": "ViT-B-32:tag"}
    assert database.missing_descriptors(ids, VERSIONS) == set()
    assert database.missing_descriptors(ids, wanted) == set(ids)
    for _ in range(2):
        database.add_descriptors(ids[0], some_description(1, clip=True), wanted)
    assert database.missing_descriptors(ids, wanted) == {ids[1]}
    assert database.missing_descriptors(ids, VERSIONS | {"copy": "2"}) == set(ids)
    assert database.stats().descriptors["clip ViT-B-32:tag"] == 1


def test_a_reference_is_found_by_id_path_and_sha256(database: Database) -> None:
    first, second = database.add_references([picture(1), picture(2)], VERSIONS)
    assert database.find(str(first)).reference_id == first
    assert database.find("/photos/2.jpg").reference_id == second
    assert database.find(sha256_of(2)).reference_id == second
    assert database.find(sha256_of(2)[:8].upper()).reference_id == second
    for key in ("999", sha256_of(2)[:7], "/photos", "", "9" * 40):
        with pytest.raises(NotFoundError):
            database.find(key)


def test_an_ambiguous_beginning_asks_for_more(database: Database) -> None:
    twins = [
        replace(picture(number), image=replace(picture(number).image, sha256=f"abcdef12{number:056x}"))
        for number in (1, 2)
    ]
    database.add_references(twins, VERSIONS)
    with pytest.raises(UsageError, match="2 references"):
        database.find("abcdef12")
    assert database.find(f"abcdef12{1:056x}").path == "/photos/1.jpg"


def test_active_lookups_find_the_content(database: Database) -> None:
    [reference_id] = database.add_references([picture(1)], VERSIONS)
    by_file = database.reference_by_sha256(sha256_of(1))
    by_pixels = database.reference_by_pixel_sha256(sha256_of(-1))
    assert by_file == by_pixels == database.references([reference_id])[reference_id]
    assert database.reference_by_sha256(sha256_of(2)) is None


# ---------------------------------------------------------------- the database itself


def test_meta_and_uuid_outlive_the_connection(open_database: Callable[[], Database]) -> None:
    first, second = open_database(), open_database()
    assert first.meta("clip") is None
    first.set_meta("clip", "a")
    first.set_meta("clip", "b")
    assert second.meta("clip") == "b"
    assert first.uuid == second.uuid != ""


def test_runs_are_noted(database: Database, run_sql: Callable[..., Any]) -> None:
    run_id = database.start_run(["/photos", "--source", "Agency"])
    [(status, finished)] = run_sql("SELECT status, finished_at FROM ingest_runs")
    assert (status, finished) == ("running", None)
    database.finish_run(run_id, IngestSummary(added=3, skipped=(SkippedFile("/x", "no"),)), "finished")
    [(status, finished, counts)] = run_sql("SELECT status, finished_at, counts FROM ingest_runs")
    assert status == "finished"
    assert finished.endswith("+00:00")
    assert '"added": 3' in counts
    assert '"skipped": 1' in counts


def test_stats_count_what_is_there(database: Database) -> None:
    ids = database.add_references([picture(number) for number in range(4)], VERSIONS)
    database.withdraw(ids[0])
    database.add_references([picture(9, "/photos/1.jpg")], VERSIONS)
    stats = database.stats()
    assert (stats.references, stats.withdrawn, stats.superseded, stats.files) == (3, 1, 1, 4)
    assert stats.descriptors == {"copy 1": 5, "local 1": 5, "phash 1": 5}
    assert stats.schema_revision == HEAD
    assert stats.bytes_on_disk is not None
    assert stats.bytes_on_disk > 10_000


def test_the_digest_knows_content_but_not_order(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Database(f"sqlite:///{tmp_path_factory.mktemp('other') / 'other.sqlite'}")
    other.upgrade()
    pictures = [picture(number) for number in range(6)]
    database.add_references(pictures, VERSIONS)
    assert other.digest() != database.digest()
    for new in pictures[::-1]:
        other.add_references([new], VERSIONS)
    assert other.digest() == database.digest()
    other.withdraw(other.find("/photos/3.jpg").reference_id)
    assert other.digest() != database.digest()
    other.restore(other.find("/photos/3.jpg").reference_id)
    other.update_details("/photos/3.jpg", credit="changed")
    assert other.digest() != database.digest()
    other.close()


def test_a_reader_is_not_disturbed_by_a_writer(open_database: Callable[[], Database]) -> None:
    reader, writer = open_database(), open_database()
    ids = reader.add_references([picture(number) for number in range(4_100)][:4], VERSIONS)
    batches = reader.vectors("copy", "1", ids)
    writer.withdraw(ids[0])
    [(found, _)] = batches
    assert found.tolist() == ids[1:]
    assert reader.active_ids().tolist() == ids[1:]


# ---------------------------------------------------------------- damage


def test_a_whole_database_has_no_problems(database: Database) -> None:
    assert database.problems(VERSIONS) == []
    database.add_references([picture(1), picture(2)], VERSIONS)
    assert database.problems(VERSIONS) == []


@pytest.mark.parametrize("name", ["phash", "local", "copy"])
def test_damaged_and_missing_descriptors_are_named(
    name: str, database: Database, run_sql: Callable[..., Any]
) -> None:
    ids = database.add_references([picture(1), picture(2), picture(3)], VERSIONS)
    run_sql(
        "UPDATE descriptors SET data = :data WHERE name = :name AND reference_id = :id",
        data=b"\0" * 15, name=name, id=ids[0],
    )  # fmt: skip
    run_sql("DELETE FROM descriptors WHERE name = :name AND reference_id = :id", name=name, id=ids[1])
    found = database.problems(VERSIONS)
    assert len(found) == 2
    assert any(f"lack the descriptor '{name}' (id {ids[1]})" in problem for problem in found)
    assert any(f"descriptors '{name}' are damaged (id {ids[0]})" in problem for problem in found)
    with pytest.raises(DatabaseError, match="damaged"):
        list(database.vectors(name, "1", ids) if name != "local" else database.local_features(ids, "1"))


@pytest.mark.parametrize("name", ["phash", "local", "copy"])
def test_damaged_descriptors_can_be_dropped_and_made_again(
    name: str, database: Database, run_sql: Callable[..., Any]
) -> None:
    ids = database.add_references([picture(1), picture(2)], VERSIONS)
    digest, generation = database.digest(), database.generation()
    assert database.drop_damaged_descriptors(VERSIONS) == 0
    assert database.generation() == generation
    run_sql(
        "UPDATE descriptors SET data = :data WHERE name = :name AND reference_id = :id",
        data=b"\0" * 15, name=name, id=ids[0],
    )  # fmt: skip
    assert database.drop_damaged_descriptors(VERSIONS) == 1
    assert database.missing_descriptors(ids, VERSIONS) == {ids[0]}
    database.add_descriptors(ids[0], some_description(1), VERSIONS)
    assert database.problems(VERSIONS) == []
    assert database.digest() == digest


def test_odd_characters_from_outside_do_no_harm(database: Database) -> None:
    new = picture(1, title="bad \udcff byte", credit="nul\0 byte", captured_at="2021\0")
    versions = VERSIONS | {"copy": "./weights-\udcff.onnx"}
    [reference_id] = database.add_references([new], versions)
    record = database.references([reference_id])[reference_id]
    assert (record.title, record.credit, record.captured_at) == ("bad \udcff byte", "nul byte", "2021")
    assert database.missing_descriptors([reference_id], versions) == set()
    database.set_meta("clip", "ViT-B-32:./weights-\udcff.onnx")
    assert database.meta("clip") == "ViT-B-32:./weights-\udcff.onnx"
    database.add_descriptors(reference_id, some_description(1), versions)
    database.start_run(["/photos/\udcff"])


def test_long_names_fit(database: Database) -> None:
    versions = VERSIONS | {"copy": "weights " + "x" * 1000}
    [reference_id] = database.add_references([picture(1, captured_at="odd " * 50)], versions)
    assert database.missing_descriptors([reference_id], versions) == set()
    assert database.references([reference_id])[reference_id].captured_at == "odd " * 50
