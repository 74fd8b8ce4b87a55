"""What holds for every call, whoever sends it: address, key, patience, and what a refusal means."""

from __future__ import annotations

import os
import random
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

import provenance.errors
from provenance.client.calls import Call, Files
from provenance.errors import (
    AccessError,
    BusyError,
    ConflictError,
    DecodeError,
    InputError,
    MissingExtraError,
    NotConfiguredError,
    NotFoundError,
    ProvenanceError,
    ServiceError,
    StaleError,
    UsageError,
)

T = TypeVar("T")

URL_VARIABLE, KEY_VARIABLE = "PROVENANCE_URL", "PROVENANCE_API_KEY"
TIMEOUT = httpx.Timeout(90.0, connect=10.0)
"""A check on the spot is answered or given up by the service within 60 s, unless it is set otherwise."""

_BY_STATUS: dict[int, type[ProvenanceError]] = {
    401: AccessError, 403: AccessError, 404: NotFoundError, 409: ConflictError, 412: StaleError,
    413: InputError, 415: InputError, 421: AccessError, 501: NotConfiguredError,
}  # fmt: skip
_DECODE_DETAIL = re.compile(r"(['\"])(?P<name>.*?)\1: (?P<reason>.*)", re.DOTALL)


@dataclass(frozen=True)
class Patience:
    """How often a call is tried, and how long a busy service is waited for each time."""

    tries: int = 4
    most_wait_s: float = 60.0

    def after_failure(self, call: Call[Any], error: httpx.TransportError, tried: int) -> float:
        """Seconds to wait before a call is sent again that got no answer. Raises ServiceError to give up."""
        never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        if tried >= self.tries or not (call.repeatable or never_sent):
            reason = str(error) or type(error).__name__
            raise ServiceError(
                f"no answer from the service to {call.method} {call.path}: {reason}; is it running, and is "
                f"its address right (argument or {URL_VARIABLE})?"
            ) from error
        return _backoff(tried)

    def after_answer(self, call: Call[Any], answer: httpx.Response, tried: int) -> float | None:
        """Seconds to wait before a call is sent again; None: the answer stands.

        A 503 with problem details is the service's own word and stands; without them it is a proxy's.
        """
        asked = _retry_after_s(answer)
        busy = answer.status_code == 429
        absent = answer.status_code in (502, 503, 504) and not _is_problem(answer) and call.repeatable
        if tried >= self.tries or not (busy or absent) or (asked or 0) > self.most_wait_s:
            return None
        return _backoff(tried) if asked is None else asked


PATIENCE = Patience()


def options(url: str | None, key: str | None) -> dict[str, Any]:
    """Arguments for an httpx client of either kind. Raises UsageError for what is no address."""
    address = url or os.environ.get(URL_VARIABLE) or "http://127.0.0.1:8000"
    key = key or os.environ.get(KEY_VARIABLE)
    if not address.startswith(("http://", "https://")):
        raise UsageError(f"{address!r} is no address of a service: it begins with https:// or http://")
    headers = {"Accept": "application/json", "User-Agent": f"provenance/{provenance.__version__}"}
    if key:
        headers["Authorization"] = f"Bearer {key.strip()}"
    return {"base_url": address, "headers": headers}


def request(http: httpx.Client | httpx.AsyncClient, call: Call[Any], files: Files | None) -> httpx.Request:
    """A call as a request."""
    return http.build_request(
        call.method, call.path, params=call.params or None, json=call.json, data=call.form or None,
        files=files, headers=call.headers,
    )  # fmt: skip


def read(call: Call[T], answer: httpx.Response) -> T:
    """Read an answer that stands, or raise what it says."""
    is_report = call.reports and answer.status_code == 422 and not _is_problem(answer)
    if not (answer.is_success or is_report):
        raise _error(answer)
    try:
        return call.read(answer)
    except (KeyError, TypeError, ValueError) as error:
        raise ServiceError(
            f"{call.method} {call.path} was answered with something else than expected "
            f"({type(error).__name__} {error}): is this the address of a provenance service?"
        ) from error


def _error(answer: httpx.Response) -> ProvenanceError:
    """The exception that problem details stand for, with the service's words."""
    status, told = answer.status_code, answer.json() if _is_problem(answer) else {}
    detail = str(told.get("detail") or f"the service answers {status} {answer.reason_phrase}".strip())
    if status == 429:
        return BusyError(detail, retry_after_s=round(_retry_after_s(answer) or 1))
    kind = getattr(provenance.errors, str(told.get("title")), None)
    if not (isinstance(kind, type) and issubclass(kind, ProvenanceError)):
        kind = _BY_STATUS.get(status, UsageError if 400 <= status < 500 else ServiceError)
    if issubclass(kind, DecodeError):
        parts = _DECODE_DETAIL.fullmatch(detail)
        return kind(parts["name"], parts["reason"]) if parts else InputError(detail)
    # It is the service that lacks the part: installing it here would not help.
    return NotConfiguredError(detail) if kind is MissingExtraError else kind(detail)


def _is_problem(answer: httpx.Response) -> bool:
    return str(answer.headers.get("content-type", "")).startswith("application/problem+json")


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Seconds that the service asks to wait; it may say a number or a date."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None


def _backoff(tried: int) -> float:
    """Half a second, then twice as long each time; not all clients at the same moment."""
    return float(0.5 * 2 ** (tried - 1) * random.uniform(0.5, 1.0))  # noqa: S311
