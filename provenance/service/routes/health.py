"""Is the service well?"""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from provenance import __version__
from provenance.service.context import Library

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(Health):
    """The database answers."""

    references: int


@router.get("/healthz")
def healthz() -> Health:
    """Say that the process answers."""
    return Health()


@router.get("/readyz")
def readyz(library: Library) -> Readiness:
    """Say that the database answers, and how many pictures are searched."""
    return Readiness(references=library.database.stats().references)


@router.get("/version")
def version(library: Library) -> dict[str, str]:
    """Say the versions of the program and of its descriptors."""
    return {"provenance": __version__, **library.describer.versions}
