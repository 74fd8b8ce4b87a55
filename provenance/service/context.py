"""What every route may ask for: the library, who calls, and where checks are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, HTTPException, Path, Query, Request, Security
from fastapi.security import HTTPBearer

from provenance.jobs import Bench, Workers
from provenance.ledger import Actor, Role
from provenance.pipeline import Provenance
from provenance.service.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Office:
    """What the routes of one application share."""

    library: Provenance
    bench: Bench
    workers: Workers
    metrics: Metrics
    threads: CapacityLimiter
    """For checks on the spot: whoever has no thread yet waits without one."""


def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


def _library(request: Request) -> Provenance:
    return _office(request).library


# Only for the OpenAPI document: the gate reads the header, before a byte of the body is.
_SCHEME = HTTPBearer(auto_error=False, scheme_name="key", description="A key of 'provenance keys create'.")


def needs(role: Role) -> Callable[[Request], Actor]:
    """A dependency that lets callers of a role (or a higher one) pass."""

    def check(request: Request, _: Annotated[object, Security(_SCHEME)] = None) -> Actor:
        caller: Actor = request.state.caller
        if not caller.may(role):
            raise HTTPException(
                403, f"the key {caller.name!r} is that of a {caller.role}; this needs the key of a {role}"
            )
        return caller

    return check


InOffice = Annotated[Office, Depends(_office)]
Library = Annotated[Provenance, Depends(_library)]
Checker = Annotated[Actor, Depends(needs("checker"))]
Curator = Annotated[Actor, Depends(needs("curator"))]
Admin = Annotated[Actor, Depends(needs("admin"))]

Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{16,32}$", description="Name of a check.")]
RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Before = Annotated[
    int | None, Query(ge=1, le=2**63 - 1, description="Only what comes before: the `next` of the last page.")
]
Limit = Annotated[int, Query(ge=1, le=200, description="Most items of a page.")]
