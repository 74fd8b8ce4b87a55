"""The gate: who may come in, and with how much; ASGI, so that nothing is read before it is allowed."""

from __future__ import annotations

from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provenance.ledger import ANYBODY, Actor
from provenance.pipeline import Provenance
from provenance.service.problems import problem

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/version", "/docs", "/openapi.json"})
"""What says nothing about pictures and needs no key."""


class Gate:
    """ASGI middleware: recognises the caller by the key, before the body is read."""

    def __init__(self, app: ASGIApp, *, library: Provenance) -> None:
        self._app = app
        self._keys = library.database.keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with `state.caller`, or answer 401."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = await self._recognise(Headers(scope=scope))
        if caller is None and scope["path"] not in OPEN_PATHS:
            refused = problem(
                401,
                "Unauthorized",
                "send a valid key: 'Authorization: Bearer prov_...' (see 'provenance keys create')",
                {"WWW-Authenticate": "Bearer"},
            )
            await refused(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)

    async def _recognise(self, headers: Headers) -> Actor | None:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and key:
            known = await run_sync(self._keys.find, key.strip())
            return Actor(known.key_id, known.name, known.role) if known else None
        return None if await run_sync(self._keys.configured) else ANYBODY


class BodyLimit:
    """ASGI middleware: no request may fill the disk, not even one that does not say its length.

    Two uploads fit; a picture over the limit of one is the decoder's to refuse.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; its body ends with status 413 once it is over the limit."""
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(413, f"the request is over {self._max_bytes:,} bytes; send less")
            return message

        await self._app(scope, limited, send)
