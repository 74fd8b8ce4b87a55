"""Is the service well, and how busy?"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from provenance import __version__
from provenance.service.context import Checker, InOffice, Library
from provenance.service.schema import PROBLEMS

router = APIRouter(tags=["health"], responses=PROBLEMS)


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(Health):
    """The database answers."""

    references: int


@router.get("/healthz")
async def healthz() -> Health:
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


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Metrics."}},
)
def metrics(office: InOffice, caller: Checker) -> Response:
    """Return what Prometheus scrapes."""
    return Response(office.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")
