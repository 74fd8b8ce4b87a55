"""Sign in with a key, sign out, choose a language."""

from __future__ import annotations

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from provenance.languages import languages
from provenance.service.context import Library
from provenance.service.gate import COOKIE
from provenance.service.site import LANGUAGE_COOKIE, go, show

router = APIRouter()
_YEAR_S = 365 * 24 * 3600


@router.get("/login")
def login(request: Request) -> Response:
    """Ask for a key."""
    return show(request, "login.html.j2", wrong=False)


@router.post("/login")
async def sign_in(request: Request, library: Library, key: Annotated[str, Form(max_length=200)]) -> Response:
    """Let the browser keep a valid key: no script and no other site can read or send it."""
    if await run_sync(library.database.keys.find, key.strip()) is None:
        return show(request, "login.html.j2", status=401, wrong=True)
    answer = go("/")
    answer.set_cookie(
        COOKIE, key.strip(), httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
    return answer


@router.post("/logout")
def sign_out() -> Response:
    """Let the browser forget the key."""
    answer = go("/login")
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return answer


@router.post("/language")
def choose_language(
    request: Request,
    code: Annotated[str, Form(max_length=10)],
    place: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Remember the reader's language and return to the page."""
    own = place.startswith("/") and not place.startswith(("//", "/\\"))
    answer = go(place if own else "/")
    if code in languages():
        answer.set_cookie(LANGUAGE_COOKIE, code, max_age=_YEAR_S, httponly=True, samesite="lax")
    return answer
