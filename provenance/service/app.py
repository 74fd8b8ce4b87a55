"""The routes: every one turns a request into one call of the library and its record into JSON."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, File, Form, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provenance import __version__
from provenance.errors import ProvenanceError, UsageError
from provenance.pipeline import Provenance
from provenance.records import Report
from provenance.report import to_dict, to_html


def build(library: Provenance) -> FastAPI:
    """An application over `library`; its calls run in the server's thread pool."""
    app = FastAPI(title="provenance", version=__version__, docs_url="/docs", redoc_url=None)
    app.add_middleware(BodyLimit, max_bytes=2 * library.settings.decode.max_bytes + 2**16)

    @app.exception_handler(ProvenanceError)
    def problem(request: Request, error: ProvenanceError) -> JSONResponse:
        return _problem(error.http_status, type(error).__name__, str(error))

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> JSONResponse:
        return _problem(error.status_code, HTTPStatus(error.status_code).phrase, error.detail)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return _problem(422, "malformed request", "; ".join(faults))

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
        explain: Annotated[
            bool, Query(description="False: only find the original; the pair is not compared.")
        ] = True,
    ) -> JSONResponse | HTMLResponse:
        """Find the trusted original of an uploaded picture or a URL; JSON, or HTML where it is asked for."""
        if (file is None) == (url is None):
            raise UsageError("send either a file or a url")
        if file is not None:
            report = library.check(_read(file, library), name=file.filename or "upload", explain=explain)
        else:
            report = library.check(_web_address(url or ""), explain=explain)
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


class BodyLimit:
    """ASGI middleware: no request may fill the disk, not even one that does not say its length.

    Two uploads fit; a picture over the limit of one is the decoder's to refuse.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; its body ends with status 413 once it is over the limit."""
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(413, f"the request is over {self._max_bytes:,} bytes; send less")
            return message

        await self._app(scope, limited, send)


def _problem(status: int, title: str, detail: str) -> JSONResponse:
    """RFC 9457 problem details."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


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
