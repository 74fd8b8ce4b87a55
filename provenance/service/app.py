"""The application: routes behind the gate, and workers for what is accepted, over an open library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from provenance import __version__
from provenance.jobs import Bench, Workers
from provenance.pipeline import Provenance
from provenance.service import problems, schema
from provenance.service.context import Office
from provenance.service.gate import Gate
from provenance.service.journal import Journal
from provenance.service.metrics import Metrics
from provenance.service.pages import router as pages
from provenance.service.routes import (
    audit,
    c2pa,
    check,
    collections,
    compare,
    feedback,
    health,
    jobs,
    lookup,
    references,
    reports,
)

ROUTERS = (
    check.router, jobs.router, reports.router, compare.router, references.router, collections.router,
    feedback.router, lookup.router, c2pa.router, audit.router, health.router,
)  # fmt: skip
"""One a resource, each in a short file of `routes`."""

PATIENCE_S = 30.0
"""How long a stopping service waits for the checks in hand."""


def build(library: Provenance) -> FastAPI:
    """An application over `library`; while it runs, it also works on accepted checks."""
    bench = Bench(library.settings.service.checks or library.settings.worker_threads)
    workers, metrics = Workers(library, bench), Metrics(library, bench)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        workers.start()
        yield
        await anyio.to_thread.run_sync(workers.stop, PATIENCE_S)

    app = FastAPI(
        title="provenance", version=__version__, lifespan=running, docs_url=None, redoc_url=None,
        description="Find the trusted original of a picture, and say in plain words what was changed.",
    )  # fmt: skip
    app.state.office = Office(library, bench, workers, metrics, anyio.CapacityLimiter(bench.places))
    problems.install(app)
    schema.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(pages)
    app.add_middleware(Gate, library=library, bench=bench)
    if library.settings.service.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=library.settings.service.cors_origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Idempotency-Key", "If-Match", "If-None-Match"],
            expose_headers=["ETag", "Location", "Retry-After", "X-Request-Id"],
        )
    app.add_middleware(Journal, metrics=metrics)
    return app
