"""What was checked."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from provenance.report.card import TONES
from provenance.service.context import Before, Checker, Library
from provenance.service.site import show

router = APIRouter()
_A_PAGE = 50


@router.get("/history")
def history(request: Request, library: Library, caller: Checker, before: Before = None) -> Response:
    """Checks, the newest first: the reader's own, or for curators everyone's."""
    own = None if caller.may("curator") else caller.key_id
    found = library.database.checks.history(key_id=own, before=before, limit=_A_PAGE)
    older = found[-1].check_id if len(found) == _A_PAGE else None
    return show(request, "history.html.j2", checks=found, older=older, before=before, tones=TONES)
