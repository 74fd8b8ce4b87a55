"""Find the trusted original of a picture."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Header, HTTPException, Query, Request, UploadFile
from fastapi.responses import JSONResponse, Response

from provenance.errors import UsageError
from provenance.jobs import make_report
from provenance.ledger import CheckRecord
from provenance.service.answers import report_answer
from provenance.service.checking import accept, asked_for, make_now, read_upload, upload_name, web_address
from provenance.service.context import Checker, InOffice
from provenance.service.models import Job
from provenance.service.schema import PROBLEMS, REPORT

router = APIRouter(prefix="/v1", tags=["check"], responses=PROBLEMS)

Language = Annotated[str | None, Query(max_length=10, description="Of the sentences; null: the service's.")]
Evidence = Annotated[
    bool, Query(description="Keep the pictures behind the report for a time: the page, the change map.")
]
Once = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$",
        description="A request that is sent again with the same key is not done again.",
    ),
]  # fmt: skip


@router.post(
    "/check",
    response_model=None,
    responses={**REPORT, 202: {"description": "Accepted: see its Location.", "model": Job}},
)
async def check(
    request: Request,
    office: InOffice,
    caller: Checker,
    file: Annotated[UploadFile | None, File(description="The picture.")] = None,
    url: Annotated[
        str | None, Form(max_length=2048, description="Or its address: http(s), public hosts only.")
    ] = None,
    callback: Annotated[
        str | None, Form(max_length=2048, description="With mode=job: where to post the signed result.")
    ] = None,
    mode: Annotated[Literal["sync", "job"], Query(description="job: answer at once, check later.")] = "sync",
    explain: Annotated[bool, Query(description="False: only find the original.")] = True,
    evidence: Evidence = False,
    language: Language = None,
    top_k: Annotated[int | None, Query(ge=1, le=100, description="Candidates verified at first.")] = None,
    once: Once = None,
) -> Response:
    """Find the trusted original of an uploaded picture or a URL; JSON, or HTML where it is asked for."""
    if (file is None) == (url is None):
        raise UsageError("send either a file or a url")
    if callback is not None and mode == "sync":
        raise UsageError("a callback is for mode=job: the answer to a check on the spot is the report")
    pictures: tuple[bytes, ...]
    options = {"explain": explain, "evidence": evidence, "language": language, "top_k": top_k}
    if file is not None:
        name, pictures = upload_name(file), (await read_upload(file, office.library),)
    else:
        name, pictures = web_address(url or "", office.library), ()
        options["url"] = name
    if callback is not None:
        web_address(callback, office.library)
    asked = asked_for("check", name, pictures, options, callback=callback, once=once)
    if mode == "job":
        return accepted(*await accept(office, asked, caller))
    make = partial(make_report, office.library, options, pictures[0] if pictures else None, name)
    made, stored = await make_now(office, asked, caller, make)
    return repeated(stored) if made is None else report_answer(request, made.report, location(stored))


def accepted(job: CheckRecord, fresh: bool) -> Response:
    """The answer to an accepted check, new or repeated."""
    headers = {"Location": f"/v1/jobs/{job.token}"} | ({} if fresh else {"Idempotent-Replayed": "true"})
    return JSONResponse(Job.of(job).model_dump(), 202, headers=headers)


def location(stored: CheckRecord | None) -> dict[str, str]:
    """Where the report is kept, as headers."""
    return {"Location": f"/v1/reports/{stored.token}"} if stored else {}


def repeated(stored: CheckRecord | None) -> Response:
    """The answer to a request that was made before: the report of then."""
    if stored is None or stored.report is None:
        raise HTTPException(409, "the check that this Idempotency-Key stands for is not done yet")
    status = 422 if stored.verdict == "error" else 200
    headers = {**location(stored), "Idempotent-Replayed": "true"}
    return JSONResponse(dict(stored.report), status, headers=headers)
