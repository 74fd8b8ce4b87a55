"""HTTP <-> records, nothing else: the library behind a JSON interface (extra `service`).

app        routes, gate and workers put together
journal    request ids, safe headers, log and metrics
gate       who may come in, how often, and with how much (rates)
context    what every route may ask for; roles
routes     the resources, one a file
checking   a request for a check -> a check on the spot, or an accepted one
models     what goes over the wire; schema: the OpenAPI document; answers: ETags and pages
problems   errors -> problem details
logs       lines for machines or people
"""

from __future__ import annotations

import ipaddress
import logging
import sys
from typing import TYPE_CHECKING

from provenance.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from provenance.pipeline import Provenance

log = logging.getLogger(__name__)


def create_app(library: Provenance) -> FastAPI:
    """The ASGI application over an open library. Raises MissingExtraError without the extra `service`."""
    try:
        from provenance.service.app import build
    except ModuleNotFoundError as error:
        raise MissingExtraError("the HTTP service", "service") from error
    return build(library)


def serve(library: Provenance, *, host: str, port: int, json_log: bool | None = None) -> None:
    """Serve until interrupted; then finish what is in hand.

    Raises MissingExtraError without the extra `service`, UsageError where others could reach a service
    without keys.
    """
    application = create_app(library)
    import uvicorn

    from provenance.service.app import PATIENCE_S
    from provenance.service.logs import set_up

    has_keys = library.database.keys.configured()
    if not has_keys and not is_loopback(host):
        raise UsageError(
            f"{host} can be reached by others, and no keys are configured: "
            "make one with 'provenance keys create NAME --role admin', or serve on 127.0.0.1"
        )
    set_up(as_json=not sys.stderr.isatty() if json_log is None else json_log)
    if not has_keys:
        log.warning("no keys are configured: whoever uses this machine may do everything")
    log.info("http://%s:%s", f"[{host}]" if ":" in host else host, port)
    raise_file_limit()
    uvicorn.run(
        application, host=host, port=port, log_config=None, access_log=False, server_header=False,
        timeout_keep_alive=10, timeout_graceful_shutdown=int(PATIENCE_S), backlog=2048,
    )  # fmt: skip


def work(library: Provenance, *, json_log: bool | None = None) -> None:
    """Work on accepted checks until interrupted, beside a service on the same database."""
    import signal
    import threading

    from provenance.jobs import Bench, Workers
    from provenance.service.logs import set_up

    set_up(as_json=not sys.stderr.isatty() if json_log is None else json_log)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    workers = Workers(library, Bench(library.settings.service.checks or library.settings.worker_threads))
    workers.start()
    log.info("working on accepted checks")
    stop.wait()
    workers.stop()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def raise_file_limit() -> None:
    """Let as many connections be open as the system allows: its default may be 1,024 files."""
    try:
        import resource
    except ModuleNotFoundError:  # not on Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
