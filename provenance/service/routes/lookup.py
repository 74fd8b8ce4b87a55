"""Trusted pictures by hash or by words."""

from __future__ import annotations

from functools import partial
from typing import Annotated, cast

from fastapi import APIRouter, File, Query, UploadFile

from provenance.decode import decode
from provenance.errors import UsageError
from provenance.lookup import MATCH_BITS, hashes_of
from provenance.pipeline import Provenance
from provenance.records import HashKind
from provenance.service.checking import at_bench, read_upload, upload_name
from provenance.service.context import Checker, InOffice, Library
from provenance.service.models import (
    Hashes,
    HashMatches,
    HashMatchModel,
    NewTextSearch,
    Reference,
    TextMatch,
    TextMatches,
)
from provenance.service.schema import PROBLEMS
from provenance.textsearch import search_text

router = APIRouter(prefix="/v1", tags=["lookup"], responses=PROBLEMS)

Digest = Annotated[str | None, Query(pattern=r"^[0-9a-fA-F]{64}$", description="64 hexadecimal digits.")]


@router.get("/hash/lookup")
def hash_lookup(
    library: Library,
    caller: Checker,
    phash: Digest = None,
    pdq: Digest = None,
    sha256: Digest = None,
    bits: Annotated[int, Query(ge=0, le=90, description="Most differing bits.")] = MATCH_BITS,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> HashMatches:
    """Find trusted pictures by a hash that others made: perceptual hash, PDQ, or SHA-256 of a file."""
    given = {kind: one for kind, one in (("phash", phash), ("pdq", pdq), ("sha256", sha256)) if one}
    if len(given) != 1:
        raise UsageError("give one of phash, pdq and sha256")
    [(kind, digits)] = given.items()
    [found] = library.lookup.find([digits], cast(HashKind, kind), max_bits=bits, limit=limit)
    return HashMatches(items=[HashMatchModel.of(one) for one in found])


@router.post("/hash")
async def hashes(
    office: InOffice, caller: Checker, file: Annotated[UploadFile, File(description="The picture.")]
) -> Hashes:
    """Return the hashes of a picture, to be looked up here or elsewhere; nothing is kept."""
    content = await read_upload(file, office.library)
    return await at_bench(office, partial(_hashes, office.library, content, upload_name(file)))


def _hashes(library: Provenance, content: bytes, name: str) -> Hashes:
    image = decode(content, name=name, limits=library.limits)
    found = hashes_of(image, pdq="pdq" in library.describer.versions)
    return Hashes(pixel_sha256=image.pixel_sha256, pdq=found.pop("pdq", None), **found)


@router.post("/search/text")
async def text_search(office: InOffice, caller: Checker, asked: NewTextSearch) -> TextMatches:
    """Find trusted pictures that show what a text says; needs a database made with CLIP."""
    library = office.library
    search = partial(
        search_text, library.database, library.searcher, library.describer, asked.text, limit=asked.limit
    )
    found = await at_bench(office, search)
    return TextMatches(
        items=[TextMatch(reference=Reference.of(one), similarity=round(score, 4)) for one, score in found]
    )
