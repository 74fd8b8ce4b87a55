"""Both clients against the real service, over a real connection."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra service is not installed")

import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal

from provenance import Provenance
from provenance.client import AsyncClient, Client, answers
from provenance.client.calls import Call
from provenance.errors import AccessError, ConflictError, NotFoundError, ServiceError, StaleError, UsageError
from provenance.ledger import COMMAND_LINE
from provenance.service import create_app, models
from tests.service.conftest import gray


@dataclasses.dataclass
class Service:
    """A running service with keys."""

    library: Provenance
    url: str
    curator: str
    checker: str


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, photos: list[Path]) -> Iterator[Service]:
    with Provenance(tmp_path_factory.mktemp("asked"), search={"deep_k": 0}) as library:
        library.ingest(photos[:3], source="Agency")
        _, curator = library.database.keys.create("desk", "curator", by=COMMAND_LINE)
        _, checker = library.database.keys.create("intern", "checker", by=COMMAND_LINE)
        server = uvicorn.Server(uvicorn.Config(create_app(library), port=0, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Service(library, f"http://127.0.0.1:{port}", curator, checker)
        server.should_exit = True
        thread.join()


class Blocking:
    """An AsyncClient whose methods are waited for, so that one test serves both clients."""

    def __init__(self, client: AsyncClient, portal: BlockingPortal) -> None:
        self._client, self._portal = client, portal

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if inspect.isasyncgenfunction(method):
            return lambda **kwargs: self._portal.call(self._all, method, kwargs)
        return lambda *args, **kwargs: self._portal.call(lambda: method(*args, **kwargs))

    async def _all(self, method: Any, kwargs: Any) -> list[Any]:
        return [one async for one in method(**kwargs)]


@pytest.fixture(params=[Client, AsyncClient])
def client(request: pytest.FixtureRequest, service: Service) -> Iterator[Any]:
    if request.param is Client:
        with Client(service.url, key=service.curator) as made:
            yield made
        return
    with start_blocking_portal() as portal:
        made = AsyncClient(service.url, key=service.curator)
        yield Blocking(made, portal)
        portal.call(made.aclose)


def test_a_check_on_the_spot_is_marked_read_again_and_forgotten(client: Any, photos: list[Path]) -> None:
    found = client.check(gray(photos[0]), name="web.jpg", evidence=True, language="en")
    assert (found.verdict, found.report["query"]["name"]) == ("modified", "web.jpg")
    assert found.caption
    record = found.record()
    assert record.explanation is not None and record.explanation.caption == found.caption
    assert client.report(found.id) == found
    assert "<html" in client.report_page(found.id)
    assert client.evidence(found.id, "heat.png").startswith(b"\x89PNG")
    assert "@graph" in client.report_jsonld(found.id)
    mark = client.mark(found.id, "right", note="seen")
    assert (mark.report, mark.mark) == (found.id, "right")
    assert mark in client.marks().items
    client.unmark(mark.id)
    assert mark not in client.marks().items
    client.forget(found.id)
    with pytest.raises(NotFoundError):
        client.report(found.id)


def test_an_unreadable_picture_is_a_report(client: Any) -> None:
    assert client.check(b"no picture").verdict == "error"


def test_a_job_is_followed_to_its_report(client: Any, photos: list[Path]) -> None:
    seen: list[Any] = []
    job = client.submit(photos[1], explain=False)
    found = client.wait(job, progress=seen.append)
    assert (found.id, found.verdict, seen[-1].state) == (job.id, "identical", "done")
    assert job.id in [one.id for one in client.jobs(limit=5).items]
    with pytest.raises(ServiceError, match="wait for it again"):
        client.wait(job.id, timeout_s=0)


def test_the_same_key_does_not_check_twice(client: Any, photos: list[Path]) -> None:
    key = f"once-{id(client)}"
    assert (
        client.submit(photos[0], idempotency_key=key).id == client.submit(photos[0], idempotency_key=key).id
    )
    with pytest.raises(UsageError):
        client.submit(photos[1], idempotency_key=key)


def test_pairs_are_compared(client: Any, photos: list[Path]) -> None:
    found = client.compare(photos[0], gray(photos[0]))
    assert "black and white" in found.caption
    with pytest.raises(UsageError, match="no address"):
        client.compare("https://example.org/a.jpg", photos[0])


def test_trusted_pictures_come_change_and_go(
    client: Any, photos: list[Path], request: pytest.FixtureRequest
) -> None:
    # What one client withdraws stays withdrawn: the other takes other photos.
    ours = photos[5:7] if request.node.callspec.params["client"] is Client else photos[7:9]
    added = client.add(ours[0], ours[1].read_bytes(), b"no picture", title="Old", credit="Someone")
    assert [one.outcome for one in added][2] == "refused"
    first, second = added[0].reference, added[1].reference
    try:
        known = client.reference(first.id)
        changed = client.change_reference(first.id, title="New", if_match=known.etag)
        assert (changed.title, changed.credit) == ("New", "Someone")
        with pytest.raises(StaleError):
            client.change_reference(first.id, title="Newer", if_match=known.etag)
        assert client.reference_image(first.id) == ours[0].read_bytes()
        assert client.reference_thumbnail(first.id)[8:12] == b"WEBP"
        assert {first.id, second.id} <= {one.id for one in client.iter_references(status="active")}
        client.withdraw(first.id)
        assert client.lookup(sha256=first.sha256) == []
        assert client.restore(first.id).status == "active"
        [match] = client.lookup(sha256=first.sha256)
        assert (match.reference.id, match.bits) == (first.id, 0)
        assert client.hashes(ours[0]).sha256 == first.sha256
    finally:
        for one in (first, second):
            client.change_reference(one.id, title="Old")
            client.withdraw(one.id)


def test_pages_are_followed_to_the_end(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page = client.references(limit=2)
    rest = client.references(limit=200, before=page.next)
    assert [one.id for one in page.items + rest.items] == [one.id for one in client.iter_references()]


def test_collections_are_made_changed_and_deleted(client: Any) -> None:
    made = client.create_collection("sports", title="Sports", min_confidence=0.7)
    assert made in client.collections()
    with pytest.raises(ConflictError):
        client.create_collection("sports")
    changed = client.change_collection("sports", enabled=False, min_confidence=None)
    assert (changed.enabled, changed.min_confidence, changed.title) == (False, None, "Sports")
    assert client.collection("sports") == changed
    client.delete_collection("sports")


def test_addresses_are_fetched_by_the_service_under_its_guard(client: Any) -> None:
    assert client.check("http://127.0.0.1/x.jpg").verdict == "error"
    with pytest.raises(UsageError, match="one by one"):
        client.add("https://example.org/a.jpg", b"x")


def test_a_key_that_allows_too_little_is_said_so(service: Service, photos: list[Path]) -> None:
    with Client(service.url, key=service.checker) as client:
        assert "provenance" in client.version()
        with pytest.raises(AccessError, match="curator"):
            client.withdraw(1)
    with Client(service.url, key="prov_wrong") as client, pytest.raises(AccessError, match="valid key"):
        client.jobs()


def test_a_picture_that_is_not_there_is_said_so(client: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="cannot be opened"):
        client.check(tmp_path / "nothing.jpg")


# ---------------------------------------------------------------- what holds them together


@pytest.mark.parametrize(
    ("record", "model"),
    [
        (answers.Job, models.Job), (answers.Reference, models.Reference), (answers.Added, models.Added),
        (answers.Collection, models.CollectionModel), (answers.Mark, models.MarkModel),
        (answers.Hashes, models.Hashes), (answers.HashMatch, models.HashMatchModel),
        (answers.TextMatch, models.TextMatch),
    ],
)  # fmt: skip
def test_records_have_the_fields_that_the_service_sends(record: Any, model: Any) -> None:
    assert {field.name for field in dataclasses.fields(record)} - {"etag"} == set(model.model_fields)


def test_fields_of_a_newer_service_are_passed_over() -> None:
    data = {field.name: None for field in dataclasses.fields(answers.Job)}
    assert answers.Job.read({**data, "id": "x", "mood": "new"}).id == "x"


def test_both_clients_have_all_calls() -> None:
    from provenance.client import calls

    built = {
        name
        for name, one in vars(calls).items()
        if inspect.isfunction(one) and str(one.__annotations__.get("return", "")).startswith("Call[")
    }
    assert len(built) > 25
    for client in (Client, AsyncClient):
        assert built <= set(vars(client))
        assert all(getattr(client, name).__doc__ for name in built)
    assert isinstance(calls.version(), Call)


def test_importing_the_client_loads_nothing_heavy() -> None:
    heavy = "numpy", "pydantic", "sqlalchemy", "PIL", "cv2", "fastapi"
    code = f"import sys, provenance.client; print([name for name in {heavy} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
