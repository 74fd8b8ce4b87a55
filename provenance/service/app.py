"""The routes: every one turns a request into one call of the library and its record into JSON."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse

from provenance import __version__
from provenance.errors import ProvenanceError, UsageError
from provenance.pipeline import Provenance
from provenance.records import Report
from provenance.report import to_dict, to_html


def build(library: Provenance) -> FastAPI:
    """An application over `library`; its calls run in the server's thread pool."""
    app = FastAPI(title="provenance", version=__version__, docs_url="/docs", redoc_url=None)

    @app.exception_handler(ProvenanceError)
    def problem(request: Request, error: ProvenanceError) -> JSONResponse:
        """RFC 9457 problem details."""
        body = {
            "type": "about:blank",
            "title": type(error).__name__,
            "status": error.http_status,
            "detail": str(error),
        }
        return JSONResponse(body, error.http_status, media_type="application/problem+json")

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> dict[str, Any]:
        """The database answers."""
        return {"status": "ok", "references": library.database.stats().references}

    @app.get("/version")
    def version() -> dict[str, str]:
        """Versions of the program and its descriptors."""
        return {"provenance": __version__, **library.describer.versions}

    @app.post("/v1/check", response_model=None)
    def check(
        request: Request,
        file: Annotated[UploadFile | None, File(description="The picture.")] = None,
        url: Annotated[
            str | None, Form(description="Or where to fetch it: http(s), public addresses only.")
        ] = None,
    ) -> JSONResponse | HTMLResponse:
        """Find the trusted original of an uploaded picture or a URL; JSON, or HTML where it is asked for."""
        if (file is None) == (url is None):
            raise UsageError("send either a file or a url")
        if file is not None:
            report = library.check(_read(file, library), name=file.filename or "upload")
        else:
            report = library.check(_web_address(url or ""))
        return _answer(request, report)

    @app.post("/v1/compare", response_model=None)
    def compare(
        request: Request, original: Annotated[UploadFile, File()], edited: Annotated[UploadFile, File()]
    ) -> JSONResponse | HTMLResponse:
        """Say what was changed between two uploaded pictures."""
        report = library.explain(
            _read(original, library), _read(edited, library),
            original_name=original.filename, edited_name=edited.filename,
        )  # fmt: skip
        return _answer(request, report)

    return app


def _read(file: UploadFile, library: Provenance) -> bytes:
    """The upload's bytes, one more than the limit at most: the decoder refuses those."""
    return file.file.read(library.settings.decode.max_bytes + 1)


def _web_address(url: str) -> str:
    """Only web addresses: no path from a request ever opens a file."""
    if not url.lower().startswith(("http://", "https://")):
        raise UsageError("the url must begin with http:// or https://")
    return url


def _answer(request: Request, report: Report) -> JSONResponse | HTMLResponse:
    status = 422 if report.verdict == "error" else 200
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(to_html(report), status)
    return JSONResponse(to_dict(report), status)
