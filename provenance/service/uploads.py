"""What a request brings: pictures and web addresses."""

from __future__ import annotations

from fastapi import Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse

from provenance.errors import UsageError
from provenance.pipeline import Provenance
from provenance.records import Report
from provenance.report import to_dict, to_html


def read_upload(file: UploadFile, library: Provenance) -> bytes:
    """The upload's bytes, one more than the limit at most: the decoder refuses those."""
    return file.file.read(library.settings.decode.max_bytes + 1)


def web_address(url: str) -> str:
    """Only web addresses: no path from a request ever opens a file."""
    if not url.lower().startswith(("http://", "https://")):
        raise UsageError("the url must begin with http:// or https://")
    return url


def answer(request: Request, report: Report) -> JSONResponse | HTMLResponse:
    """A report as JSON, or as a page where HTML is asked for; an unreadable picture is status 422."""
    status = 422 if report.verdict == "error" else 200
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(to_html(report), status)
    return JSONResponse(to_dict(report), status)
