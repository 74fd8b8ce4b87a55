"""Checks in the database: claimed once, never lost, reported exactly once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from provenance.db import Database
from provenance.db.queue import MOST_ATTEMPTS
from provenance.errors import BusyError, ConflictError, NotFoundError, UsageError
from provenance.ledger import ANYBODY, CheckRecord, EvidenceFile, NewCheck

OpenDatabase = Callable[[], Database]


def accept(database: Database, name: str = "web.jpg", *, most: int = 1000, **details: Any) -> CheckRecord:
    new = NewCheck("check", name, {"explain": True}, **details)
    return database.checks.accept(new, name.encode(), most=most, by=ANYBODY)[0]


def report(reference_id: int | None = 7, verdict: str = "modified") -> dict[str, Any]:
    match = {"reference_id": reference_id} if reference_id else None
    return {"verdict": verdict, "confidence": 0.9, "query": {"sha256": "a" * 64}, "match": match}


def claim(database: Database, worker: str = "one") -> CheckRecord:
    found = database.queue.claim(worker)
    assert found is not None
    return found[0]


def test_checks_are_claimed_in_order_with_their_picture(database: Database) -> None:
    first, second = accept(database, "1.jpg"), accept(database, "2.jpg")
    assert database.checks.ahead(second) == 1
    for accepted, content in ((first, b"1.jpg"), (second, b"2.jpg")):
        found = database.queue.claim("one")
        assert found is not None
        assert (found[0].token, found[0].state, found[1]) == (accepted.token, "running", content)
    assert database.queue.claim("one") is None


def test_a_report_is_stored_once_and_the_picture_forgotten(
    database: Database, run_sql: Callable[..., Any]
) -> None:
    accept(database)
    check = claim(database)
    picture = EvidenceFile("heat.png", "image/png", b"png", hours=1)
    gone = EvidenceFile("page.html", "text/html", b"old", hours=-1)
    assert database.queue.finish(check, report(), [picture, gone])
    assert not database.queue.finish(check, report(verdict="no_match"))
    assert not database.queue.fail(check, "late")
    done = database.checks.get(check.token)
    assert (done.state, done.verdict, done.reference_id, done.report) == ("done", "modified", 7, report())
    assert run_sql("SELECT count(*) FROM uploads") == [(0,)]
    assert database.checks.evidence(check.token, "heat.png").data == b"png"
    assert database.checks.evidence_names(check.check_id) == ["heat.png"]
    with pytest.raises(NotFoundError):
        database.checks.evidence(check.token, "page.html")


def test_who_lost_a_check_cannot_report_it(database: Database) -> None:
    accept(database)
    first = claim(database, "one")
    database.queue.requeue(first.check_id, first.beat)
    second = claim(database, "two")
    assert not database.queue.finish(first, report())
    assert database.queue.finish(second, report())


def test_a_check_whose_worker_beats_is_not_taken_away(database: Database) -> None:
    accept(database)
    check = claim(database, "one")
    seen = database.queue.beats()
    assert seen == {check.check_id: check.beat}
    database.queue.beat("one", [check.check_id])
    database.queue.beat("other", [check.check_id])
    database.queue.requeue(check.check_id, seen[check.check_id])
    assert database.checks.get(check.token).state == "running"
    assert database.queue.finish(check, report())


def test_a_check_that_brings_its_worker_down_is_given_up(database: Database) -> None:
    token = accept(database).token
    for _ in range(MOST_ATTEMPTS):
        check = claim(database)
        database.queue.requeue(check.check_id, check.beat)
    assert database.queue.claim("one") is None
    failed = database.checks.get(token)
    assert (failed.state, failed.attempts) == ("failed", MOST_ATTEMPTS)
    assert failed.error is not None
    assert "stopped" in failed.error


def test_a_released_check_waits_again_and_counts_no_attempt(database: Database) -> None:
    accept(database)
    for _ in range(MOST_ATTEMPTS + 2):
        database.queue.release(claim(database))
    assert claim(database).attempts == 1


def test_two_workers_never_claim_the_same_check(open_database: OpenDatabase) -> None:
    tokens = {accept(open_database(), f"{number}.jpg").token for number in range(12)}
    claimed: list[str] = []

    def work(name: str) -> None:
        database = open_database()
        while found := database.queue.claim(name):
            claimed.append(found[0].token)
            database.queue.finish(found[0], report())

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(tokens)


def test_a_full_queue_takes_no_more_until_something_is_claimed(database: Database) -> None:
    accept(database, most=1)
    with pytest.raises(BusyError) as refused:
        accept(database, most=1)
    assert refused.value.retry_after_s > 0
    claim(database)
    accept(database, most=1)


def test_an_idempotency_key_stands_for_one_request_of_one_caller(database: Database) -> None:
    once = {"idempotency_key": "k", "fingerprint": "f"}
    first = accept(database, **once)
    new = NewCheck("check", "web.jpg", {}, **once)
    again, fresh = database.checks.accept(new, b"", most=1, by=ANYBODY)
    assert (again.token, fresh) == (first.token, False)
    with pytest.raises(ConflictError, match="another request"):
        accept(database, idempotency_key="k", fingerprint="other")
    assert claim(database).token == first.token
    assert database.queue.claim("one") is None


def test_a_callback_gets_its_delivery_with_the_result(database: Database) -> None:
    accept(database, callback="http://example.org/")
    assert database.deliveries.claim() is None
    check = claim(database)
    database.queue.finish(check, report())
    delivery = database.deliveries.claim()
    assert delivery is not None
    assert (delivery.url, delivery.attempts, delivery.check.verdict) == ("http://example.org/", 1, "modified")
    assert database.deliveries.claim() is None  # it is in hand
    database.deliveries.retry(delivery, 0, "no answer")
    again = database.deliveries.claim()
    assert again is not None
    assert again.attempts == 2
    database.deliveries.arrived(again)
    assert database.deliveries.counts() == {"delivered": 1}


def test_a_failed_check_is_delivered_too(database: Database) -> None:
    accept(database, callback="http://example.org/")
    database.queue.fail(claim(database), "no model")
    delivery = database.deliveries.claim()
    assert delivery is not None
    assert (delivery.check.state, delivery.check.error) == ("failed", "no model")


def test_old_reports_go_and_waiting_checks_stay(database: Database, run_sql: Callable[..., Any]) -> None:
    accept(database)
    old = claim(database)
    database.queue.finish(old, report(), [EvidenceFile("heat.png", "image/png", b"png", hours=-1)])
    waiting = accept(database)
    assert database.checks.purge(keep_days=1) == 1  # the picture
    run_sql("UPDATE checks SET finished_at = '2000-01-01T00:00:00+00:00' WHERE finished_at IS NOT NULL")
    database.checks.purge(keep_days=1)
    with pytest.raises(NotFoundError):
        database.checks.get(old.token)
    assert database.checks.get(waiting.token).state == "queued"


def test_a_mark_keeps_a_pair_apart_until_it_is_taken_back(database: Database) -> None:
    accept(database)
    check = claim(database)
    with pytest.raises(ConflictError):
        database.marks.put(check.token, "right", by=ANYBODY)
    database.queue.finish(check, report())
    mark = database.marks.put(check.token, "not_same", by=ANYBODY)
    assert database.marks.rejected("a" * 64) == {7}
    assert database.marks.rejected("b" * 64) == set()
    database.marks.delete(mark.mark_id, by=ANYBODY)
    assert database.marks.rejected("a" * 64) == set()


def test_without_a_match_nothing_can_be_another_picture(database: Database) -> None:
    accept(database)
    check = claim(database)
    database.queue.finish(check, report(None, "no_match"))
    with pytest.raises(UsageError, match="names no original"):
        database.marks.put(check.token, "not_same", by=ANYBODY)


def test_secrets_are_made_once(open_database: OpenDatabase) -> None:
    assert open_database().secret("webhooks") == open_database().secret("webhooks")
    assert open_database().secret("webhooks") != open_database().secret("other")
