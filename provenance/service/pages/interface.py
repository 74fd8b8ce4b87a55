"""The HTTP interface, described from its own document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from provenance.service.site import show

router = APIRouter()


@router.get("/docs")
def interface(request: Request) -> Response:
    """Every route with its parameters and answers."""
    document = request.app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for route in _routes(document):
        groups.setdefault(route["tag"], []).append(route)
    return show(request, "interface.html.j2", groups=groups)


def _routes(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            yield {
                "tag": (said.get("tags") or ["other"])[0],
                "method": method.upper(),
                "path": path,
                "text": said.get("description", ""),
                "parameters": [*_parameters(said), *_fields(document, said)],
                "answers": [(code, one["description"]) for code, one in said["responses"].items()],
            }


def _parameters(said: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for one in said.get("parameters", ()):
        yield one["name"], one["in"], one.get("description") or one.get("schema", {}).get("description", "")


def _fields(document: dict[str, Any], said: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for content in said.get("requestBody", {}).get("content", {}).values():
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        for field, schema in document["components"]["schemas"].get(name, {}).get("properties", {}).items():
            yield field, "body", schema.get("description", "")
