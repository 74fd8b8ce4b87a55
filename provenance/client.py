"""A client of the service: `Client` waits, `AsyncClient` is awaited; both give the records of this package.

    with Client("https://provenance.example.org", key="prov_...") as client:
        report = client.check(Path("web.jpg"))
        print(report.verdict, report.explanation and report.explanation.caption)
        job = client.submit("https://example.org/picture.jpg", callback="https://cms.example.org/hook")
        report = client.wait(job)

Needs httpx and nothing of the service. Errors of the service are raised as ServiceError, with its cure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from provenance.errors import ProvenanceError
from provenance.ledger import MarkKind
from provenance.records import Report
from provenance.report import from_dict

Picture = bytes | Path | str
"""A picture: its bytes, a file, or an http(s) address that the service fetches."""

_TRIES = 5
_LONGEST_PAUSE_S = 60.0
_POLL_S = 0.5


class ServiceError(ProvenanceError):
    """The service refuses, or does not answer; `status` is its HTTP status, 0 without an answer."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent, the same for both clients."""

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    files: Mapping[str, Any] | None = None
    data: Mapping[str, str] | None = None
    json: Any = None
    headers: Mapping[str, str] | None = None

    def arguments(self) -> dict[str, Any]:
        """As httpx wants it; what is not given is left out."""
        given = {name: getattr(self, name) for name in ("params", "files", "data", "json", "headers")}
        return {name: value for name, value in given.items() if value is not None}


def _check(picture: Picture, mode: str, options: Mapping[str, Any]) -> _Request:
    params = {"mode": mode} | {name: value for name, value in options.items() if value is not None}
    once, callback = params.pop("idempotency_key", None), params.pop("callback", None)
    data = {"callback": callback} if callback else {}
    files = None
    if isinstance(picture, str) and picture.startswith(("http://", "https://")):
        data["url"] = picture
    else:
        files = {"file": _upload(picture)}
    headers = {"Idempotency-Key": once} if once else None
    return _Request("POST", "/v1/check", params, files, data or None, headers=headers)


def _add(picture: Picture, details: Mapping[str, str]) -> _Request:
    if isinstance(picture, str) and picture.startswith(("http://", "https://")):
        return _Request("POST", "/v1/references", data={**details, "url": picture})
    return _Request("POST", "/v1/references", files={"file": _upload(picture)}, data=details)


def _upload(picture: Picture) -> Any:
    if isinstance(picture, bytes):
        return picture
    return Path(picture).name, Path(picture).read_bytes()


def _pause(answer: httpx.Response, attempt: int) -> float | None:
    """Seconds after which it is worth trying again; None for an answer to be kept."""
    if answer.status_code not in (429, 503) or attempt == _TRIES - 1:
        return None
    asked = answer.headers.get("retry-after", "")
    return min(float(asked) if asked.isdigit() else 2.0**attempt, _LONGEST_PAUSE_S)


def _content(answer: httpx.Response) -> Any:
    """The JSON of an answer; a report about an unreadable picture is an answer too."""
    if not answer.content:
        return None
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    if answer.is_success or (answer.status_code == 422 and not is_problem):
        return answer.json()
    said = answer.json().get("detail", "") if is_problem else answer.reason_phrase
    raise ServiceError(f"{answer.status_code}: {said}", status=answer.status_code)


def _finished(job: Mapping[str, Any]) -> str | None:
    """Where the report of a job is, None while it is not done; raises for one that failed."""
    if job["state"] == "failed":
        raise ServiceError(job["error"] or "the check failed")
    place: str | None = job["report"]
    return place


def _settings(url: str, key: str | None, timeout_s: float) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return {"base_url": url, "headers": {**headers, "Accept": "application/json"}, "timeout": timeout_s}


