"""Talk with a server that may be down, slow, rate-limited or broken: deadlines, tries, back-off, reasons."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from provenance.explain.options import ServerOptions

CONNECT_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
LONGEST_WAIT_S = 60.0
"""A server that asks for a longer wait than this is given up."""
MAX_BYTES = 4 * 2**20
"""No answer of a few hundred tokens is larger."""
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class NoAnswerError(Exception):
    """The server gave no usable answer in any of the tries."""


class RefusedError(Exception):
    """The server refused the request as such; trying again would not help."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _Again(Exception):  # noqa: N818
    """Something that may pass; `wait_s` where the server says how long."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Patience:
    """Sends JSON and reads JSON. Raises NoAnswerError after the last try, RefusedError at once."""

    def __init__(
        self,
        url: str,
        options: ServerOptions,
        *,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._options = options
        self._sleep = sleep
        host = httpx.URL(url).host
        self._client = httpx.Client(
            headers={"Accept": "application/json", **(headers or {})},
            timeout=httpx.Timeout(options.timeout_s, connect=min(CONNECT_S, options.timeout_s)),
            limits=httpx.Limits(max_connections=options.parallel),
            # A proxy of the environment does not know this machine's own servers.
            trust_env=host not in ("localhost", "127.0.0.1", "::1"),
        )

    def get(self, path: str) -> Mapping[str, Any]:
        """The JSON object at that path."""
        return self._insist("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The JSON object that answers this one."""
        return self._insist("POST", path, body)

    def _insist(self, method: str, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        tries = self._options.tries
        for left in range(tries - 1, -1, -1):
            try:
                return self._once(method, path, body)
            except _Again as trouble:
                if left == 0:
                    count = f" ({tries} tries)" if tries > 1 else ""
                    raise NoAnswerError(f"{trouble}{count}") from trouble
                if trouble.wait_s is not None and trouble.wait_s > LONGEST_WAIT_S:
                    raise NoAnswerError(f"{trouble}; it asks to wait {trouble.wait_s:.0f} s") from trouble
                self._sleep(_pause(tries - 1 - left, trouble.wait_s))
        raise NoAnswerError("no try was made")

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        url, limit = f"{self._url}/{path}", self._options.timeout_s
        deadline = time.monotonic() + limit
        slow = (
            f"the server at {self._url} gave no answer within {limit:.0f} s: raise explain.server.timeout_s"
        )
        try:
            with self._client.stream(method, url, json=body) as response:
                data = bytearray()
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > MAX_BYTES:
                        raise RefusedError(f"the answer of {url} is endless", response.status_code)
                    if time.monotonic() > deadline:
                        raise _Again(slow)
        except httpx.ConnectError as error:
            raise _Again(f"nothing answers at {self._url}: is the server running? ({error})") from error
        except httpx.TimeoutException as error:
            raise _Again(slow) from error
        except httpx.TransportError as error:
            raise _Again(f"the answer of {self._url} broke off ({error})") from error
        return self._read(response, bytes(data))

    def _read(self, response: httpx.Response, data: bytes) -> Mapping[str, Any]:
        status = response.status_code
        try:
            found = json.loads(data)
        except ValueError:
            found = None
        if response.is_success:
            if not isinstance(found, dict):
                raise _Again(f"{self._url} answered with something that is no JSON object")
            return found
        said = _message(found) or data[:200].decode("utf-8", "replace").strip()
        if status in _PASSING:
            what = "is rate-limited" if status == 429 else "is in trouble"
            raise _Again(
                f"the server at {self._url} {what} (HTTP {status}: {said})", _wait_s(response.headers)
            )
        raise RefusedError(self._refusal(status, said, response), status)

    def _refusal(self, status: int, said: str, response: httpx.Response) -> str:
        if status in (401, 403):
            return (
                f"the server at {self._url} refuses the key (HTTP {status}: {said}): "
                f"put it in the environment as {self._options.key_variable}"
            )
        if response.is_redirect:
            target = response.headers.get("location", "")
            return f"the server at {self._url} has moved to {target!r}: write that address"
        if status == 404:
            return f"{response.url} is not there (HTTP 404: {said}): the address usually ends in /v1"
        return f"the server at {self._url} refuses the question (HTTP {status}: {said})"


def _pause(failures: int, wait_s: float | None) -> float:
    """Seconds until the next try: what the server says, otherwise doubling, with jitter against stampedes."""
    if wait_s is not None:
        return wait_s
    return float(min(FIRST_PAUSE_S * 2**failures, LONGEST_PAUSE_S) * random.uniform(0.75, 1.25))  # noqa: S311


def _wait_s(headers: httpx.Headers) -> float | None:
    """The Retry-After header, in seconds or as a date."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _message(found: Any) -> str:
    """What a server says of an error, in the forms that servers use."""
    if not isinstance(found, dict):
        return ""
    error = found.get("error", found.get("detail", found.get("message", "")))
    if isinstance(error, dict):
        error = " ".join(str(error[key]) for key in ("message", "param") if error.get(key))
    return " ".join(str(error).split())[:300]
