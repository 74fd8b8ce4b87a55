"""What differs between two pictures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse

from provenance.service.context import Checker, Library
from provenance.service.uploads import answer, read_upload

router = APIRouter(prefix="/v1", tags=["check"])


@router.post("/compare", response_model=None)
def compare(
    request: Request,
    library: Library,
    caller: Checker,
    original: Annotated[UploadFile, File(description="The original.")],
    edited: Annotated[UploadFile, File(description="What was made of it.")],
) -> JSONResponse | HTMLResponse:
    """Say what was changed between two uploaded pictures."""
    report = library.explain(
        read_upload(original, library), read_upload(edited, library),
        original_name=original.filename, edited_name=edited.filename,
    )  # fmt: skip
    return answer(request, report)
