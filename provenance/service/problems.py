"""Errors -> problem details (RFC 9457), whatever raised them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from provenance.errors import BusyError, ProvenanceError
from provenance.service.site import is_page_request, show_problem

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong and what to do, as in RFC 9457."""

    type: str = Field(default="about:blank", description="about:blank: the status says it all")
    title: str = Field(description="name of the error")
    status: int = Field(description="HTTP status")
    detail: str = Field(description="what happened, and the cure")


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A response with problem details."""
    body = Problem(title=title, status=status, detail=detail).model_dump()
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of the app be answered with problem details, on pages for people with a page."""

    def answer(
        request: Request, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        if is_page_request(request.url.path, request.headers):
            return show_problem(request, status, detail)
        return problem(status, title, detail, headers)

    @app.exception_handler(ProvenanceError)
    def explained(request: Request, error: ProvenanceError) -> Response:
        headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, BusyError) else None
        return answer(request, error.http_status, type(error).__name__, str(error), headers)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        title = HTTPStatus(error.status_code).phrase
        return answer(request, error.status_code, title, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> Response:
        faults = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return answer(request, 422, "malformed request", "; ".join(faults))

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        # The server logs the traceback; whoever asked learns nothing of the inside.
        return answer(request, 500, "Internal Server Error", "the service made a mistake; its log says which")