class Client:
    """Asks a service and waits for its answers."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = 120.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Speak to the service at `url` with a key of `provenance keys create`."""
        self._http = httpx.Client(transport=transport, **_settings(url, key, timeout_s))

    def check(self, picture: Picture, **options: Any) -> Report:
        """Check a picture on the spot.

        Options: explain, top_k, language, evidence, idempotency_key. An unreadable picture gives the verdict
        "error". Raises ServiceError.
        """
        return from_dict(self._send(_check(picture, "sync", options)))

    def submit(self, picture: Picture, **options: Any) -> str:
        """Let a picture be checked later; returns the job's id. Options as for `check`, and callback."""
        job: dict[str, Any] = self._send(_check(picture, "job", options))
        return str(job["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """How far a job is."""
        found: dict[str, Any] = self._send(_Request("GET", f"/v1/jobs/{job_id}"))
        return found

    def wait(self, job_id: str, *, timeout_s: float = 600.0) -> Report:
        """Wait for a job and return its report. Raises ServiceError where it fails or takes too long."""
        deadline = time.monotonic() + timeout_s
        while (place := _finished(self.job(job_id))) is None:
            if time.monotonic() > deadline:
                raise ServiceError(f"job {job_id} is not done after {timeout_s:g} s")
            time.sleep(_POLL_S)
        return from_dict(self._send(_Request("GET", place)))

    def compare(self, original: Picture, edited: Picture, **options: Any) -> Report:
        """Say what was changed between two pictures."""
        files = {"original": _upload(original), "edited": _upload(edited)}
        return from_dict(self._send(_Request("POST", "/v1/compare", options, files)))

    def add(self, picture: Picture, **details: str) -> dict[str, Any]:
        """Trust a picture; details: title, source, creator, credit, license, caption, collection."""
        [item] = self._send(_add(picture, details))["items"]
        reference: dict[str, Any] = item["reference"]
        return reference

    def withdraw(self, reference_id: int) -> None:
        """Withdraw a trusted picture, effective on the very next check."""
        self._send(_Request("DELETE", f"/v1/references/{reference_id}"))

    def references(self, **wanted: Any) -> Iterator[dict[str, Any]]:
        """All trusted pictures, the newest first; wanted: status, collection, q."""
        before: int | None = 2**63 - 1
        while before:
            page = self._send(_Request("GET", "/v1/references", {**wanted, "limit": 200, "before": before}))
            yield from page["items"]
            before = page["next"]

    def mark(self, report_id: str, mark: MarkKind, note: str | None = None) -> None:
        """Say of a report: right, wrong, or not_same."""
        self._send(_Request("POST", "/v1/feedback", json={"report": report_id, "mark": mark, "note": note}))

    def _send(self, request: _Request) -> Any:
        for attempt in range(_TRIES):
            try:
                answer = self._http.request(request.method, request.path, **request.arguments())
            except httpx.HTTPError as error:
                raise ServiceError(f"{self._http.base_url} does not answer: {error}") from error
            pause = _pause(answer, attempt)
            if pause is None:
                return _content(answer)
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """The same, awaited."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = 120.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Speak to the service at `url` with a key of `provenance keys create`."""
        self._http = httpx.AsyncClient(transport=transport, **_settings(url, key, timeout_s))

    async def check(self, picture: Picture, **options: Any) -> Report:
        """Check a picture on the spot; as `Client.check`."""
        return from_dict(await self._send(_check(picture, "sync", options)))

    async def submit(self, picture: Picture, **options: Any) -> str:
        """Let a picture be checked later; returns the job's id."""
        job: dict[str, Any] = await self._send(_check(picture, "job", options))
        return str(job["id"])

    async def job(self, job_id: str) -> dict[str, Any]:
        """How far a job is."""
        found: dict[str, Any] = await self._send(_Request("GET", f"/v1/jobs/{job_id}"))
        return found

    async def wait(self, job_id: str, *, timeout_s: float = 600.0) -> Report:
        """Wait for a job and return its report; as `Client.wait`."""
        deadline = time.monotonic() + timeout_s
        while (place := _finished(await self.job(job_id))) is None:
            if time.monotonic() > deadline:
                raise ServiceError(f"job {job_id} is not done after {timeout_s:g} s")
            await asyncio.sleep(_POLL_S)
        return from_dict(await self._send(_Request("GET", place)))

    async def compare(self, original: Picture, edited: Picture, **options: Any) -> Report:
        """Say what was changed between two pictures."""
        files = {"original": _upload(original), "edited": _upload(edited)}
        return from_dict(await self._send(_Request("POST", "/v1/compare", options, files)))

    async def add(self, picture: Picture, **details: str) -> dict[str, Any]:
        """Trust a picture; as `Client.add`."""
        [item] = (await self._send(_add(picture, details)))["items"]
        reference: dict[str, Any] = item["reference"]
        return reference

    async def withdraw(self, reference_id: int) -> None:
        """Withdraw a trusted picture, effective on the very next check."""
        await self._send(_Request("DELETE", f"/v1/references/{reference_id}"))

    async def references(self, **wanted: Any) -> AsyncIterator[dict[str, Any]]:
        """All trusted pictures, the newest first; wanted: status, collection, q."""
        before: int | None = 2**63 - 1
        while before:
            params = {**wanted, "limit": 200, "before": before}
            page = await self._send(_Request("GET", "/v1/references", params))
            for item in page["items"]:
                yield item
            before = page["next"]

    async def mark(self, report_id: str, mark: MarkKind, note: str | None = None) -> None:
        """Say of a report: right, wrong, or not_same."""
        said = {"report": report_id, "mark": mark, "note": note}
        await self._send(_Request("POST", "/v1/feedback", json=said))

    async def _send(self, request: _Request) -> Any:
        for attempt in range(_TRIES):
            try:
                answer = await self._http.request(request.method, request.path, **request.arguments())
            except httpx.HTTPError as error:
                raise ServiceError(f"{self._http.base_url} does not answer: {error}") from error
            pause = _pause(answer, attempt)
            if pause is None:
                return _content(answer)
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
