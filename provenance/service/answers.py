"""Records -> responses: JSON with an ETag, or a page."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel

from provenance.records import Report
from provenance.report import to_dict, to_html

_POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]*)"')


def tagged(
    request: Request, body: bytes, media_type: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """A response with an ETag, or 304 where the caller has it already."""
    tag = etag(body)
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    sent = {"ETag": tag, "Cache-Control": "private, no-cache", **(headers or {})}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=sent)
    return Response(body, media_type=media_type, headers=sent)


def etag(body: bytes) -> str:
    """The ETag of a body: from its content."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def as_json(request: Request, content: BaseModel | Mapping[str, Any]) -> Response:
    """A record as JSON with an ETag."""
    body = content.model_dump_json() if isinstance(content, BaseModel) else json.dumps(content)
    return tagged(request, body.encode(), "application/json")


def wants_page(request: Request) -> bool:
    """Whether the caller is a browser that wants to show the answer."""
    return "text/html" in request.headers.get("accept", "")


def report_answer(
    request: Request, report: Report, headers: Mapping[str, str] | None = None
) -> JSONResponse | HTMLResponse:
    """A report as JSON, or as a page where HTML is asked for; an unreadable picture is status 422."""
    status = 422 if report.verdict == "error" else 200
    if wants_page(request):
        return page_answer(to_html(report), status, headers)
    return JSONResponse(to_dict(report), status, headers=headers)


def page_answer(page: str, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """A self-contained report, under the policy that it brings: its own style, script and pictures."""
    policy = html.unescape(_POLICY.search(page)[1])  # type: ignore[index]
    sent = {"Content-Security-Policy": f"{policy}; frame-ancestors 'none'", **(headers or {})}
    return HTMLResponse(page, status, headers=sent)
