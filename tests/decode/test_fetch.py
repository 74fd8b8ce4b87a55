"""Downloads: limited in bytes and time, never from a private address; against a real server on loopback."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from provenance.decode import Limits, decode
from provenance.decode.fetch import fetch, is_public
from provenance.errors import FetchError, ImageTooLargeError, UnsupportedFormatError
from tests.decode.pictures import samples

PICTURE = samples()["PNG"]
TRUSTING = Limits(allow_private_urls=True, fetch_timeout_s=5, max_bytes=100_000)


class Site(BaseHTTPRequestHandler):
    """A web site with every vice, by path."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.server.seen.append(dict(self.headers))  # type: ignore[attr-defined]
        page, _, argument = self.path.lstrip("/").partition("/")
        getattr(self, page.partition("?")[0].replace(".png", ""))(argument)

    def log_message(self, *_: Any) -> None: ...

    def reply(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def picture(self, _: str) -> None:
        self.reply(body=PICTURE, Content_Type="text/html")

    def hop(self, left: str) -> None:
        self.reply(302, Location="/picture.png" if left == "1" else f"/hop/{int(left) - 1}")

    def to(self, address: str) -> None:
        self.reply(301, Location=address)

    def nowhere(self, _: str) -> None:
        self.reply(302)

    def missing(self, _: str) -> None:
        self.reply(404, b"gone")

    def page(self, _: str) -> None:
        self.reply(body=b"<html><body>not a picture</body></html>", Content_Type="image/png")

    def boast(self, _: str) -> None:
        self.reply(body=b"", Content_Length="99999999999")

    def zipped(self, _: str) -> None:
        self.reply(body=b"....", Content_Encoding="gzip")

    def short(self, _: str) -> None:
        self.reply(body=PICTURE[:100], Content_Length=str(len(PICTURE)))
        self.close_connection = True

    def endless(self, _: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.drip(bytes(10_000), 0.0)

    def slow(self, _: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.drip(b"x", 0.05)

    def slowheaders(self, _: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        self.drip(b"x", 0.05)

    def drip(self, piece: bytes, pause: float) -> None:
        self.close_connection = True
        try:
            for _ in range(10_000):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(pause)
        except OSError:
            pass  # the other side has had enough, as it should


@pytest.fixture
def site() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def url(site: ThreadingHTTPServer, path: str) -> str:
    return f"http://127.0.0.1:{site.server_port}/{path}"


def test_picture_is_downloaded_whatever_its_content_type_says(site: ThreadingHTTPServer) -> None:
    image = decode(url(site, "picture.png?w=1#top"), limits=TRUSTING)
    assert image.width == 32
    assert image.name == url(site, "picture.png?w=1#top")
    assert image.byte_size == len(PICTURE)


def test_host_name_is_kept_when_the_address_is_pinned(site: ThreadingHTTPServer) -> None:
    fetch(f"http://localhost:{site.server_port}/picture", limits=TRUSTING)
    assert site.seen[0]["Host"] == f"localhost:{site.server_port}"  # type: ignore[attr-defined]


def test_proxies_of_the_environment_are_not_used(
    site: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch(url(site, "picture"), limits=TRUSTING) == PICTURE


def test_five_redirects_are_followed_and_no_more(site: ThreadingHTTPServer) -> None:
    assert fetch(url(site, "hop/5"), limits=TRUSTING) == PICTURE
    with pytest.raises(FetchError, match="more than 5 redirects"):
        fetch(url(site, "hop/6"), limits=TRUSTING)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing", "answers 404"),
        ("nowhere", "without saying where"),
        ("to/ftp://example.org/a.png", "only http and https"),
        ("to/file:///etc/passwd", "only http and https"),
        ("to/http://user:secret@127.0.0.1/", "passwords"),
        ("zipped", "compressed"),
        ("short", "does not answer properly"),
    ],
)
def test_bad_answers_are_explained(site: ThreadingHTTPServer, path: str, words: str) -> None:
    with pytest.raises(FetchError, match=words):
        fetch(url(site, path), limits=TRUSTING)


def test_web_page_instead_of_a_picture(site: ThreadingHTTPServer) -> None:
    with pytest.raises(UnsupportedFormatError, match="web page"):
        decode(url(site, "page"), limits=TRUSTING)


@pytest.mark.parametrize("path", ["boast", "endless"])
def test_too_many_bytes(site: ThreadingHTTPServer, path: str) -> None:
    with pytest.raises(ImageTooLargeError, match="over the limit of 100,000 bytes"):
        fetch(url(site, path), limits=TRUSTING)


@pytest.mark.parametrize("path", ["slow", "slowheaders"])
def test_dripping_server_is_cut_off_in_time(site: ThreadingHTTPServer, path: str) -> None:
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"not downloaded within 0\.4 s"):
        fetch(url(site, path), limits=Limits(allow_private_urls=True, fetch_timeout_s=0.4))
    assert time.monotonic() - start < 2


def test_slow_name_server_is_cut_off_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [answered.wait(20)])
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"not downloaded within 0\.3 s"):
        fetch("http://slow.example/a.png", limits=Limits(fetch_timeout_s=0.3))
    assert time.monotonic() - start < 2
    answered.set()


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(FetchError, match="does not answer"):
            fetch(f"http://127.0.0.1:{taken.getsockname()[1]}/", limits=TRUSTING)


