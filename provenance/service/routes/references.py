"""The trusted pictures: browsed, added, described, withdrawn."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, File, Form, Header, Query, Request, UploadFile
from fastapi.responses import JSONResponse, Response

from provenance.db.catalogue import Filter
from provenance.decode import read_source
from provenance.errors import NotFoundError, ProvenanceError, StaleError, UsageError
from provenance.ledger import Actor
from provenance.pipeline import Provenance
from provenance.records import ReferenceRecord
from provenance.service.answers import as_json, etag, tagged
from provenance.service.checking import at_bench, read_upload, upload_name, web_address
from provenance.service.context import Before, Checker, Curator, InOffice, Library, Limit, RowId
from provenance.service.models import Added, AddedList, Details, Reference, ReferenceChange, References
from provenance.service.schema import PROBLEMS, picture

router = APIRouter(prefix="/v1/references", tags=["references"], responses=PROBLEMS)

MOST_AT_ONCE = 100
_YEAR = "private, max-age=31536000, immutable"
_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_MEDIA_TYPES = {"MPO": "image/jpeg", "DIB": "image/bmp"}


@router.get("", response_model=References)
def browse(
    request: Request,
    library: Library,
    caller: Checker,
    status: Annotated[Literal["active", "disabled", "withdrawn", "superseded"] | None, Query()] = None,
    collection: Annotated[str | None, Query(pattern=_NAME)] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="Words of title, credit, source or path.")
    ] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Response:
    """List trusted pictures, the newest first."""
    found = library.database.catalogue.page(Filter(status, collection, q), before=before, limit=limit)
    items = [Reference.of(record) for record in found]
    return as_json(request, References(items=items, next=items[-1].id if len(items) == limit else None))


@router.post("", status_code=201, response_model=AddedList, responses={200: {"model": AddedList}})
async def add(
    office: InOffice,
    caller: Curator,
    file: Annotated[list[UploadFile] | None, File(description="One picture, or up to 100.")] = None,
    url: Annotated[str | None, Form(max_length=2048, description="Or the address of one.")] = None,
    collection: Annotated[list[str] | None, Form(description="Names of collections to put them in.")] = None,
    title: Annotated[str | None, Form(max_length=2000)] = None,
    source: Annotated[str | None, Form(max_length=2000)] = None,
    creator: Annotated[str | None, Form(max_length=2000)] = None,
    credit: Annotated[str | None, Form(max_length=2000)] = None,
    license: Annotated[str | None, Form(max_length=2000)] = None,
    caption: Annotated[str | None, Form(max_length=2000)] = None,
    captured_at: Annotated[str | None, Form(max_length=2000)] = None,
) -> JSONResponse:
    """Add trusted pictures; they are found from the next check on.

    201: all were new; 200: some were known or refused, as the list says. A refused one alone is an error.
    """
    files = file or []
    if bool(files) == (url is not None) or len(files) > MOST_AT_ONCE:
        raise UsageError(f"send either 1 to {MOST_AT_ONCE} files, or a url")
    details = Details(
        title=title, source=source, creator=creator, credit=credit, license=license, caption=caption,
        captured_at=captured_at,
    ).given()  # fmt: skip
    put = partial(add_one, office.library, details, collection or [], caller)
    if url is not None:
        address = web_address(url, office.library)
        items = [await at_bench(office, partial(put, address, address))]
    else:
        items = []
        for one in files:
            content = await read_upload(one, office.library)
            alone = len(files) == 1
            items.append(await at_bench(office, partial(put, content, upload_name(one), alone=alone)))
    status = 201 if all(item.outcome == "added" for item in items) else 200
    headers = {}
    if len(items) == 1 and items[0].reference is not None:
        headers["Location"] = f"/v1/references/{items[0].reference.id}"
    return JSONResponse(AddedList(items=items).model_dump(), status, headers=headers)


def add_one(
    library: Provenance,
    details: dict[str, str],
    collections: list[str],
    caller: Actor,
    source: bytes | str,
    name: str,
    *,
    alone: bool = True,
) -> Added:
    """Add one picture; one of several that is refused does not keep the others out."""
    try:
        if isinstance(source, str):
            source, _ = read_source(source, library.limits)
        record, new = library.add(source, name=name, details=details, collections=collections, by=caller)
    except ProvenanceError as error:
        if alone or error.http_status >= 500:
            raise
        return Added(name=name, outcome="refused", problem=str(error))
    return Added(name=name, outcome="added" if new else "known", reference=Reference.of(record))


@router.get("/{reference_id}", response_model=Reference)
def reference(request: Request, library: Library, caller: Checker, reference_id: RowId) -> Response:
    """Return what is known of a trusted picture."""
    return as_json(request, Reference.of(library.database.catalogue.get(reference_id)))


@router.patch("/{reference_id}", response_model=Reference)
def change(
    request: Request,
    library: Library,
    caller: Curator,
    reference_id: RowId,
    asked: ReferenceChange,
    if_match: Annotated[str | None, Header(description="Its ETag: change it only if it is still so.")] = None,
) -> Response:
    """Describe a picture, withdraw it or take that back, put it into collections: all or nothing."""
    catalogue = library.database.catalogue
    expected = _expected(catalogue.get(reference_id), if_match) if if_match else None
    changed = catalogue.update(
        reference_id, details=asked.given(), status=asked.status, collections=asked.collections,
        expected=expected, by=caller,
    )  # fmt: skip
    return as_json(request, Reference.of(changed))


@router.delete("/{reference_id}", status_code=204)
def withdraw(library: Library, caller: Curator, reference_id: RowId) -> None:
    """Withdraw a picture: it matches nothing from the very next check on; nothing is deleted."""
    library.database.catalogue.update(reference_id, status="withdrawn", by=caller)


@router.get("/{reference_id}/thumbnail", response_class=Response, responses=picture("image/webp"))
def thumbnail(request: Request, library: Library, caller: Checker, reference_id: RowId) -> Response:
    """Return a small picture, at most 320 pixels wide or high."""
    return tagged(
        request, library.database.thumbnail(reference_id), "image/webp", headers={"Cache-Control": _YEAR}
    )


@router.get("/{reference_id}/image", response_class=Response, responses=picture("image/*"))
async def image(request: Request, library: Library, caller: Checker, reference_id: RowId) -> Response:
    """Return the trusted file itself, if it is still there and still the same."""
    record = await run_sync(library.database.catalogue.get, reference_id)
    content = await run_sync(original, library, record)
    media_type = _MEDIA_TYPES.get(record.format, f"image/{record.format.lower()}")
    return tagged(request, content, media_type, headers={"Cache-Control": _YEAR})


def original(library: Provenance, record: ReferenceRecord) -> bytes:
    """The bytes whose sha256 is on record: a file that was put in its place is never sent."""
    limits = library.limits
    import hashlib

    for path in (record.path, *record.other_paths):
        try:
            content, _ = read_source(Path(path), limits)
        except ProvenanceError:
            continue
        if hashlib.sha256(content).hexdigest() == record.sha256:
            return content
    raise NotFoundError("the original's file is gone or was changed: put it back, or add it again")


def _expected(record: ReferenceRecord, if_match: str) -> ReferenceRecord:
    if if_match.strip() not in ("*", etag(Reference.of(record).model_dump_json().encode())):
        raise StaleError(f"reference {record.reference_id} was changed meanwhile: read it again")
    return record
