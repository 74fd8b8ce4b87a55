"""What every route may ask for: the library, and who calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPBearer

from provenance.ledger import OPEN_KEY_ID, ROLES, Role
from provenance.pipeline import Provenance


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    key_id: int
    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the caller has a role, or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)


NOBODY_ASKED = Caller(OPEN_KEY_ID, "open", "admin")
"""Who calls where no keys are configured: whoever can reach the machine."""


def _library(request: Request) -> Provenance:
    library: Provenance = request.app.state.library
    return library


def _caller(request: Request) -> Caller:
    """The caller that the gate has recognised."""
    caller: Caller = request.state.caller
    return caller


# Only for the OpenAPI document: the gate reads the header, before a byte of the body is.
_SCHEME = HTTPBearer(auto_error=False, scheme_name="key", description="A key of 'provenance keys create'.")


def needs(role: Role) -> Callable[[Request], Caller]:
    """A dependency that lets callers of a role (or a higher one) pass."""

    def check(request: Request, _: Annotated[object, Security(_SCHEME)] = None) -> Caller:
        caller = _caller(request)
        if not caller.may(role):
            raise HTTPException(
                403,
                f"the key {caller.name!r} is a {caller.role}'s; this needs a {role}'s: ask an admin for one",
            )
        return caller

    return check


Library = Annotated[Provenance, Depends(_library)]
Checker = Annotated[Caller, Depends(needs("checker"))]
Curator = Annotated[Caller, Depends(needs("curator"))]
Admin = Annotated[Caller, Depends(needs("admin"))]
