"""Browse, search, add, describe and withdraw trusted pictures."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import Response

from provenance.db.catalogue import STATUSES, Filter
from provenance.errors import UsageError
from provenance.service.checking import at_bench, read_upload, upload_name
from provenance.service.context import Before, Checker, Curator, InOffice, Library, RowId
from provenance.service.models import Added, Details
from provenance.service.routes.references import MOST_AT_ONCE, add_one
from provenance.service.site import go, show

router = APIRouter(prefix="/library")
_A_PAGE = 48
Text = Annotated[str, Form(max_length=2000)]


@router.get("")
def browse(
    request: Request,
    library: Library,
    caller: Checker,
    q: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=20)] = "",
    collection: Annotated[str, Query(max_length=64)] = "",
    before: Before = None,
) -> Response:
    """Trusted pictures, the newest first."""
    return _browse(request, library, Filter(_known(status), collection or None, q or None), before)


def _known(status: str) -> str | None:
    return status if status in STATUSES else None


def _browse(
    request: Request,
    library: Library,
    wanted: Filter,
    before: int | None = None,
    added: list[Added] | None = None,
) -> Response:
    found = library.database.catalogue.page(wanted, before=before, limit=_A_PAGE)
    return show(
        request, "library.html.j2",
        references=found, older=found[-1].reference_id if len(found) == _A_PAGE else None, before=before,
        wanted=wanted, statuses=STATUSES, collections=library.database.collections.all(),
        added=added or [], counts=Counter(one.outcome for one in added or ()), most=MOST_AT_ONCE,
    )  # fmt: skip


@router.post("")
async def add(
    request: Request,
    office: InOffice,
    caller: Curator,
    file: Annotated[list[UploadFile], File()],
    title: Text = "",
    source: Text = "",
    credit: Text = "",
    license: Text = "",
    collection: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Add pictures, and say what became of each."""
    if len(file) > MOST_AT_ONCE:
        raise UsageError(f"send at most {MOST_AT_ONCE} pictures at once")
    said = {"title": title, "source": source, "credit": credit, "license": license}
    details = {name: value.strip() for name, value in said.items() if value.strip()}
    put = partial(add_one, office.library, details, [collection] if collection else [], caller, alone=False)
    added = [
        await at_bench(office, partial(put, await read_upload(one, office.library), upload_name(one)))
        for one in file
    ]
    return await at_bench(office, partial(_browse, request, office.library, Filter(), None, added))


@router.get("/{reference_id}")
def look(
    request: Request, library: Library, caller: Checker, reference_id: RowId, saved: bool = False
) -> Response:
    """One trusted picture."""
    record = library.database.catalogue.get(reference_id)
    collections = library.database.collections.all()
    return show(
        request, "reference.html.j2", record=record, collections=collections, saved=saved,
        fields=tuple(Details.model_fields),
    )  # fmt: skip


@router.post("/{reference_id}")
def change(
    request: Request,
    library: Library,
    caller: Curator,
    reference_id: RowId,
    title: Text = "",
    source: Text = "",
    creator: Text = "",
    credit: Text = "",
    license: Text = "",
    caption: Text = "",
    captured_at: Text = "",
    collection: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Save what is said of a picture, and which collections hold it."""
    details = {
        "title": title, "source": source, "creator": creator, "credit": credit, "license": license,
        "caption": caption, "captured_at": captured_at,
    }  # fmt: skip
    record = library.database.catalogue.get(reference_id)
    new = {
        name: value.strip()
        for name, value in details.items()
        if value.strip() != (getattr(record, name) or "")
    }
    library.database.catalogue.update(reference_id, details=new, collections=collection or [], by=caller)
    return go(f"/library/{reference_id}?saved=true")


@router.post("/{reference_id}/status")
def set_status(
    library: Library,
    caller: Curator,
    reference_id: RowId,
    status: Annotated[Literal["active", "withdrawn"], Form()],
) -> Response:
    """Withdraw a picture, or trust it again."""
    library.database.catalogue.update(reference_id, status=status, by=caller)
    return go(f"/library/{reference_id}?saved=true")
