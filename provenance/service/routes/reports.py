"""Reports that are kept, and the pictures behind them."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from provenance.errors import ConflictError
from provenance.ledger import CheckRecord
from provenance.pipeline import Provenance
from provenance.report import from_dict, to_html, to_jsonld
from provenance.service.answers import page_answer, tagged, wants_page
from provenance.service.context import Checker, Curator, Library, Token
from provenance.service.schema import PROBLEMS, REPORT, picture

router = APIRouter(prefix="/v1/reports", tags=["reports"], responses=PROBLEMS)


@router.get("/{token}", response_model=None, responses={200: REPORT[200]})
def report(library: Library, caller: Checker, token: Token, request: Request) -> Response:
    """Return a report as JSON, or as a page where HTML is asked for."""
    if wants_page(request):
        return page(library, caller, token)
    return tagged(request, json.dumps(_done(library, token).report).encode(), "application/json")


@router.get("/{token}/page", response_model=None, responses={200: {"content": {"text/html": {}}}})
def page(library: Library, caller: Checker, token: Token) -> Response:
    """Return a report as one self-contained page; with pictures as long as these are kept."""
    check = _done(library, token)
    if "page.html" in library.database.checks.evidence_names(check.check_id):
        return page_answer(library.database.checks.evidence(token, "page.html").data.decode())
    return page_answer(to_html(from_dict(dict(check.report or {}))))


@router.get(
    "/{token}/jsonld", response_class=Response, responses={200: {"content": {"application/ld+json": {}}}}
)
def jsonld(library: Library, caller: Checker, token: Token, request: Request) -> Response:
    """Return MediaReview and ClaimReview as a draft for a person to confirm; empty where nothing is known."""
    draft = to_jsonld(from_dict(dict(_done(library, token).report or {})), indent=2)
    attached = {"Content-Disposition": f'attachment; filename="{token}.jsonld"'}
    return tagged(request, draft.encode(), "application/ld+json", headers=attached)


@router.get(
    "/{token}/evidence/{name}",
    response_class=Response,
    responses=picture("image/png", "application/octet-stream"),
)
def evidence(
    library: Library,
    caller: Checker,
    token: Token,
    name: Annotated[Literal["heat.png", "outlined.png", "query"], Path(description="Which picture.")],
    request: Request,
) -> Response:
    """Return a picture behind a report: the change map, the outlined changes, or (where kept) the query."""
    found = library.database.checks.evidence(token, name)
    return tagged(
        request,
        found.data,
        found.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.delete("/{token}", status_code=204)
def forget(library: Library, caller: Curator, token: Token) -> None:
    """Forget a check, its report and its pictures; what reviewers said of it stays."""
    library.database.checks.delete(token, by=caller)


def _done(library: Provenance, token: str) -> CheckRecord:
    check = library.database.checks.get(token)
    if check.report is None:
        reason = check.error or "it is not done yet: see /v1/jobs"
        raise ConflictError(f"there is no report of this check: {reason}")
    return check
