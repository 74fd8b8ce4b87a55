"""Styles and scripts: the few files of this program, by name."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from provenance.errors import NotFoundError
from provenance.service.answers import tagged
from provenance.service.site import static_files

router = APIRouter()
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@router.get("/static/{name}")
def static(request: Request, name: str) -> Response:
    """Return one of the files that the pages load."""
    path = static_files().get(name)
    if path is None:
        raise NotFoundError(f"there is no file {name!r}")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return tagged(request, path.read_bytes(), _TYPES[path.suffix], headers=headers)
