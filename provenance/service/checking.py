"""A request for a check -> a check on the spot, or an accepted one."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import anyio
from anyio.to_thread import run_sync
from fastapi import HTTPException, UploadFile

from provenance.decode.fetch import check_address
from provenance.errors import FetchError, UsageError
from provenance.jobs import Made
from provenance.languages import load_language
from provenance.ledger import Actor, CheckRecord, NewCheck
from provenance.pipeline import Provenance
from provenance.report import to_dict
from provenance.service.context import Office

_LONGEST_NAME = 300
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A check as a request asks for it."""

    new: NewCheck
    pictures: tuple[bytes, ...]


async def read_upload(file: UploadFile, library: Provenance) -> bytes:
    """The upload's bytes, one more than the limit at most: the decoder refuses those."""
    return await file.read(library.settings.decode.max_bytes + 1)


def upload_name(file: UploadFile, otherwise: str = "upload") -> str:
    """What an upload is called; only ever shown, never opened."""
    return (file.filename or otherwise)[:_LONGEST_NAME]


def web_address(url: str, library: Provenance) -> str:
    """Only web addresses: no path from a request ever opens a file."""
    try:
        check_address(url, limits=library.limits)
    except FetchError as error:
        raise UsageError(str(error)) from error
    return url


def asked_for(
    kind: Literal["check", "compare"],
    name: str,
    pictures: tuple[bytes, ...],
    options: dict[str, Any],
    *,
    callback: str | None = None,
    once: str | None = None,
) -> Asked:
    """Put a request together; `once` is its idempotency key, and the fingerprint what that stands for."""
    load_language(options.get("language") or "en")
    contents = [hashlib.sha256(picture).hexdigest() for picture in pictures]
    fingerprint = hashlib.sha256(json.dumps([kind, contents, options, callback]).encode()).hexdigest()
    return Asked(NewCheck(kind, name, options, callback, once, fingerprint if once else None), pictures)


async def accept(office: Office, asked: Asked, caller: Actor) -> tuple[CheckRecord, bool]:
    """Queue a check; False where its idempotency key was used before."""
    checks, most = office.library.database.checks, office.library.settings.service.queue
    picture = asked.pictures[0] if asked.pictures else None
    accepted = await run_sync(partial(checks.accept, asked.new, picture, most=most, by=caller))
    office.workers.wake()
    return accepted


async def make_now(
    office: Office, asked: Asked, caller: Actor, make: Callable[[], Made]
) -> tuple[Made | None, CheckRecord | None]:
    """Make a check on the spot and keep its report; of a repeated request return only the former check."""
    checks = office.library.database.checks
    if asked.new.idempotency_key is not None:
        former = await run_sync(partial(checks.repeated, asked.new, by=caller))
        if former is not None:
            return None, former
    made = await at_bench(office, make)
    office.metrics.check(made.report)
    if office.library.settings.service.keep_reports_days <= 0:
        return made, None
    store = partial(checks.store, asked.new, to_dict(made.report), made.files, by=caller)
    stored, fresh = await run_sync(store)
    return (made if fresh else None), stored


async def at_bench(office: Office, work: Callable[[], _T]) -> _T:
    """Do work where checks are made; whoever waits too long is told to send it as a job."""
    given_up = threading.Event()

    def at_place() -> _T:
        with office.bench.place():
            if given_up.is_set():
                raise HTTPException(503, "nobody waits for this any more")
            return work()

    seconds = office.library.settings.service.check_timeout_s
    with anyio.move_on_after(seconds):
        return await run_sync(at_place, limiter=office.threads, abandon_on_cancel=True)
    given_up.set()
    wait = str(office.bench.retry_after_s(office.bench.waiting))
    raise HTTPException(503, f"not done within {seconds:g} s: send it with mode=job", {"Retry-After": wait})
