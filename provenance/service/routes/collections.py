"""Collections: named parts of the trusted set, enabled or not, each with its threshold."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from provenance.service.answers import as_json
from provenance.service.context import Checker, Curator, Library
from provenance.service.models import CollectionChange, CollectionList, CollectionModel, NewCollection
from provenance.service.schema import PROBLEMS

router = APIRouter(prefix="/v1/collections", tags=["collections"], responses=PROBLEMS)

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


@router.get("", response_model=CollectionList)
def collections(request: Request, library: Library, caller: Checker) -> Response:
    """List all collections, by name."""
    found = library.database.collections.all()
    return as_json(request, CollectionList(items=[CollectionModel.of(one) for one in found]))


@router.post("", status_code=201)
def create(library: Library, caller: Curator, asked: NewCollection, response: Response) -> CollectionModel:
    """Make an empty collection."""
    made = library.database.collections.create(**asked.model_dump(), by=caller)
    response.headers["Location"] = f"/v1/collections/{made.name}"
    return CollectionModel.of(made)


@router.get("/{name}", response_model=CollectionModel)
def collection(request: Request, library: Library, caller: Checker, name: Name) -> Response:
    """Return one collection."""
    return as_json(request, CollectionModel.of(library.database.collections.get(name)))


@router.patch("/{name}")
def change(library: Library, caller: Curator, name: Name, asked: CollectionChange) -> CollectionModel:
    """Change what is given; a collection that is switched off matches nothing from the next check on."""
    given = asked.model_dump(exclude_unset=True)
    return CollectionModel.of(library.database.collections.update(name, **given, by=caller))


@router.delete("/{name}", status_code=204)
def delete(library: Library, caller: Curator, name: Name) -> None:
    """Delete an empty collection."""
    library.database.collections.delete(name, by=caller)
