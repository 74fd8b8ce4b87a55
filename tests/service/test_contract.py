"""What the service promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from provenance import Provenance
from tests.service.conftest import gray

SCHEMA = json.loads((Path(__file__).parents[2] / "provenance" / "report" / "report.schema.json").read_text())


def check(client: TestClient, content: bytes, **params: Any) -> Any:
    return client.post("/v1/check", params=params, files={"file": ("web.jpg", content)}).json()


def finished(client: TestClient, job: str) -> Any:
    for _ in range(600):
        found = client.get(f"/v1/jobs/{job}").json()
        if found["finished_at"]:
            return found
        time.sleep(0.05)
    raise AssertionError(f"job {job} is not done: {found}")


def add(client: TestClient, *photos: Path, **details: Any) -> Any:
    files = [("file", (photo.name, photo.read_bytes())) for photo in photos]
    return client.post("/v1/references", files=files, data=details)


def only_reference(answer: Any) -> Any:
    [item] = answer.json()["items"]
    return item["reference"]


# ---------------------------------------------------------------- checks and reports


def test_a_check_is_answered_kept_and_can_be_forgotten(client: TestClient, trusted: list[Path]) -> None:
    answer = client.post("/v1/check", files={"file": ("web.webp", trusted[0].read_bytes())})
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), SCHEMA)
    assert (answer.json()["verdict"], answer.json()["query"]["name"]) == ("identical", "web.webp")
    place = answer.headers["location"]
    kept = client.get(place)
    assert kept.json() == answer.json()
    assert client.get(place, headers={"if-none-match": kept.headers["etag"]}).status_code == 304
    assert client.get(place, headers={"accept": "text/html"}).headers["content-type"].startswith("text/html")
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404


def test_a_job_is_followed_to_its_report_and_its_pictures(client: TestClient, trusted: list[Path]) -> None:
    answer = client.post(
        "/v1/check", params={"mode": "job", "evidence": True}, files={"file": ("web.jpg", gray(trusted[1]))}
    )
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    job = answer.json()["id"]
    assert answer.headers["location"] == f"/v1/jobs/{job}"
    told = [
        json.loads(line.removeprefix("data: "))
        for line in client.get(f"/v1/jobs/{job}/events").text.splitlines()
        if line.startswith("data: ")
    ]
    assert (told[-1]["state"], told[-1]["verdict"]) == ("done", "modified")
    report = client.get(told[-1]["report"]).json()
    jsonschema.validate(report, SCHEMA)
    assert Path(report["match"]["path"]).name == trusted[1].name
    assert client.get(f"/v1/reports/{job}/evidence/heat.png").content.startswith(b"\x89PNG")
    assert client.get(f"/v1/reports/{job}/evidence/outlined.png").content.startswith(b"\x89PNG")
    page = client.get(f"/v1/reports/{job}/page")
    assert "data:image/webp" in page.text
    # By default the picture itself is gone.
    assert client.get(f"/v1/reports/{job}/evidence/query").status_code == 404


def test_an_unreadable_picture_is_a_report_too(client: TestClient) -> None:
    answer = client.post("/v1/check", files={"file": ("x.jpg", b"not a picture")})
    assert (answer.status_code, answer.json()["verdict"]) == (422, "error")
    job = client.post("/v1/check", params={"mode": "job"}, files={"file": ("x.jpg", b"not a picture")}).json()
    assert finished(client, job["id"])["verdict"] == "error"


def test_an_idempotency_key_stands_for_one_request(client: TestClient, trusted: list[Path]) -> None:
    def post(content: bytes, key: str, mode: str = "job") -> Any:
        return client.post(
            "/v1/check", params={"mode": mode}, files={"file": content}, headers={"idempotency-key": key}
        )

    first, again = post(trusted[0].read_bytes(), "one"), post(trusted[0].read_bytes(), "one")
    assert first.json()["id"] == again.json()["id"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert post(trusted[1].read_bytes(), "one").status_code == 409
    now, later = post(trusted[0].read_bytes(), "two", "sync"), post(trusted[0].read_bytes(), "two", "sync")
    assert now.headers["location"] == later.headers["location"]
    assert now.json() == later.json()


def test_the_history_is_paged_without_gaps(client: TestClient, trusted: list[Path]) -> None:
    for _ in range(3):
        check(client, trusted[0].read_bytes(), explain=False)
    whole = client.get("/v1/jobs", params={"limit": 100}).json()["items"]
    seen: list[Any] = []
    page: Any = {"next": 2**63 - 1}
    while page["next"]:
        page = client.get("/v1/jobs", params={"limit": 2, "before": page["next"]}).json()
        seen += page["items"]
    assert [one["id"] for one in seen] == [one["id"] for one in whole]
    assert len(seen) >= 3


def test_two_pictures_are_compared(client: TestClient, trusted: list[Path]) -> None:
    files = {"original": trusted[0].read_bytes(), "edited": ("gray.jpg", gray(trusted[0]))}
    answer = client.post("/v1/compare", files=files)
    assert (answer.status_code, answer.json()["verdict"]) == (200, "modified")
    jsonschema.validate(client.get(answer.headers["location"]).json(), SCHEMA)


# ---------------------------------------------------------------- references


def test_an_added_picture_is_found_and_a_withdrawn_one_not(client: TestClient, photos: list[Path]) -> None:
    photo = photos[5]
    assert check(client, photo.read_bytes())["verdict"] == "no_match"
    answer = add(client, photo, title="A title", credit="Somebody")
    assert answer.status_code == 201
    reference = only_reference(answer)
    assert (reference["title"], reference["credit"], reference["status"]) == ("A title", "Somebody", "active")
    place = answer.headers["location"]
    assert check(client, gray(photo), explain=False)["match"]["reference_id"] == reference["id"]
    assert client.get(f"{place}/image").content == photo.read_bytes()
    assert client.get(f"{place}/thumbnail").headers["content-type"] == "image/webp"
    assert client.delete(place).status_code == 204
    for content in (photo.read_bytes(), gray(photo)):
        assert check(client, content, explain=False)["verdict"] == "no_match"
    assert add(client, photo).status_code == 409
    assert client.patch(place, json={"status": "active"}).json()["status"] == "active"
    assert check(client, photo.read_bytes())["verdict"] == "identical"
    client.delete(place)


def test_of_several_pictures_the_bad_ones_are_named(
    client: TestClient, photos: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "../../etc/passwd.jpg".replace("/", "_")
    bad.write_bytes(b"<svg onload='alert(1)'></svg>")
    answer = add(client, photos[6], bad, photos[6], source="Agency")
    assert answer.status_code == 200
    assert [one["outcome"] for one in answer.json()["items"]] == ["added", "refused", "known"]
    assert "_etc_passwd.jpg" in answer.json()["items"][1]["problem"]
    assert add(client, bad).status_code == 415


def test_references_are_browsed_by_page_status_collection_and_words(
    client: TestClient, photos: list[Path]
) -> None:
    client.post("/v1/collections", json={"name": "browsed"})
    made = only_reference(add(client, photos[7], title="Zwei Störche", collection="browsed"))
    found = client.get("/v1/references", params={"collection": "browsed"}).json()["items"]
    assert [one["id"] for one in found] == [made["id"]]
    assert client.get("/v1/references", params={"q": "störche zwei"}).json()["items"][0]["id"] == made["id"]
    assert client.get("/v1/references", params={"q": "100%"}).json()["items"] == []
    ids: list[int] = []
    page: Any = {"next": 2**63 - 1}
    while page["next"]:
        page = client.get("/v1/references", params={"limit": 2, "before": page["next"]}).json()
        ids += [one["id"] for one in page["items"]]
    whole = [one["id"] for one in client.get("/v1/references", params={"limit": 200}).json()["items"]]
    assert ids == whole == sorted(ids, reverse=True)


def test_a_change_is_refused_when_someone_else_was_quicker(client: TestClient) -> None:
    place = "/v1/references/1"
    tag = client.get(place).headers["etag"]
    changed = client.patch(place, json={"title": "First"}, headers={"if-match": tag})
    assert (changed.status_code, changed.json()["title"]) == (200, "First")
    late = client.patch(place, json={"title": "Second"}, headers={"if-match": tag})
    assert late.status_code == 412
    assert client.get(place).json()["title"] == "First"


def test_a_file_put_in_the_place_of_an_original_is_not_sent(
    client: TestClient, library: Provenance, photos: list[Path]
) -> None:
    made = only_reference(add(client, photos[8]))
    Path(made["path"]).write_bytes(b"secret")
    assert client.get(made["image"]).status_code == 404


def test_a_picture_that_is_a_page_too_is_sent_as_a_picture(client: TestClient, photos: list[Path]) -> None:
    polyglot = gray(photos[11]) + b"<html><script>alert(1)</script></html>"
    answer = client.post("/v1/references", files={"file": ("a.html", polyglot, "text/html")})
    sent = client.get(only_reference(answer)["image"])
    assert (sent.content, sent.headers["content-type"]) == (polyglot, "image/jpeg")
    assert sent.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in sent.headers["content-security-policy"]
    assert only_reference(answer)["path"].endswith(".jpeg")


def test_a_full_disk_is_said_and_leaves_nothing_half(
    client: TestClient, library: Provenance, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = client.get("/v1/references", params={"limit": 1}).json()["items"]

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    picture = gray(photos[4])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        answer = client.post("/v1/references", files={"file": picture})
    assert (answer.status_code, answer.json()["title"]) == (507, "StorageFullError")
    assert client.get("/v1/references", params={"limit": 1}).json()["items"] == before
    assert not list((library.settings.home / "originals").rglob("*.tmp"))
    assert client.post("/v1/references", files={"file": picture}).status_code == 201


def test_a_database_that_drops_its_connections_is_asked_again(
    client: TestClient, library: Provenance, trusted: list[Path]
) -> None:
    """As a PostgreSQL that is restarted does; SQLite has no connections to drop."""
    url = sa.make_url(library.settings.database_url)
    if url.get_backend_name() == "sqlite":
        pytest.skip("there is no server")
    job = client.post("/v1/check", params={"mode": "job"}, files={"file": gray(trusted[3])}).json()["id"]
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        )
    engine.dispose()
    assert client.get("/readyz").status_code == 200
    assert finished(client, job)["verdict"] == "modified"


# ---------------------------------------------------------------- collections


def test_a_collection_that_is_switched_off_matches_nothing(client: TestClient, photos: list[Path]) -> None:
    client.post("/v1/collections", json={"name": "desk", "title": "The desk"})
    photo = photos[9]
    made = only_reference(add(client, photo, collection="desk"))
    assert made["collections"] == ["desk"]
    assert check(client, gray(photo), explain=False)["match"]["reference_id"] == made["id"]
    client.patch("/v1/collections/desk", json={"enabled": False})
    assert client.get(f"/v1/references/{made['id']}").json()["status"] == "disabled"
    for content in (photo.read_bytes(), gray(photo)):
        assert check(client, content, explain=False)["verdict"] == "no_match"
    # Another collection that is on holds it too: it is found through that one.
    client.post("/v1/collections", json={"name": "archive"})
    client.patch(f"/v1/references/{made['id']}", json={"collections": ["desk", "archive"]})
    assert check(client, photo.read_bytes())["verdict"] == "identical"
    client.patch(f"/v1/references/{made['id']}", json={"collections": ["desk"]})
    client.patch("/v1/collections/desk", json={"enabled": True})
    assert check(client, photo.read_bytes())["verdict"] == "identical"
    assert client.delete("/v1/collections/desk").status_code == 409
    assert client.delete("/v1/collections/archive").status_code == 204


def test_a_collection_has_its_own_threshold(client: TestClient, photos: list[Path]) -> None:
    client.post("/v1/collections", json={"name": "strict", "min_confidence": 1.0})
    photo = photos[10]
    made = only_reference(add(client, photo, collection="strict"))
    unsure = check(client, gray(photo), explain=False)
    assert unsure["verdict"] == "no_match"
    assert unsure["confidence"] > 0.9
    client.patch("/v1/collections/strict", json={"min_confidence": None})
    assert check(client, gray(photo), explain=False)["match"]["reference_id"] == made["id"]


def test_names_of_collections_are_unique_and_plain(client: TestClient) -> None:
    assert client.post("/v1/collections", json={"name": "twice"}).status_code == 201
    assert client.post("/v1/collections", json={"name": "twice"}).status_code == 409
    assert client.post("/v1/collections", json={"name": "../up"}).status_code == 422
    assert client.get("/v1/collections/nowhere").status_code == 404
    assert add(client, Path(__file__), collection="nowhere").status_code in (404, 415)


# ---------------------------------------------------------------- feedback, hashes, log


def test_a_rejected_pair_is_not_offered_again(client: TestClient, trusted: list[Path]) -> None:
    query = gray(trusted[2])
    answer = client.post("/v1/check", files={"file": query})
    match = answer.json()["match"]["reference_id"]
    report = answer.headers["location"].rpartition("/")[2]
    mark = client.post("/v1/feedback", json={"report": report, "mark": "not_same", "note": "another day"})
    assert (mark.status_code, mark.json()["reference_id"]) == (201, match)
    again = check(client, query)
    assert again["verdict"] == "no_match"
    assert "left out" in again["notes"][-1]
    # Other copies of the same original are still found.
    assert check(client, trusted[2].read_bytes())["match"]["reference_id"] == match
    calibration = client.get("/v1/feedback/calibration").json()
    assert [answer.json()["confidence"], False] in calibration["pairs"]
    assert client.delete(f"/v1/feedback/{mark.json()['id']}").status_code == 204
    assert check(client, query)["match"]["reference_id"] == match


def test_one_mark_of_each_reviewer_counts(client: TestClient, trusted: list[Path]) -> None:
    answer = client.post("/v1/check", files={"file": trusted[3].read_bytes()})
    report = answer.headers["location"].rpartition("/")[2]
    for mark in ("wrong", "right"):
        client.post("/v1/feedback", json={"report": report, "mark": mark})
    marks = client.get("/v1/feedback", params={"limit": 200}).json()["items"]
    assert [one["mark"] for one in marks if one["report"] == report] == ["right"]


def test_pictures_are_found_by_hash(client: TestClient, trusted: list[Path]) -> None:
    hashes = client.post("/v1/hash", files={"file": gray(trusted[0])}).json()
    [found, *_] = client.get("/v1/hash/lookup", params={"phash": hashes["phash"]}).json()["items"]
    assert Path(found["reference"]["path"]).name == trusted[0].name
    assert found["bits"] <= 31
    own = client.post("/v1/hash", files={"file": trusted[0].read_bytes()}).json()
    [same] = client.get("/v1/hash/lookup", params={"sha256": own["sha256"]}).json()["items"]
    assert same["reference"]["id"] == found["reference"]["id"]
    assert client.get("/v1/hash/lookup").status_code == 400


def test_search_by_words_says_what_it_needs(client: TestClient) -> None:
    answer = client.post("/v1/search/text", json={"text": "a castle"})
    assert answer.status_code == 501
    assert "--clip" in answer.json()["detail"]


def test_the_log_tells_who_did_what(client: TestClient, photos: list[Path]) -> None:
    made = only_reference(add(client, photos[11]))
    client.delete(f"/v1/references/{made['id']}")
    entries = client.get("/v1/audit", params={"limit": 2}).json()["items"]
    assert [one["action"] for one in entries] == ["reference.withdraw", "reference.add"]
    assert {one["subject"] for one in entries} == {str(made["id"])}


def test_health_version_and_metrics(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["references"] >= 4
    assert "copy" in client.get("/version").json()
    metrics = client.get("/metrics").text
    assert 'provenance_requests_total{method="GET",route="/healthz",status="200"}' in metrics
    assert 'provenance_references{status="active"}' in metrics


@pytest.mark.parametrize("method", ["get", "delete"])
def test_what_is_not_there_is_404_with_the_problem(client: TestClient, method: str) -> None:
    for place in ("/v1/jobs/abcdefghijklmnopqrstuv", "/v1/references/999999", "/nowhere"):
        answer = getattr(client, method)(place)
        assert answer.status_code in (404, 405)
        assert answer.headers["content-type"] == "application/problem+json"
