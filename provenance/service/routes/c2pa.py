"""C2PA Soft Binding Resolution API 1.0: from a picture without content credentials to those of its original.

Speaks of the trusted pictures that have credentials. The names of our hashes are not on C2PA's list.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from provenance.decode import active_manifest, decode, find_store
from provenance.errors import NotFoundError, UsageError
from provenance.lookup import MATCH_BITS, hashes_of
from provenance.pipeline import Provenance
from provenance.records import HashKind, ReferenceRecord
from provenance.service.answers import tagged
from provenance.service.checking import at_bench
from provenance.service.context import Checker, InOffice, Library
from provenance.service.routes.references import original
from provenance.service.schema import PROBLEMS

router = APIRouter(prefix="/c2pa", tags=["c2pa"], responses=PROBLEMS)

ALGORITHMS: dict[str, HashKind] = {"provenance.pdq.256": "pdq", "provenance.phash.256": "phash"}
"""Value: the 32 bytes of the hash, as `hashes export` and `POST /v1/hash` write them in hexadecimal."""

_LONGEST = 4096
_Found = tuple[ReferenceRecord, int]
"""A trusted picture, and how strong the match is, 0..100."""

Alg = Annotated[
    str | None, Query(max_length=200, description="Name of an algorithm: see supportedAlgorithms.")
]
MaxResults = Annotated[int, Query(alias="maxResults", ge=1, le=1000, description="Most identifiers.")]


class SoftBindingQuery(BaseModel):
    """A soft binding to look up."""

    alg: str = Field(max_length=200)
    value: str = Field(max_length=_LONGEST, description="base64")


class ManifestMatch(BaseModel):
    """A manifest that may be of the picture."""

    manifest_id: str = Field(alias="manifestId")
    similarity_score: int = Field(alias="similarityScore", ge=0, le=100)


class SoftBindingQueryResult(BaseModel):
    """Manifests, the surest first; they are to be had from /c2pa/manifests."""

    matches: list[ManifestMatch]


class Algorithm(BaseModel):
    """One algorithm."""

    alg: str


class SoftBindingAlgList(BaseModel):
    """The algorithms that can be looked up."""

    watermarks: list[Algorithm]
    fingerprints: list[Algorithm]


@router.get("/services/supportedAlgorithms")
def algorithms(library: Library) -> SoftBindingAlgList:
    """List the algorithms that can be looked up here."""
    made = library.describer.versions
    names = [Algorithm(alg=alg) for alg, kind in ALGORITHMS.items() if kind in made]
    return SoftBindingAlgList(watermarks=[], fingerprints=names)


@router.get("/matches/byBinding")
def by_binding(
    library: Library,
    caller: Checker,
    alg: Annotated[str, Query(max_length=200)],
    value: Annotated[str, Query(max_length=_LONGEST, description="base64")],
    max_results: MaxResults = 10,
) -> SoftBindingQueryResult:
    """Find manifests by a soft binding."""
    return _result(_by_hash(library, alg, value), max_results)


@router.post("/matches/byBinding")
def by_large_binding(
    library: Library, caller: Checker, asked: SoftBindingQuery, max_results: MaxResults = 10
) -> SoftBindingQueryResult:
    """Find manifests by a soft binding that is too long for an address."""
    return _result(_by_hash(library, asked.alg, asked.value), max_results)


@router.post(
    "/matches/byContent",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def by_content(
    request: Request,
    office: InOffice,
    caller: Checker,
    alg: Alg = None,
    max_results: MaxResults = 10,
    hint_alg: Annotated[str | None, Query(alias="hintAlg", max_length=200)] = None,
    hint_value: Annotated[str | None, Query(alias="hintValue", max_length=_LONGEST)] = None,
) -> SoftBindingQueryResult:
    """Find manifests by a picture; without `alg` as checks find originals, also of crops and collages."""
    if not request.headers.get("content-type", "").lower().startswith(("image/", "application/octet-stream")):
        raise HTTPException(415, "send a picture as the body, with its content type: image/jpeg ...")
    content = await _body(request, office.library)
    find = partial(_by_hash_of, alg=alg) if alg else _by_check
    found = await at_bench(office, partial(find, office.library, content))
    if hint_alg is not None:
        found += await run_sync(_by_hash, office.library, hint_alg, hint_value or "")
    return _result(found, max_results)


@router.get(
    "/manifests/{manifest_id}",
    response_class=Response,
    responses={200: {"description": "The manifest store.", "content": {"application/c2pa": {}}}},
)
async def manifest(
    request: Request,
    library: Library,
    caller: Checker,
    manifest_id: Annotated[str, Path(max_length=300)],
    active_only: Annotated[
        bool, Query(alias="returnActiveManifest", description="Without those of the ingredients.")
    ] = False,
) -> Response:
    """Return the manifest store of a trusted picture, from its file."""
    store = await run_sync(_store, library, manifest_id, active_only)
    return tagged(request, store, "application/c2pa")


def _by_hash(library: Provenance, alg: str, value: str) -> list[_Found]:
    """Trusted pictures with a near hash."""
    kind = _kind(alg)
    try:
        digits = base64.b64decode(value, validate=True).hex()
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"the value is no base64 ({error})") from error
    return _near(library, kind, digits)


def _by_hash_of(library: Provenance, content: bytes, *, alg: str) -> list[_Found]:
    """Trusted pictures whose hash is near to that of a picture."""
    kind = _kind(alg)
    image = decode(content, name="the picture", limits=library.limits)
    return _near(library, kind, hashes_of(image, pdq=kind == "pdq")[kind])


def _by_check(library: Provenance, content: bytes) -> list[_Found]:
    """Trusted pictures that a check finds: the match, and the other sources of a collage."""
    report = library.check(content, name="the picture", explain=False)
    if report.verdict == "error":
        raise HTTPException(415, report.query.error or "no picture")
    matches = (*((report.match,) if report.match else ()), *report.other_matches)
    return [(one.reference, round(100 * one.confidence)) for one in matches]


def _near(library: Provenance, kind: HashKind, digits: str) -> list[_Found]:
    """The score falls from 100 for equal hashes to 0 beyond the limit of a match."""
    [found] = library.lookup.find([digits], kind)
    return [(one.reference, round(100 * (1 - one.bits / (MATCH_BITS + 1)))) for one in found]


def _kind(alg: str) -> HashKind:
    if alg not in ALGORITHMS:
        raise UsageError(f"no algorithm {alg!a}: one of {', '.join(ALGORITHMS)}")
    return ALGORITHMS[alg]


def _result(found: Iterable[_Found], most: int) -> SoftBindingQueryResult:
    """Of those that have credentials each manifest once, the surest first."""
    scores: dict[str, int] = {}
    for reference, score in found:
        if reference.credentials is not None:
            manifest_id = reference.credentials.manifest_id
            scores[manifest_id] = max(score, scores.get(manifest_id, 0))
    best = sorted(scores.items(), key=lambda item: -item[1])[:most]
    return SoftBindingQueryResult(
        matches=[ManifestMatch(manifestId=name, similarityScore=score) for name, score in best]
    )


def _store(library: Provenance, manifest_id: str, active_only: bool) -> bytes:
    for record in library.database.references_by_manifest(manifest_id):
        store = find_store(original(library, record))
        if store and active_only:
            store = active_manifest(store)
        if store:
            return store
    raise NotFoundError(f"no trusted picture has the manifest {manifest_id!a}")


async def _body(request: Request, library: Provenance) -> bytes:
    """The request's body, not much more than the limit: the decoder refuses what is over it."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > library.settings.decode.max_bytes:
            break
    return bytes(content)