@pytest.mark.parametrize("address", ["http://", "http:///a.png", "https://[::1", "http://a b/"])
def test_malformed_addresses(address: str) -> None:
    with pytest.raises(FetchError):
        fetch(address, limits=TRUSTING)


PRIVATE = [
    *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "203.0.113.7", "224.0.0.1"),
    *("240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
    *("2001:db8::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2002:a00:1::1", "::127.0.0.1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_known(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_public_addresses_are_known(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0"])
def test_private_hosts_are_refused_without_a_connection(site: ThreadingHTTPServer, host: str) -> None:
    with pytest.raises(FetchError, match=r"private or reserved address|is not known"):
        fetch(f"http://{host}:{site.server_port}/picture", limits=Limits())
    assert not site.seen  # type: ignore[attr-defined]


class Names:
    """A name server that says something else at every question."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    def getaddrinfo(self, host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in self.answers.pop(0)]


def test_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "provenance.decode.fetch.socket.getaddrinfo", Names(["8.8.8.8", "10.0.0.1"]).getaddrinfo
    )
    with pytest.raises(FetchError, match=r"leads to 'mixed\.example'"):
        fetch("http://mixed.example/a.png", limits=Limits())


def test_redirect_to_a_private_address_is_refused(
    site: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The site counts as public under its loopback address; the place it redirects to does not.
    monkeypatch.setattr("provenance.decode.fetch.is_public", lambda address: str(address) == "127.0.0.1")
    with pytest.raises(FetchError, match=r"leads to '127\.0\.0\.2', a private"):
        fetch(url(site, f"to/http://127.0.0.2:{site.server_port}/picture"), limits=Limits(fetch_timeout_s=5))
    assert len(site.seen) == 1  # type: ignore[attr-defined]


def test_the_checked_address_is_the_one_connected_to(
    site: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: a second look-up would lead elsewhere, so there is none."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "rebind.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("provenance.decode.fetch.is_public", lambda address: str(address) == "127.0.0.1")
    body = fetch(f"http://rebind.example:{site.server_port}/picture", limits=Limits(fetch_timeout_s=5))
    assert body == PICTURE
    assert asked.count("rebind.example") == 1
    assert set(asked) <= {"rebind.example", "127.0.0.1"}


@pytest.fixture
def secure_site(tmp_path: Path) -> Iterator[tuple[ThreadingHTTPServer, Path]]:
    """The same site over TLS, with a certificate of its own for photos.example."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=photos.example", "-addext", "subjectAltName=DNS:photos.example"]
    subprocess.run(
        [*request, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server, certificate
    server.shutdown()
    server.server_close()


def trust(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    monkeypatch.setattr(
        "httpx.create_ssl_context", lambda: ssl.create_default_context(cafile=str(certificate))
    )


def name_leads_to_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))


def test_certificate_is_checked_against_the_name_not_the_pinned_address(
    secure_site: tuple[ThreadingHTTPServer, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, certificate = secure_site
    name_leads_to_loopback(monkeypatch)
    trust(monkeypatch, certificate)
    assert fetch(f"https://photos.example:{server.server_port}/picture", limits=TRUSTING) == PICTURE
    with pytest.raises(FetchError, match="certificate"):
        fetch(f"https://other.example:{server.server_port}/picture", limits=TRUSTING)


def test_unknown_certificate_is_refused(
    secure_site: tuple[ThreadingHTTPServer, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    name_leads_to_loopback(monkeypatch)
    with pytest.raises(FetchError, match="certificate"):
        fetch(f"https://photos.example:{secure_site[0].server_port}/picture", limits=TRUSTING)
