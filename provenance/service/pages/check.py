"""Give a picture, follow its check, read the report, say whether it is right."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import Response

from provenance.ledger import CheckRecord, MarkKind
from provenance.pipeline import Provenance
from provenance.report import from_dict, to_html
from provenance.service.checking import accept, asked_for, read_upload, upload_name, web_address
from provenance.service.context import Checker, InOffice, Library, Token
from provenance.service.site import STATIC, go, language_of, show, show_problem

router = APIRouter()

_PICTURES = ("heat.png", "outlined.png")


@router.get("/")
def ask(
    request: Request, library: Library, caller: Checker, url: Annotated[str, Query(max_length=2048)] = ""
) -> Response:
    """The form for a picture; `url` is filled in, not sent: another page may have named it."""
    return _form(request, library, url)


def _form(request: Request, library: Provenance, url: str, problem: str = "") -> Response:
    hours = library.settings.service.keep_evidence_hours
    origin = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return show(
        request, "ask.html.j2", status=400 if problem else 200, url=url, problem=problem, hours=f"{hours:g}",
        bookmarklet=_bookmarklet(origin),
    )  # fmt: skip


@router.post("/checks")
async def check(
    request: Request,
    office: InOffice,
    caller: Checker,
    file: Annotated[UploadFile | None, File()] = None,
    url: Annotated[str, Form(max_length=2048)] = "",
) -> Response:
    """Accept a check and lead to its page."""
    options: dict[str, Any] = {"explain": True, "evidence": True, "language": language_of(request).code}
    if file is not None and file.size:
        asked = asked_for("check", upload_name(file), (await read_upload(file, office.library),), options)
    elif url.strip():
        address = options["url"] = web_address(url.strip(), office.library)
        asked = asked_for("check", address, (), options)
    else:
        return _form(request, office.library, url, problem=language_of(request).say("site.required"))
    job, _ = await accept(office, asked, caller)
    return go(f"/checks/{job.token}")


@router.get("/checks/{token}")
def follow(request: Request, library: Library, caller: Checker, token: Token) -> Response:
    """The progress of a check, then its report."""
    checks = library.database.checks
    found = checks.get(token)
    if found.state == "failed":
        return show_problem(request, 200, found.error or "")
    if found.report is None:
        ahead = checks.ahead(found) if found.state == "queued" else 0
        return show(request, "progress.html.j2", check=found, ahead=ahead)
    kept = checks.evidence_names(found.check_id)
    own = next((mark for mark in library.database.marks.of(token) if mark.key_id == caller.key_id), None)
    return show(
        request, "report.html.j2", check=found, article=_article(library, found, kept), mark=own,
        others=_others(found),
        pictures=[name for name in _PICTURES if name in kept],
        expired=found.options.get("evidence") and not kept and found.reference_id is not None,
    )  # fmt: skip


def _others(check: CheckRecord) -> list[dict[str, Any]]:
    """What else was looked at beside the match; without one the report lists them itself."""
    report = check.report or {}
    if report.get("match") is None or check.kind == "compare":
        return []
    known = {one["reference_id"] for one in (report["match"], *report.get("other_matches", ()))}
    return [one for one in report["candidates"] if one["reference_id"] not in known]


def _article(library: Provenance, check: CheckRecord, kept: list[str]) -> str:
    """The report as it stands in its page: made of this program's own templates, which escape all else."""
    if "page.html" in kept:
        page = library.database.checks.evidence(check.token, "page.html").data.decode()
    else:
        page = to_html(from_dict(dict(check.report or {})))
    return page.partition("<main>")[2].rpartition("</main>")[0]


@router.post("/checks/{token}/feedback")
def mark(
    library: Library,
    caller: Checker,
    token: Token,
    kind: Annotated[MarkKind, Form()],
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Note what a reader says of a report."""
    library.database.marks.put(token, kind, note=note.strip() or None, by=caller)
    return go(f"/checks/{token}#feedback")


def _bookmarklet(origin: str) -> str:
    """A link for the browser's bookmarks that sends the picture under the pointer to this service."""
    script = (STATIC / "bookmarklet.js").read_text("utf-8").replace("ORIGIN", origin)
    return "javascript:" + quote(script.partition("\n")[2], safe="(){};=,'.:!?")
