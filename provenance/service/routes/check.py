"""Find the trusted original of a picture."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse

from provenance.errors import UsageError
from provenance.service.context import Checker, Library
from provenance.service.uploads import answer, read_upload, web_address

router = APIRouter(prefix="/v1", tags=["check"])


@router.post("/check", response_model=None)
def check(
    request: Request,
    library: Library,
    caller: Checker,
    file: Annotated[UploadFile | None, File(description="The picture.")] = None,
    url: Annotated[
        str | None, Form(description="Or where to fetch it: http(s), public addresses only.")
    ] = None,
    explain: Annotated[
        bool, Query(description="False: only find the original; the pair is not compared.")
    ] = True,
) -> JSONResponse | HTMLResponse:
    """Find the trusted original of an uploaded picture or a URL; JSON, or HTML where it is asked for."""
    if (file is None) == (url is None):
        raise UsageError("send either a file or a url")
    if file is not None:
        report = library.check(read_upload(file, library), name=file.filename or "upload", explain=explain)
    else:
        report = library.check(web_address(url or ""), explain=explain)
    return answer(request, report)
