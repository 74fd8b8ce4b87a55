"""The clients ask the service, wait where it asks them to, and give the records of this package."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from provenance import Provenance
from provenance.client import AsyncClient, Client, ServiceError
from provenance.jobs.webhooks import sign

pytest.importorskip("fastapi", reason="the extra service is not installed")

from fastapi.testclient import TestClient

from provenance.service import create_app


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, photos: list[Path]) -> Iterator[TestClient]:
    """A running service that trusts two photos."""
    with Provenance(tmp_path_factory.mktemp("asked"), search={"deep_k": 0}) as library:
        library.ingest(photos[:2])
        with TestClient(create_app(library), base_url="http://localhost") as running:
            yield running


@pytest.fixture
def client(service: TestClient) -> Client:
    made = Client("http://localhost")
    made._http = service  # the same requests, without a socket
    return made


def test_checks_jobs_and_references(client: Client, photos: list[Path]) -> None:
    assert client.check(photos[0]).verdict == "identical"
    report = client.wait(client.submit(photos[1].read_bytes()))
    assert report.match is not None
    assert Path(report.match.reference.path).name == photos[1].name
    made = client.add(photos[2], title="New")
    assert (made["title"], client.check(photos[2]).verdict) == ("New", "identical")
    assert [one["id"] for one in client.references(q="new")] == [made["id"]]
    client.withdraw(made["id"])
    assert client.check(photos[2], explain=False).verdict == "no_match"
    assert client.compare(photos[0], photos[0].read_bytes()).verdict == "identical"
    assert client.check(b"no picture").verdict == "error"


def test_a_refusal_says_why(client: Client) -> None:
    with pytest.raises(ServiceError, match="there is no reference 999") as refused:
        client.withdraw(999)
    assert refused.value.status == 404


def answers(*given: httpx.Response) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    left, seen = list(given), []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return left.pop(0)

    return httpx.MockTransport(answer), seen


def test_a_busy_service_is_asked_again_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    transport, seen = answers(
        httpx.Response(429, headers={"retry-after": "7"}), httpx.Response(503), httpx.Response(204)
    )
    Client("http://x", key="prov_k", transport=transport).withdraw(1)
    assert pauses == [7.0, 2.0]
    assert {request.headers["authorization"] for request in seen} == {"Bearer prov_k"}


def test_a_service_that_does_not_answer_is_an_error() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    with pytest.raises(ServiceError, match="does not answer"):
        Client("http://x", transport=httpx.MockTransport(fail)).job("a")


def test_the_awaited_client_does_the_same() -> None:
    report = {
        "schema": "provenance.report/1", "query": {"name": "x", "sha256": "", "width": 1, "height": 1},
        "verdict": "no_match", "confidence": 0, "match": None, "candidates": [], "explanation": None,
        "timings_ms": {}, "versions": {},
    }  # fmt: skip
    job = {"id": "j", "state": "done", "report": "/v1/reports/j", "error": None}
    failed = {**job, "state": "failed", "error": "no model", "report": None}
    transport, seen = answers(
        httpx.Response(202, json=job), httpx.Response(200, json={**job, "state": "queued", "report": None}),
        httpx.Response(200, json=job), httpx.Response(200, json=report), httpx.Response(200, json=failed),
    )  # fmt: skip

    async def ask() -> None:
        async with AsyncClient("http://x", transport=transport) as client:
            submitted = await client.submit("http://example.org/a.jpg", callback="http://cms/")
            assert (await client.wait(submitted)).verdict == "no_match"
            with pytest.raises(ServiceError, match="no model"):
                await client.wait(submitted)

    asyncio.run(ask())
    assert b"callback=http" in seen[0].content
    assert seen[0].url.params["mode"] == "job"


def test_the_example_of_a_receiver_takes_only_what_is_signed() -> None:
    place = Path(__file__).parents[1] / "examples" / "webhook_receiver.py"
    spec: Any = importlib.util.spec_from_file_location("webhook_receiver", place)
    receiver: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(receiver)
    secret, body, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"{}", int(time.time())
    headers = {
        "webhook-id": "a",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secret, "a", now, body),
    }
    assert receiver.is_genuine(secret, headers, body)
    assert not receiver.is_genuine(secret, headers, b"{ }")
    assert not receiver.is_genuine(secret, {**headers, "webhook-timestamp": str(now - 1000)}, body)
    assert not receiver.is_genuine(secret, {}, body)
    done = {"name": "w.jpg", "report": None, "error": "no model"}
    assert "no model" in receiver.sentence(json.loads(json.dumps(done)))
