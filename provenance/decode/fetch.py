"""Download a picture within limits, from public addresses only; and send results there.

The guard sits where sockets are opened: every connection, a redirect's too, resolves its host once, checks
each address, and connects to the very address that was checked. So neither a redirect nor a second DNS answer
leads into a private network (OWASP, Server-Side Request Forgery Prevention). Proxies of the environment
are not used.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

import httpcore
import httpx

from provenance import __version__
from provenance.decode.limits import Limits
from provenance.errors import FetchError, ImageTooLargeError

_MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
# Not public, though `ipaddress` says so: Azure's wire server, and blocks that older tables of Python lack.
_PRIVATE = tuple(
    ipaddress.ip_network(block)
    for block in ("168.63.129.16/32", "192.0.0.0/24", "64:ff9b:1::/48", "fec0::/10")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def fetch(url: str, *, limits: Limits) -> bytes:
    """Download `url` (http or https), following at most 5 redirects, and return its body.

    Raises FetchError (refused address, no answer, an error status, out of time) or ImageTooLargeError.
    """
    with _guarded_pool(url, limits) as pool:
        address = _parse(url, url, limits)
        for _ in range(_MAX_REDIRECTS + 1):
            headers = [*_headers(address), ("Accept", "image/*,*/*;q=0.5"), ("Accept-Encoding", "identity")]
            with pool.stream("GET", str(address.copy_with(fragment=None)), headers=headers) as response:
                if response.status not in _REDIRECTS:
                    return _read_body(response, url, limits)
                address = _redirect(response, address, url, limits)
    raise FetchError(f"{url!r}: more than {_MAX_REDIRECTS} redirects; give the address of the picture itself")


def post(url: str, body: bytes, *, headers: Mapping[str, str], limits: Limits) -> int:
    """Send `body` to `url` under the same guard and return the answer's status; redirects are not followed.

    Raises FetchError (refused address, no answer, out of time).
    """
    with _guarded_pool(url, limits) as pool:
        address = _parse(url, url, limits)
        sent = [*_headers(address), ("Content-Length", str(len(body))), *headers.items()]
        with pool.stream(
            "POST", str(address.copy_with(fragment=None)), headers=sent, content=body
        ) as response:
            return response.status


def check_address(url: str, *, limits: Limits) -> None:
    """Refuse what is plainly no address to fetch from, before anything is resolved. Raises FetchError."""
    _parse(url, url, limits)


@contextmanager
def _guarded_pool(url: str, limits: Limits) -> Iterator[httpcore.ConnectionPool]:
    """Connections to checked addresses, all closed by one deadline; their errors become FetchError."""
    deadline = time.monotonic() + limits.fetch_timeout_s
    backend = _GuardedBackend(limits=limits, deadline=deadline, url=url)
    try:
        with httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(), network_backend=backend, max_keepalive_connections=0
        ) as pool:
            yield pool
    except httpcore.TimeoutException as error:
        raise FetchError(_out_of_time(url, limits)) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FetchError(
            f"{url!r}: the server does not answer properly ({reason}); try again later"
        ) from error


def _headers(address: httpx.URL) -> list[tuple[str, str]]:
    return [
        ("Host", address.netloc.decode("ascii")),
        ("User-Agent", f"provenance/{__version__}"),
        ("Connection", "close"),
    ]


def _parse(address: str | httpx.URL, url: str, limits: Limits) -> httpx.URL:
    """Check scheme and host of the address `url` led to."""
    try:
        parsed = httpx.URL(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(f"{url!r}: not a valid address ({error}); check it") from error
    if parsed.scheme not in ("http", "https"):
        raise FetchError(
            f"{url!r}: leads to {parsed.scheme or 'no scheme'!r}; only http and https are fetched"
        )
    if parsed.port is not None and not 0 < parsed.port < 2**16:
        raise FetchError(f"{url!r}: there is no port {parsed.port}; check the address")
    if not parsed.host:
        raise FetchError(f"{url!r}: names no host; check the address")
    if parsed.userinfo:
        raise FetchError(f"{url!r}: passwords in addresses are not sent; download the picture yourself")
    if limits.fetch_hosts and not any(
        parsed.host == host.lower() or parsed.host.endswith(f".{host.lower()}") for host in limits.fetch_hosts
    ):
        raise FetchError(
            f"{url!r}: leads to {parsed.host!r}, which is not on the list of hosts to fetch from; "
            "download the picture yourself, or add the host to decode.fetch_hosts"
        )
    return parsed


def _redirect(response: httpcore.Response, address: httpx.URL, url: str, limits: Limits) -> httpx.URL:
    for key, value in response.headers:
        if key.lower() == b"location":
            try:
                return _parse(address.join(value.decode("utf-8", "replace")), url, limits)
            except (httpx.InvalidURL, ValueError) as error:
                raise FetchError(f"{url!r}: redirects to an invalid address ({error})") from error
    raise FetchError(f"{url!r}: redirects without saying where; give the address of the picture itself")


def _read_body(response: httpcore.Response, url: str, limits: Limits) -> bytes:
    """Read a body of at most `limits.max_bytes`; the content type is not trusted and not looked at."""
    headers = {key.lower(): value for key, value in response.headers}
    if response.status != 200:
        raise FetchError(
            f"{url!r}: the server answers {response.status}; check the address, or download it yourself"
        )
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise FetchError(f"{url!r}: sent compressed, though asked not to; download it yourself")
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limits.max_bytes:
        raise _too_large(url, limits)
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > limits.max_bytes:
            raise _too_large(url, limits)
    return bytes(body)


def _too_large(url: str, limits: Limits) -> ImageTooLargeError:
    return ImageTooLargeError(
        url,
        f"the download is over the limit of {limits.max_bytes:,} bytes; raise decode.max_bytes",
    )


def _out_of_time(url: str, limits: Limits) -> str:
    seconds = f"{limits.fetch_timeout_s:g} s"
    return f"{url!r}: not downloaded within {seconds}; try again later, or raise decode.fetch_timeout_s"


class _GuardedBackend(httpcore.NetworkBackend):
    """Opens connections to checked addresses only, and ends them at one deadline."""

    def __init__(self, *, limits: Limits, deadline: float, url: str) -> None:
        self._limits = limits
        self._deadline = deadline
        self._url = url
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve once, check every address, connect to the first that answers."""
        failure: httpcore.NetworkError | httpcore.TimeoutException | None = None
        for address in self._checked_addresses(host, port):
            try:
                left = _seconds_left(self._deadline, httpcore.ConnectTimeout)
                stream = self._sockets.connect_tcp(str(address), port, left, local_address, socket_options)
                return _DeadlineStream(stream, self._deadline)
            except (httpcore.NetworkError, httpcore.TimeoutException) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"no address for {host}")

    def _checked_addresses(self, host: str, port: int) -> list[IPAddress]:
        try:
            found = _resolve(host, port, self._deadline)
        except (OSError, UnicodeError) as error:
            raise FetchError(
                f"{self._url!r}: the host {host!r} is not known; check the address and the connection"
            ) from error
        # A dict keeps the resolver's order and drops what it says twice.
        addresses = list(
            dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found)
        )
        if not self._limits.allow_private_urls and not all(is_public(address) for address in addresses):
            raise FetchError(
                f"{self._url!r}: leads to {host!r}, a private or reserved address, which is not fetched; "
                "download the picture yourself, or set decode.allow_private_urls on a trusted network"
            )
        return addresses


class _DeadlineStream(httpcore.NetworkStream):
    """A connection all of whose waits together end at one deadline, however slowly the bytes drip."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _seconds_left(self._deadline, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _seconds_left(self._deadline, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _seconds_left(self._deadline, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _resolve(host: str, port: int, deadline: float) -> list[Any]:
    """Look up a name before the deadline; in a thread, as the system's resolver knows its own limit only."""
    answers: SimpleQueue[list[Any] | OSError | UnicodeError] = SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, name="provenance-resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=_seconds_left(deadline, httpcore.ConnectTimeout))
    except Empty:
        raise httpcore.ConnectTimeout("out of time") from None
    if isinstance(answer, list):
        return answer
    raise answer


def _seconds_left(deadline: float, error: type[httpcore.TimeoutException]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise error("out of time")
    return left


def is_public(address: IPAddress) -> bool:
    """True if an address belongs to the public internet, also where IPv6 wraps an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not any(address in block for block in _PRIVATE)
    )
