"""The calls as methods of two clients: one blocks, one is awaited; all else they share."""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import update_wrapper
from itertools import count
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import anyio
import httpx

from provenance.client import calls
from provenance.client.answers import Checked, Job, Page, Reference, Status
from provenance.client.calls import Call
from provenance.client.sending import PATIENCE, TIMEOUT, Patience, options, read, request
from provenance.errors import ServiceError

P = ParamSpec("P")
T = TypeVar("T")
_F = TypeVar("_F", bound=Callable[..., Any])


def _blocking(build: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(build(*args, **kwargs))

    return _named_like(build, method)


def _awaited(build: Callable[P, Call[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.send(build(*args, **kwargs))

    return _named_like(build, method)


def _named_like(build: Callable[..., Any], method: _F) -> _F:
    """Let `help()` show name, words and arguments of the call."""
    update_wrapper(method, build)
    own = inspect.signature(build)
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    method.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[this, *own.parameters.values()], return_annotation=inspect.Signature.empty
    )
    return method


class Client:
    """A service, asked from ordinary code.

    `url` is its address (default PROVENANCE_URL, or this machine's), `key` its key (default
    PROVENANCE_API_KEY). `transport` is one of httpx, for proxies, certificates or tests.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        patience: Patience = PATIENCE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(**options(url, key), timeout=timeout, transport=transport)
        self._patience = patience

    def send(self, call: Call[T]) -> T:
        """Send a call of `provenance.client.calls` until there is an answer. Raises ProvenanceError."""
        for tried in count(1):
            wait: float | None
            try:
                with call.opened() as files:
                    answer = self._http.send(request(self._http, call, files))
            except httpx.TransportError as error:
                wait = self._patience.after_failure(call, error, tried)
            else:
                wait = self._patience.after_answer(call, answer, tried)
                if wait is None:
                    return read(call, answer)
            time.sleep(wait)
        raise AssertionError("count() never ends")

    check = _blocking(calls.check)
    submit = _blocking(calls.submit)
    compare = _blocking(calls.compare)
    job = _blocking(calls.job)
    jobs = _blocking(calls.jobs)
    report = _blocking(calls.report)
    report_page = _blocking(calls.report_page)
    report_jsonld = _blocking(calls.report_jsonld)
    evidence = _blocking(calls.evidence)
    forget = _blocking(calls.forget)
    add = _blocking(calls.add)
    references = _blocking(calls.references)
    reference = _blocking(calls.reference)
    change_reference = _blocking(calls.change_reference)
    withdraw = _blocking(calls.withdraw)
    restore = _blocking(calls.restore)
    reference_image = _blocking(calls.reference_image)
    reference_thumbnail = _blocking(calls.reference_thumbnail)
    collections = _blocking(calls.collections)
    collection = _blocking(calls.collection)
    create_collection = _blocking(calls.create_collection)
    change_collection = _blocking(calls.change_collection)
    delete_collection = _blocking(calls.delete_collection)
    mark = _blocking(calls.mark)
    marks = _blocking(calls.marks)
    unmark = _blocking(calls.unmark)
    hashes = _blocking(calls.hashes)
    lookup = _blocking(calls.lookup)
    search_text = _blocking(calls.search_text)
    version = _blocking(calls.version)

    def wait(
        self, job: Job | str, *, timeout_s: float = 600.0, progress: Callable[[Job], None] | None = None
    ) -> Checked:
        """Wait for an accepted check; `progress` is told whenever something changed.

        Raises ServiceError when it failed or is not done in time.
        """
        job_id, told = _id_of(job), None
        for pause in _looks(job_id, timeout_s):
            found = self.job(job_id)
            if progress is not None and found != told:
                progress(found)
            told = found
            if _is_done(found):
                return self.report(job_id)
            time.sleep(pause)
        raise AssertionError("looks end by an error")

    def iter_references(
        self, *, status: Status | None = None, collection: str | None = None, words: str | None = None
    ) -> Iterator[Reference]:
        """All trusted pictures that fit, the newest first, page by page as they are needed."""
        page: Page[Reference] = Page([], None)
        while True:
            page = self.references(
                status=status, collection=collection, words=words, before=page.next, limit=200
            )
            yield from page.items
            if page.next is None:
                return

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Itself, to be closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its connections."""
        self.close()


class AsyncClient:
    """A service, asked from asyncio or trio; as `Client` otherwise."""

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        patience: Patience = PATIENCE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**options(url, key), timeout=timeout, transport=transport)
        self._patience = patience

    async def send(self, call: Call[T]) -> T:
        """Send a call of `provenance.client.calls` until there is an answer. Raises ProvenanceError."""
        for tried in count(1):
            wait: float | None
            try:
                with call.opened() as files:
                    answer = await self._http.send(request(self._http, call, files))
            except httpx.TransportError as error:
                wait = self._patience.after_failure(call, error, tried)
            else:
                wait = self._patience.after_answer(call, answer, tried)
                if wait is None:
                    return read(call, answer)
            await anyio.sleep(wait)
        raise AssertionError("count() never ends")

    check = _awaited(calls.check)
    submit = _awaited(calls.submit)
    compare = _awaited(calls.compare)
    job = _awaited(calls.job)
    jobs = _awaited(calls.jobs)
    report = _awaited(calls.report)
    report_page = _awaited(calls.report_page)
    report_jsonld = _awaited(calls.report_jsonld)
    evidence = _awaited(calls.evidence)
    forget = _awaited(calls.forget)
    add = _awaited(calls.add)
    references = _awaited(calls.references)
    reference = _awaited(calls.reference)
    change_reference = _awaited(calls.change_reference)
    withdraw = _awaited(calls.withdraw)
    restore = _awaited(calls.restore)
    reference_image = _awaited(calls.reference_image)
    reference_thumbnail = _awaited(calls.reference_thumbnail)
    collections = _awaited(calls.collections)
    collection = _awaited(calls.collection)
    create_collection = _awaited(calls.create_collection)
    change_collection = _awaited(calls.change_collection)
    delete_collection = _awaited(calls.delete_collection)
    mark = _awaited(calls.mark)
    marks = _awaited(calls.marks)
    unmark = _awaited(calls.unmark)
    hashes = _awaited(calls.hashes)
    lookup = _awaited(calls.lookup)
    search_text = _awaited(calls.search_text)
    version = _awaited(calls.version)

    async def wait(
        self, job: Job | str, *, timeout_s: float = 600.0, progress: Callable[[Job], None] | None = None
    ) -> Checked:
        """Wait for an accepted check; `progress` is told whenever something changed.

        Raises ServiceError when it failed or is not done in time.
        """
        job_id, told = _id_of(job), None
        for pause in _looks(job_id, timeout_s):
            found = await self.job(job_id)
            if progress is not None and found != told:
                progress(found)
            told = found
            if _is_done(found):
                return await self.report(job_id)
            await anyio.sleep(pause)
        raise AssertionError("looks end by an error")

    async def iter_references(
        self, *, status: Status | None = None, collection: str | None = None, words: str | None = None
    ) -> AsyncIterator[Reference]:
        """All trusted pictures that fit, the newest first, page by page as they are needed."""
        page: Page[Reference] = Page([], None)
        while True:
            page = await self.references(
                status=status, collection=collection, words=words, before=page.next, limit=200
            )
            for one in page.items:
                yield one
            if page.next is None:
                return

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Itself, to be closed at the end."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close its connections."""
        await self.aclose()


def _id_of(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id


def _is_done(job: Job) -> bool:
    if job.state == "failed":
        raise ServiceError(f"check {job.id} failed: {job.error}")
    return job.state == "done"


def _looks(job_id: str, timeout_s: float) -> Iterator[float]:
    """Pauses between looks, the longer the longer it takes. Raises ServiceError when the time is over."""
    deadline, pause = time.monotonic() + timeout_s, 0.2
    while time.monotonic() < deadline:
        yield pause
        pause = min(pause * 1.3, 2.0)
    raise ServiceError(f"check {job_id} is not done after {timeout_s:g} s; it goes on: wait for it again")
