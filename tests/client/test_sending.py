"""What holds for every call: patience with a busy service, and what a refusal means."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from provenance import errors
from provenance.client import AsyncClient, Client, Patience, verify_webhook
from provenance.client.sending import PATIENCE
from provenance.errors import (
    AccessError,
    BusyError,
    NotConfiguredError,
    NotFoundError,
    ServiceError,
    UnsupportedFormatError,
    UsageError,
)

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited, without waiting."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setattr(anyio, "sleep", sleep)
    return waited


@pytest.fixture(params=[Client, AsyncClient])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Call a method of either client, over a service that `handler` stands for."""

    def call(handler: Handler, method: str, *args: Any, patience: Patience = PATIENCE, **kwargs: Any) -> Any:
        service = httpx.MockTransport(handler)
        if request.param is Client:
            with Client("http://x", patience=patience, transport=service) as client:
                return getattr(client, method)(*args, **kwargs)

        async def run() -> Any:
            async with AsyncClient("http://x", patience=patience, transport=service) as client:
                return await getattr(client, method)(*args, **kwargs)

        return anyio.run(run)

    return call


def problem(status: int, title: str, detail: str, **headers: str) -> httpx.Response:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return httpx.Response(
        status, content=json.dumps(body), headers={"content-type": "application/problem+json", **headers}
    )


def in_turn(*answers: httpx.Response | Exception) -> tuple[Handler, list[httpx.Request]]:
    """A service that answers one after the other, and what it was asked."""
    left, asked = list(answers), []

    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        asked.append(request)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        # Of its own: an answer can be read by one kind of client only.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    return handle, asked


REPORT = {"verdict": "no_match", "confidence": 0.1, "explanation": None}


def test_a_busy_service_is_waited_for_as_it_asks(ask: Callable[..., Any], waits: list[float]) -> None:
    handler, asked = in_turn(
        problem(429, "Too Many Requests", "later", **{"retry-after": "7"}),
        httpx.Response(200, json=REPORT, headers={"location": "/v1/reports/abc"}),
    )
    found = ask(handler, "check", b"picture")
    assert (found.id, found.verdict, found.caption) == ("abc", "no_match", None)
    assert waits == [7.0]
    keys = {request.headers["idempotency-key"] for request in asked}
    assert len(asked) == 2 and len(keys) == 1


def test_nobody_is_kept_waiting_longer_than_the_cap(ask: Callable[..., Any], waits: list[float]) -> None:
    handler, asked = in_turn(problem(429, "BusyError", "come tomorrow", **{"retry-after": "86400"}))
    with pytest.raises(BusyError, match="come tomorrow") as caught:
        ask(handler, "version")
    assert (caught.value.retry_after_s, waits, len(asked)) == (86400, [], 1)


def test_what_got_no_answer_is_sent_again_with_its_file_whole(
    ask: Callable[..., Any], waits: list[float], tmp_path: Path
) -> None:
    picture = tmp_path / "web.jpg"
    picture.write_bytes(b"the whole picture")
    handler, asked = in_turn(
        httpx.ReadError("reset"), httpx.Response(502, text="proxy"), httpx.Response(200, json=REPORT)
    )
    assert ask(handler, "check", picture).verdict == "no_match"
    assert [request.content.count(b"the whole picture") for request in asked] == [1, 1, 1]
    assert all(b'filename="web.jpg"' in request.content for request in asked)
    assert len(waits) == 2


def test_what_may_not_be_done_twice_is_not_sent_twice(ask: Callable[..., Any], waits: list[float]) -> None:
    handler, asked = in_turn(httpx.ReadError("reset"))
    with pytest.raises(ServiceError, match="is it running"):
        ask(handler, "create_collection", "agency")
    assert (len(asked), waits) == (1, [])


