"""The gate: who may come in, how often, and with how much; no body is read before it is allowed."""

from __future__ import annotations

import ipaddress
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import anyio
from anyio.to_thread import run_sync
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provenance.jobs import Bench
from provenance.ledger import ANYBODY, Actor
from provenance.pipeline import Provenance
from provenance.service.problems import problem
from provenance.service.rates import Rates
from provenance.service.site import is_page_request

PUBLIC = (
    "/healthz",
    "/readyz",
    "/version",
    "/openapi.json",
    "/docs",
    "/login",
    "/static/",
    "/c2pa/services/",
)
"""What says nothing about pictures and needs no key."""
COOKIE = "provenance_key"
"""Holds the key of a browser; no other site can send it, no script can read it."""

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_NO_KEY = "send a valid key: 'Authorization: Bearer prov_...' (see 'provenance keys create')"


class Gate:
    """ASGI middleware: recognises the caller, counts, and bounds what a request may bring."""

    def __init__(self, app: ASGIApp, *, library: Provenance, bench: Bench) -> None:
        options = library.settings.service
        self._app = app
        self._keys = library.database.keys
        self._bench = bench
        self._rates = Rates(options.requests_per_minute)
        self._origins = frozenset(options.cors_origins)
        self._hosts = frozenset(host.lower() for host in options.hosts)
        self._most_open = options.open_requests
        self._open = 0
        self._seconds = options.upload_timeout_s
        # Two uploads fit; a picture over the limit of one is the decoder's to refuse.
        self._max_bytes = 2 * library.settings.decode.max_bytes + 2**16

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with `state.caller`, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        if has_body and self._open >= self._most_open:
            # Before the key is looked up: of a crowd, most have to be turned away quickly.
            wait = self._bench.retry_after_s(self._open)
            await _busy("as many requests as can be handled are open", wait)(scope, receive, send)
            return
        self._open += has_body
        try:
            caller, refusal = await self._recognise(scope, headers)
            answer = refusal or self._count(scope, caller) or self._app
            if has_body:
                receive = _Bounded(receive, self._max_bytes, self._seconds)
            await answer(scope, receive, send)
        finally:
            self._open -= has_body

    async def _recognise(self, scope: Scope, headers: Headers) -> tuple[Actor | None, Response | None]:
        """The caller, by bearer key, by a browser's cookie, or anybody where there are no keys."""
        is_public = scope["path"].startswith(PUBLIC)
        scheme, _, key = headers.get("authorization", "").partition(" ")
        by_browser = scheme.lower() != "bearer"
        if by_browser:
            key = _cookie(headers)
        known = await run_sync(self._keys.find, key.strip()) if key else None
        caller = Actor(known.key_id, known.name, known.role) if known else None
        if caller is None and by_browser and not await run_sync(self._keys.configured):
            caller = ANYBODY
            if not is_public and not self._is_own_host(headers.get("host", "")):
                # Else a web page whose name leads to this machine could read everything here.
                text = "without keys this service answers to localhost only: see the setting service.hosts"
                return None, problem(421, "Misdirected Request", text)
        scope.setdefault("state", {})["caller"] = caller
        if caller is None and not is_public:
            if is_page_request(scope["path"], headers):
                return None, RedirectResponse("/login", 303)
            return None, problem(401, "Unauthorized", _NO_KEY, {"WWW-Authenticate": "Bearer"})
        if by_browser and scope["method"] not in _HARMLESS and not self._is_own_page(headers):
            return None, problem(403, "Forbidden", "another web page may not do this with your browser")
        return caller, None

    def _count(self, scope: Scope, caller: Actor | None) -> Response | None:
        if scope["path"].startswith(("/healthz", "/readyz", "/static/")):
            return None
        who = str(caller.key_id) if caller and caller.key_id else (scope.get("client") or ("",))[0]
        wait = self._rates.wait_s(who)
        return _busy("more requests a minute than one key may send", wait) if wait else None

    def _is_own_host(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
            if name == "localhost" or name.endswith(".localhost") or name in self._hosts:
                return True
            return ipaddress.ip_address(name).is_loopback
        except ValueError:  # no address, or no host at all
            return False

    def _is_own_page(self, headers: Headers) -> bool:
        """Whether a request was sent by a page of this service, or by no page at all."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        return origin in self._origins or origin.partition("://")[2] == headers.get("host")


class _Bounded:
    """A request's body with a limit of bytes and of time, also where it does not say its length."""

    def __init__(self, receive: Receive, max_bytes: int, seconds: float) -> None:
        self._receive = receive
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:  # what comes now is the end of the connection
            return await self._receive()
        with anyio.move_on_after(self._deadline - time.monotonic()):
            message = await self._receive()
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise HTTPException(413, f"the request is over {self._max_bytes:,} bytes; send less")
            self._complete = not message.get("more_body", False)
            return message
        raise HTTPException(408, f"the request did not arrive within {self._seconds:g} s; send it again")


def _busy(detail: str, wait_s: int) -> Response:
    return problem(429, "Too Many Requests", f"{detail}: try again later", {"Retry-After": str(wait_s)})


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
