"""What all pages share: the reader's language, the content policy, templates, and how a mistake is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from provenance.languages import Language, languages, load_language
from provenance.ledger import NO_KEY, Actor

TEMPLATES = Path(__file__).parent / "pages" / "templates"
STATIC = Path(__file__).parent / "pages" / "static"
LANGUAGE_COOKIE = "provenance_language"
POLICY = (
    "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def language_of(request: Request) -> Language:
    """The language the reader chose, or the first of the browser's that there is."""
    known = languages()
    wished = [request.cookies.get(LANGUAGE_COOKIE, "")]
    asked = request.headers.get("accept-language", "")
    wished += [part.strip()[:2].lower() for part in asked.split(",")]
    return load_language(next((one for one in wished if one in known), "en"))


def show(request: Request, template: str, *, status: int = 200, **content: Any) -> HTMLResponse:
    """A page, with what its template needs."""
    language = language_of(request)
    caller: Actor | None = getattr(request.state, "caller", None)
    page = (
        _templates()
        .get_template(template)
        .render(
            say=language.say,
            language=language,
            languages=[load_language(code) for code in languages()],
            here=request.url.path,
            caller=caller,
            signed_in=caller is not None and caller.key_id != NO_KEY,
            fingerprint=static_fingerprint,
            **content,
        )
    )
    return HTMLResponse(
        page, status, headers={"Content-Security-Policy": POLICY, "Vary": "Cookie, Accept-Language"}
    )


def show_problem(request: Request, status: int, detail: str) -> HTMLResponse:
    """A page that says what went wrong, with the cure."""
    return show(request, "problem.html.j2", status=status, detail=detail)


def go(place: str) -> RedirectResponse:
    """Send the browser on after a form, so that a reload does not send it again."""
    return RedirectResponse(place, 303)


def is_page_request(scope_path: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks for one of these pages, not a program for data."""
    return not scope_path.startswith(("/v1", "/c2pa")) and "text/html" in headers.get("accept", "")


def static_files() -> dict[str, Path]:
    """The files that pages may load, by name: those of the pages and of reports, and no other."""
    import provenance.report

    report = Path(provenance.report.__file__).parent / "templates"
    found = {path.name: path for path in STATIC.iterdir()}
    return found | {name: report / name for name in ("report.css", "report.js")}


@cache
def static_fingerprint(name: str) -> str:
    """What changes with a file's content, so that browsers may keep it."""
    return hashlib.sha256(static_files()[name].read_bytes()).hexdigest()[:12]


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
