"""The application: routes, gate and problem details, over an open library."""

from __future__ import annotations

from fastapi import FastAPI

from provenance import __version__
from provenance.pipeline import Provenance
from provenance.service import problems
from provenance.service.gate import BodyLimit, Gate
from provenance.service.routes import check, compare, health

ROUTERS = (health.router, check.router, compare.router)
"""One a resource, each in a short file of `routes`."""


def build(library: Provenance) -> FastAPI:
    """An application over `library`; its calls run in the server's thread pool."""
    app = FastAPI(title="provenance", version=__version__, docs_url="/docs", redoc_url=None)
    app.state.library = library
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(BodyLimit, max_bytes=2 * library.settings.decode.max_bytes + 2**16)
    app.add_middleware(Gate, library=library)
    return app
