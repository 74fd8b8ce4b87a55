"""Accepted checks: how far they are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from provenance.errors import NotFoundError
from provenance.ledger import CheckRecord
from provenance.pipeline import Provenance
from provenance.service.context import Before, Checker, Library, Limit, Token
from provenance.service.models import Job, Jobs
from provenance.service.schema import PROBLEMS

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=PROBLEMS)

_LOOK_S = (0.3, 2.0)
"""First and longest pause between two looks: who waits long need not know to the moment."""
_COMMENT_EVERY = 10
"""Looks without news after which a comment is sent, so that no proxy takes the connection for dead."""


@router.get("")
def jobs(library: Library, caller: Checker, before: Before = None, limit: Limit = 50) -> Jobs:
    """List checks, the newest first: the caller's own; for curators everyone's."""
    own = None if caller.may("curator") else caller.key_id
    found = library.database.checks.history(key_id=own, before=before, limit=limit)
    return Jobs(
        items=[Job.of(check) for check in found],
        next=found[-1].check_id if len(found) == limit else None,
    )


@router.get("/{token}")
def job(library: Library, caller: Checker, token: Token, response: Response) -> Job:
    """Say how far a check is."""
    found = _look(library, token)
    if found.finished_at is None:
        response.headers["Retry-After"] = "1"
    return found


@router.get(
    "/{token}/events",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Events named `job`, each with a Job.", "content": {"text/event-stream": {}}}
    },
)
async def events(library: Library, caller: Checker, token: Token, request: Request) -> StreamingResponse:
    """Follow a check with server-sent events, until it is done or has failed."""
    first = await run_sync(_look, library, token)
    return StreamingResponse(
        _follow(library, first), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


def _look(library: Provenance, token: str) -> Job:
    checks = library.database.checks
    check: CheckRecord = checks.get(token)
    return Job.of(check, checks.ahead(check) if check.state == "queued" else None)


async def _follow(library: Provenance, job: Job) -> AsyncIterator[str]:
    told, quiet = None, 0
    while True:
        if job != told:
            yield f"event: job\ndata: {job.model_dump_json()}\n\n"
            told, quiet = job, 0
        elif quiet % _COMMENT_EVERY == 0:
            yield ": still here\n\n"
        if job.finished_at is not None:
            return
        await anyio.sleep(min(_LOOK_S[0] * 1.1**quiet, _LOOK_S[1]))
        quiet += 1
        try:
            job = await run_sync(_look, library, job.id)
        except NotFoundError:  # forgotten meanwhile: there is nothing more to tell
            return
