"""HTTP <-> records, nothing else: the library behind a small JSON interface (extra `service`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import MissingExtraError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from provenance.pipeline import Provenance


def create_app(library: Provenance) -> FastAPI:
    """The ASGI application over an open library. Raises MissingExtraError without the extra `service`."""
    try:
        from provenance.service.app import build
    except ModuleNotFoundError as error:
        raise MissingExtraError("the HTTP service", "service") from error
    return build(library)


def serve(library: Provenance, *, host: str, port: int) -> None:
    """Serve until interrupted. Raises MissingExtraError without the extra `service`."""
    application = create_app(library)
    import uvicorn

    uvicorn.run(application, host=host, port=port, log_level="info")
