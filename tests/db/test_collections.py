"""Collections: what is searched, what a match must reach, and that names and counts hold."""

from __future__ import annotations

import pytest

from provenance.db import Database
from provenance.db.catalogue import Filter
from provenance.errors import ConflictError, NotFoundError, StaleError, UsageError
from provenance.ledger import ANYBODY
from tests.db.pictures import VERSIONS, picture, sha256_of


@pytest.fixture
def ids(database: Database) -> list[int]:
    """Four references; the collections "a" and "b", both empty."""
    for name in ("a", "b"):
        database.collections.create(name, by=ANYBODY)
    return database.add_references([picture(number) for number in range(4)], VERSIONS)


def put(database: Database, reference_id: int, *names: str) -> None:
    database.collections.put(reference_id, names, by=ANYBODY)


def test_what_only_disabled_collections_hold_is_not_searched(database: Database, ids: list[int]) -> None:
    put(database, ids[0], "a")
    put(database, ids[1], "a", "b")
    before = database.generation()
    database.collections.update("a", enabled=False, by=ANYBODY)
    assert database.generation() > before
    assert database.active_ids().tolist() == ids[1:]
    assert database.references(ids[:1])[ids[0]].status == "disabled"
    assert database.reference_by_sha256(sha256_of(0)) is None
    assert database.reference_by_pixel_sha256(sha256_of(-1)) is not None
    assert database.local_features(ids, "1").keys() == set(ids[1:])
    stats = database.stats()
    assert (stats.references, stats.disabled) == (3, 1)
    assert database.problems(VERSIONS) == []
    database.collections.update("a", enabled=True, by=ANYBODY)
    assert database.active_ids().tolist() == ids


def test_a_withdrawn_picture_of_a_disabled_collection_stays_withdrawn(
    database: Database, ids: list[int]
) -> None:
    put(database, ids[0], "a")
    database.withdraw(ids[0])
    database.collections.update("a", enabled=False, by=ANYBODY)
    assert database.references(ids[:1])[ids[0]].status == "withdrawn"
    database.collections.update("a", enabled=True, by=ANYBODY)
    assert ids[0] not in database.active_ids()


def test_the_least_threshold_of_the_enabled_collections_counts(database: Database, ids: list[int]) -> None:
    database.collections.update("a", min_confidence=0.9, by=ANYBODY)
    put(database, ids[0], "a")
    put(database, ids[1], "a", "b")
    assert database.thresholds(ids, 0.5) == {ids[0]: 0.9, ids[1]: 0.5}
    database.collections.update("b", min_confidence=0.95, by=ANYBODY)
    assert database.thresholds(ids, 0.5)[ids[1]] == 0.9
    database.collections.update("a", enabled=False, by=ANYBODY)
    assert database.thresholds(ids, 0.5) == {ids[1]: 0.95}


def test_names_counts_and_deletion(database: Database, ids: list[int]) -> None:
    put(database, ids[0], "a")
    assert [(one.name, one.references) for one in database.collections.all()] == [("a", 1), ("b", 0)]
    assert database.references(ids[:1])[ids[0]].collections == ("a",)
    with pytest.raises(ConflictError, match="holds 1 pictures"):
        database.collections.delete("a", by=ANYBODY)
    database.collections.delete("b", by=ANYBODY)
    for name in ("b", "a\x00", "../a", ""):
        with pytest.raises(NotFoundError):
            database.collections.get(name)
    for name in ("A", "a b", "a" * 65, "-a", "", "ä"):
        with pytest.raises(UsageError):
            database.collections.create(name, by=ANYBODY)
    with pytest.raises(UsageError, match="from 0 to 1"):
        database.collections.update("a", min_confidence=1.5, by=ANYBODY)
    with pytest.raises(NotFoundError):
        put(database, ids[0], "a", "nowhere")
    assert database.references(ids[:1])[ids[0]].collections == ("a",)


def test_the_digest_knows_collections(database: Database, ids: list[int]) -> None:
    digests = {database.digest()}
    put(database, ids[0], "a")
    digests.add(database.digest())
    database.collections.update("a", enabled=False, by=ANYBODY)
    digests.add(database.digest())
    assert len(digests) == 3


def test_the_catalogue_is_filtered_and_changed_as_a_whole(database: Database, ids: list[int]) -> None:
    put(database, ids[2], "a")
    record = database.catalogue.update(
        ids[2], details={"title": "100 % wool_x"}, status="withdrawn", by=ANYBODY
    )
    assert (record.title, record.status, record.collections) == ("100 % wool_x", "withdrawn", ("a",))

    def found(**wanted: str) -> list[int]:
        return [one.reference_id for one in database.catalogue.page(Filter(**wanted), before=None, limit=9)]

    assert found() == ids[::-1]
    assert found(status="withdrawn") == found(collection="a") == found(words="WOOL_ 100") == [ids[2]]
    assert found(words="w__l") == found(words="100 %5") == []
    with pytest.raises(StaleError):
        database.catalogue.update(ids[0], details={"title": "x"}, expected=record, by=ANYBODY)
    for wrong in ({"status": "superseded"}, {"details": {"sha256": "x"}}):
        with pytest.raises(UsageError):
            database.catalogue.update(ids[0], **wrong, by=ANYBODY)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        database.catalogue.update(ids[0], details={"title": "lost"}, collections=["nowhere"], by=ANYBODY)
    assert database.catalogue.get(ids[0]).title is None
