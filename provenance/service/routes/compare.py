"""What differs between two pictures."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import Response

from provenance.jobs import compare_pair
from provenance.service.answers import report_answer
from provenance.service.checking import asked_for, make_now, read_upload, upload_name
from provenance.service.context import Checker, InOffice
from provenance.service.routes.check import Evidence, Language, Once, location, repeated
from provenance.service.schema import PROBLEMS, REPORT

router = APIRouter(prefix="/v1", tags=["check"], responses=PROBLEMS)


@router.post("/compare", response_model=None, responses=REPORT)
async def compare(
    request: Request,
    office: InOffice,
    caller: Checker,
    original: Annotated[UploadFile, File(description="The original.")],
    edited: Annotated[UploadFile, File(description="What was made of it.")],
    evidence: Evidence = False,
    language: Language = None,
    once: Once = None,
) -> Response:
    """Say what was changed between two uploaded pictures; uses no trusted picture."""
    names = upload_name(original, "original"), upload_name(edited, "edited")
    pictures = await read_upload(original, office.library), await read_upload(edited, office.library)
    options = {"evidence": evidence, "language": language, "original": names[0]}
    asked = asked_for("compare", names[1], pictures, options, once=once)
    made, stored = await make_now(
        office, asked, caller, partial(compare_pair, office.library, options, pictures, names)
    )
    return repeated(stored) if made is None else report_answer(request, made.report, location(stored))
