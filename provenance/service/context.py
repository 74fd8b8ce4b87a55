"""What every route may ask for: the library, and who calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPBearer

from provenance.ledger import Actor, Role
from provenance.pipeline import Provenance


def _library(request: Request) -> Provenance:
    library: Provenance = request.app.state.library
    return library


def _caller(request: Request) -> Actor:
    """The caller that the gate has recognised."""
    caller: Actor = request.state.caller
    return caller


# Only for the OpenAPI document: the gate reads the header, before a byte of the body is.
_SCHEME = HTTPBearer(auto_error=False, scheme_name="key", description="A key of 'provenance keys create'.")


def needs(role: Role) -> Callable[[Request], Actor]:
    """A dependency that lets callers of a role (or a higher one) pass."""

    def check(request: Request, _: Annotated[object, Security(_SCHEME)] = None) -> Actor:
        caller = _caller(request)
        if not caller.may(role):
            raise HTTPException(
                403,
                f"the key {caller.name!r} is a {caller.role}'s; this needs a {role}'s: ask an admin for one",
            )
        return caller

    return check


Library = Annotated[Provenance, Depends(_library)]
Checker = Annotated[Actor, Depends(needs("checker"))]
Curator = Annotated[Actor, Depends(needs("curator"))]
Admin = Annotated[Actor, Depends(needs("admin"))]
