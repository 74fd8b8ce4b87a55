"""Each call of the service: how it is asked, and how its answer is read; whoever sends it knows no more.

A picture is a path, the bytes themselves, or (text that begins with http:// or https://) an address that the
service fetches.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Generic, Literal, TypeVar
from urllib.parse import quote

import httpx

from provenance.client.answers import (
    Added,
    Checked,
    Collection,
    Hashes,
    HashMatch,
    Job,
    Mark,
    MarkKind,
    Page,
    Reference,
    Status,
    TextMatch,
    about,
    page_of,
)
from provenance.errors import NotFoundError, UnreadableError, UsageError

T = TypeVar("T")
Picture = str | Path | bytes
Files = list[tuple[str, tuple[str, IO[bytes] | bytes]]]


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, and how its answer is read."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    read: Callable[[httpx.Response], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[tuple[str, str, Path | bytes]] = ()
    """Field, name, and content or where it is."""
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    """Whether it may be sent again when nobody knows what became of the first time."""
    reports: bool = False
    """Whether its answer may be status 422 with a report: the picture cannot be read."""

    @contextmanager
    def opened(self) -> Iterator[Files | None]:
        """Its files, opened to be read while they are sent."""
        with ExitStack() as stack:
            yield [
                (place, (name, one if isinstance(one, bytes) else stack.enter_context(_open(one))))
                for place, name, one in self.files
            ] or None


# ---------------------------------------------------------------- checks


def check(
    picture: Picture,
    *,
    name: str | None = None,
    explain: bool = True,
    evidence: bool = False,
    language: str | None = None,
    top_k: int | None = None,
    idempotency_key: str | None = None,
) -> Call[Checked]:
    """Find the trusted original of a picture, and wait for the report.

    An unreadable picture is a report too, with the verdict `error`.
    """
    options = _given(explain=explain, evidence=evidence, language=language, top_k=top_k)
    return Call(
        "POST", "/v1/check", _checked, params=options, **_sent(picture, name), headers=_once(idempotency_key),
        reports=True,
    )  # fmt: skip


def submit(
    picture: Picture,
    *,
    name: str | None = None,
    explain: bool = True,
    evidence: bool = False,
    language: str | None = None,
    top_k: int | None = None,
    callback: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Job]:
    """Hand in a picture to be checked; `wait` for the report, or let it be posted to `callback`."""
    options = _given(mode="job", explain=explain, evidence=evidence, language=language, top_k=top_k)
    sent = _sent(picture, name)
    sent["form"] = {**sent["form"], **_given(callback=callback)}
    return Call("POST", "/v1/check", _one(Job), params=options, **sent, headers=_once(idempotency_key))


def compare(
    original: Path | str | bytes,
    edited: Path | str | bytes,
    *,
    evidence: bool = False,
    language: str | None = None,
    idempotency_key: str | None = None,
) -> Call[Checked]:
    """Say what was changed between two pictures (paths or bytes); no trusted picture is used."""
    files = (_upload("original", original, "original"), _upload("edited", edited, "edited"))
    return Call(
        "POST", "/v1/compare", _checked, params=_given(evidence=evidence, language=language), files=files,
        headers=_once(idempotency_key), reports=True,
    )  # fmt: skip


def job(job_id: str) -> Call[Job]:
    """Say how far a check is."""
    return Call("GET", f"/v1/jobs/{quote(job_id, safe='')}", _one(Job))


def jobs(*, before: int | None = None, limit: int = 50) -> Call[Page[Job]]:
    """Return a page of checks, the newest first."""
    return Call("GET", "/v1/jobs", _page(Job.read), params=_given(before=before, limit=limit))


def report(report_id: str) -> Call[Checked]:
    """Return a report that is kept."""
    return Call("GET", _report(report_id), lambda answer: Checked(report_id, answer.json()))


def report_page(report_id: str) -> Call[str]:
    """Return a report as one self-contained HTML page."""
    return Call("GET", f"{_report(report_id)}/page", lambda answer: answer.text)


def report_jsonld(report_id: str) -> Call[dict[str, Any]]:
    """Return MediaReview and ClaimReview as a draft for a person to confirm."""
    return Call("GET", f"{_report(report_id)}/jsonld", lambda answer: dict(answer.json()))


def evidence(report_id: str, name: Literal["heat.png", "outlined.png", "query"]) -> Call[bytes]:
    """Return a picture behind a report, as long as the service keeps it."""
    return Call("GET", f"{_report(report_id)}/evidence/{name}", _content)


def forget(report_id: str) -> Call[None]:
    """Forget a check, its report and its pictures."""
    return Call("DELETE", _report(report_id), _nothing, repeatable=False)


# ---------------------------------------------------------------- trusted pictures


def add(
    *pictures: Picture,
    name: str | None = None,
    collections: Sequence[str] = (),
    title: str | None = None,
    source: str | None = None,
    creator: str | None = None,
    credit: str | None = None,
    license: str | None = None,
    caption: str | None = None,
    captured_at: str | None = None,
) -> Call[list[Added]]:
    """Add trusted pictures: up to 100 paths or bytes, or one address; they are found from the next check on.

    The details hold for all of them. One of several that is refused does not keep the others out.
    """
    form = _given(
        title=title, source=source, creator=creator, credit=credit, license=license, caption=caption,
        captured_at=captured_at,
    )  # fmt: skip
    if collections:
        form["collection"] = list(collections)
    if len(pictures) == 1:
        sent = _sent(pictures[0], name)
    elif any(_is_address(picture) for picture in pictures):
        raise UsageError("several pictures are added as files: add addresses one by one")
    else:
        sent = {"form": {}, "files": [_upload("file", picture, name or "upload") for picture in pictures]}
    sent["form"] = {**sent["form"], **form}
    return Call("POST", "/v1/references", lambda answer: _page(partial(about, Added))(answer).items, **sent)


def references(
    *,
    status: Status | None = None,
    collection: str | None = None,
    words: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Call[Page[Reference]]:
    """Return a page of trusted pictures, the newest first; `words` are of title, credit, source or path."""
    params = _given(status=status, collection=collection, q=words, before=before, limit=limit)
    return Call("GET", "/v1/references", _page(Reference.read), params=params)


def reference(reference_id: int) -> Call[Reference]:
    """Return what is known of a trusted picture."""
    return Call("GET", f"/v1/references/{reference_id}", _reference)


def change_reference(
    reference_id: int,
    *,
    if_match: str | None = None,
    status: Literal["active", "withdrawn"] | None = None,
    collections: Sequence[str] | None = None,
    title: str | None = None,
    source: str | None = None,
    creator: str | None = None,
    credit: str | None = None,
    license: str | None = None,
    caption: str | None = None,
    captured_at: str | None = None,
) -> Call[Reference]:
    """Change what is given of a trusted picture; with `if_match` (its `etag`) only if it is still so."""
    asked = _given(
        status=status, collections=None if collections is None else list(collections), title=title,
        source=source, creator=creator, credit=credit, license=license, caption=caption,
        captured_at=captured_at,
    )  # fmt: skip
    # The second time, the ETag would not be that of the first time any more.
    return Call(
        "PATCH", f"/v1/references/{reference_id}", _reference, json=asked,
        headers=_given(**{"If-Match": if_match}), repeatable=if_match is None,
    )  # fmt: skip


def withdraw(reference_id: int) -> Call[None]:
    """Withdraw a trusted picture: it matches nothing from the very next check on; nothing is deleted."""
    return Call("DELETE", f"/v1/references/{reference_id}", _nothing)


def restore(reference_id: int) -> Call[Reference]:
    """Take a withdrawal back."""
    return change_reference(reference_id, status="active")


def reference_image(reference_id: int) -> Call[bytes]:
    """Return the trusted file itself."""
    return Call("GET", f"/v1/references/{reference_id}/image", _content)


def reference_thumbnail(reference_id: int) -> Call[bytes]:
    """Return a small picture (WebP), at most 320 pixels wide or high."""
    return Call("GET", f"/v1/references/{reference_id}/thumbnail", _content)


def collections() -> Call[list[Collection]]:
    """Return all collections, by name."""
    return Call("GET", "/v1/collections", lambda answer: _page(Collection.read)(answer).items)


def collection(name: str) -> Call[Collection]:
    """Return one collection."""
    return Call("GET", _collection(name), _one(Collection))


def create_collection(
    name: str, *, title: str = "", enabled: bool = True, min_confidence: float | None = None
) -> Call[Collection]:
    """Make an empty collection."""
    asked = {"name": name, "title": title, "enabled": enabled, "min_confidence": min_confidence}
    return Call("POST", "/v1/collections", _one(Collection), json=asked, repeatable=False)


def change_collection(name: str, **change: str | bool | float | None) -> Call[Collection]:
    """Change `title`, `enabled` or `min_confidence` (None: the service's) of a collection."""
    return Call("PATCH", _collection(name), _one(Collection), json=change)


def delete_collection(name: str) -> Call[None]:
    """Delete an empty collection."""
    return Call("DELETE", _collection(name), _nothing, repeatable=False)


# ---------------------------------------------------------------- feedback and look-ups


def mark(report_id: str, mark: MarkKind, *, note: str | None = None) -> Call[Mark]:
    """Mark a report: right, wrong, or not the same picture; another mark takes the place of the first."""
    return Call("POST", "/v1/feedback", _one(Mark), json={"report": report_id, "mark": mark, "note": note})


def marks(*, after: int = 0, limit: int = 100) -> Call[Page[Mark]]:
    """Return a page of marks, the oldest first."""
    return Call("GET", "/v1/feedback", _page(Mark.read), params={"after": after, "limit": limit})


def unmark(mark_id: int) -> Call[None]:
    """Take a mark back."""
    return Call("DELETE", f"/v1/feedback/{mark_id}", _nothing, repeatable=False)


def hashes(picture: Path | str | bytes) -> Call[Hashes]:
    """Return the hashes of a picture (a path or bytes); nothing is kept."""
    return Call("POST", "/v1/hash", _one(Hashes), files=(_upload("file", picture, "upload"),))


def lookup(
    *,
    phash: str | None = None,
    pdq: str | None = None,
    sha256: str | None = None,
    bits: int | None = None,
    limit: int = 10,
) -> Call[list[HashMatch]]:
    """Find trusted pictures by one hash that others made (64 hexadecimal digits), the nearest first."""
    params = _given(phash=phash, pdq=pdq, sha256=sha256, bits=bits, limit=limit)
    read = _page(partial(about, HashMatch))
    return Call("GET", "/v1/hash/lookup", lambda answer: read(answer).items, params=params)


def search_text(text: str, *, limit: int = 20) -> Call[list[TextMatch]]:
    """Find trusted pictures that show what a text says; the database must have been made with CLIP."""
    read = _page(partial(about, TextMatch))
    asked = {"text": text, "limit": limit}
    return Call("POST", "/v1/search/text", lambda answer: read(answer).items, json=asked)


def version() -> Call[dict[str, str]]:
    """Say the versions of the service and of its descriptors."""
    return Call("GET", "/version", lambda answer: dict(answer.json()))


# ---------------------------------------------------------------- what is sent


def _sent(picture: Picture, name: str | None) -> dict[str, Any]:
    """A picture as form or as file."""
    if isinstance(picture, str) and _is_address(picture):
        return {"form": {"url": picture}, "files": ()}
    return {"form": {}, "files": (_upload("file", picture, name),)}


def _is_address(picture: Picture) -> bool:
    return isinstance(picture, str) and picture.lower().startswith(("http://", "https://"))


def _upload(place: str, picture: Picture, name: str | None) -> tuple[str, str, Path | bytes]:
    if isinstance(picture, bytes):
        return place, name or "upload", picture
    if _is_address(picture):
        raise UsageError(f"{picture!r}: no address is taken here; give a path or the bytes")
    return place, name or Path(picture).name, Path(picture)


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except PermissionError as error:
        raise UnreadableError(f"{str(path)!r} may not be read: check its permissions") from error
    except OSError as error:
        raise NotFoundError(f"{str(path)!r} cannot be opened: {error.strerror}") from error


def _once(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key or uuid.uuid4().hex}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _report(report_id: str) -> str:
    return f"/v1/reports/{quote(report_id, safe='')}"


def _collection(name: str) -> str:
    return f"/v1/collections/{quote(name, safe='')}"


# ---------------------------------------------------------------- what is answered


def _one(kind: Callable[..., Any] | type[Any]) -> Callable[[httpx.Response], Any]:
    return lambda answer: kind.read(answer.json())  # type: ignore[union-attr]


def _page(read: Callable[[Mapping[str, Any]], T]) -> Callable[[httpx.Response], Page[T]]:
    return lambda answer: page_of(read, answer.json())


def _checked(answer: httpx.Response) -> Checked:
    place = answer.headers.get("location")
    return Checked(place.rpartition("/")[2] if place else None, answer.json())


def _reference(answer: httpx.Response) -> Reference:
    return Reference.read(answer.json(), etag=answer.headers.get("etag"))


def _content(answer: httpx.Response) -> bytes:
    return answer.content


def _nothing(answer: httpx.Response) -> None:
    return None