def test_patience_ends(ask: Callable[..., Any], waits: list[float]) -> None:
    handler, asked = in_turn(*[httpx.ConnectError("refused")] * 3)
    with pytest.raises(ServiceError, match=r"refused.*PROVENANCE_URL"):
        ask(handler, "version", patience=Patience(tries=3))
    assert (len(asked), len(waits)) == (3, 2)


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (problem(404, "NotFoundError", "no such check"), NotFoundError, "no such check"),
        (problem(401, "Unauthorized", "send a valid key"), AccessError, "send a valid key"),
        (problem(403, "Forbidden", "needs the key of a curator"), AccessError, "curator"),
        (problem(415, "UnsupportedFormatError", "'a': no picture"), UnsupportedFormatError, "'a': no"),
        (problem(501, "MissingExtraError", "install it"), NotConfiguredError, "install it"),
        (problem(422, "malformed request", "query.top_k: too large"), UsageError, "top_k"),
        (problem(503, "Service Unavailable", "send it with mode=job"), ServiceError, "mode=job"),
        (httpx.Response(200, text="<html>a router's login page"), ServiceError, "address of a provenance"),
        (httpx.Response(302, headers={"location": "http://elsewhere"}), ServiceError, "302"),
    ],
)  # fmt: skip
def test_a_refusal_is_an_error_with_the_services_words(
    ask: Callable[..., Any], answer: httpx.Response, kind: type[Exception], told: str
) -> None:
    handler, _ = in_turn(answer)
    with pytest.raises(kind, match=told) as caught:
        ask(handler, "job", "abc")
    assert type(caught.value) is kind


def test_each_error_of_the_program_comes_back_as_itself_or_its_like(ask: Callable[..., Any]) -> None:
    for name in dir(errors):
        kind = getattr(errors, name)
        if not (isinstance(kind, type) and issubclass(kind, errors.ProvenanceError)):
            continue
        handler, _ = in_turn(problem(kind.http_status, name, "'x': what to do", **{"retry-after": "99"}))
        with pytest.raises(errors.ProvenanceError, match="what to do") as caught:
            ask(handler, "job", "abc")
        assert isinstance(caught.value, NotConfiguredError if name == "MissingExtraError" else kind)


def test_address_and_key_come_from_arguments_or_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVENANCE_URL", "https://from.environment/base")
    monkeypatch.setenv("PROVENANCE_API_KEY", "prov_environment")
    seen: list[tuple[str, str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url), request.headers["authorization"]))
        return httpx.Response(200, json={})

    for url, key in ((None, None), ("http://given", "prov_given")):
        with Client(url, key=key, transport=httpx.MockTransport(handle)) as client:
            client.version()
    assert seen == [
        ("https://from.environment/base/version", "Bearer prov_environment"),
        ("http://given/version", "Bearer prov_given"),
    ]
    with pytest.raises(UsageError, match="https://"):
        Client("provenance.example.org")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"webhook-signature": "v1,AAAA"}, "does not fit"),
        ({"webhook-id": "msg_other"}, "does not fit"),
        ({"webhook-timestamp": "1614265000"}, "not of now"),
        ({"webhook-timestamp": "²"}, "not of now"),
    ],
)
def test_only_signed_and_fresh_messages_are_believed(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], told: str
) -> None:
    """The example of the Standard Webhooks' own libraries, and what others might make of it."""
    monkeypatch.setattr(time, "time", lambda: 1614265330.0 + 20)
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    headers = {
        "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "Webhook-Timestamp": "1614265330",
        "Webhook-Signature": "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert verify_webhook(secret, headers, body) == {"test": 2432232314}
    lower = {name.lower(): value for name, value in headers.items()}
    if "timestamp" in next(iter(change)):
        monkeypatch.setattr(time, "time", lambda: 1614265330.0 + 301)
    with pytest.raises(AccessError, match=told):
        verify_webhook(secret, {**lower, **change}, body)
    with pytest.raises(AccessError):
        verify_webhook(secret, headers, body + b" ")
    with pytest.raises(UsageError, match="keys secret"):
        verify_webhook("not base64!", headers, body)
