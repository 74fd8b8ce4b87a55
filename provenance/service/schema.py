"""The OpenAPI document: reports by their own JSON schema, errors as problem details."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

import provenance.report
from provenance.service.problems import MEDIA_TYPE, Problem

_REPORT = {"$ref": "#/components/schemas/Report"}
_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}

Responses = dict[int | str, dict[str, Any]]

PROBLEMS: Responses = {
    status: {"description": text, "content": {MEDIA_TYPE: _PROBLEM}}
    for status, text in (
        ("4XX", "The request is at fault."),
        (422, "It is malformed."),
        ("5XX", "The service is."),
    )
}
"""What any route may answer."""

REPORT: Responses = {
    200: {
        "description": "The report.",
        "content": {"application/json": {"schema": _REPORT}, "text/html": {}},
    },
    422: {
        "description": "The picture cannot be read (a report with verdict `error`), or the request is wrong.",
        "content": {"application/json": {"schema": _REPORT}, "text/html": {}, MEDIA_TYPE: _PROBLEM},
    },
}
"""What a route answers that makes a report."""


def picture(*media_types: str) -> Responses:
    """What a route answers that sends a picture."""
    return {200: {"description": "The picture.", "content": {one: {} for one in media_types}}}


def install(app: FastAPI) -> None:
    """Let the app's document use the schema of reports that the command line and the library use."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            schemas = document["components"]["schemas"]
            schemas["Report"] = _report_schema()
            schemas["Problem"] = Problem.model_json_schema()
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _report_schema() -> dict[str, Any]:
    """The schema of reports, with its own references made those of a component."""
    text = (Path(provenance.report.__file__).parent / "report.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text.replace('"#/', '"#/components/schemas/Report/'))
    del schema["$schema"], schema["$id"]
    return schema
