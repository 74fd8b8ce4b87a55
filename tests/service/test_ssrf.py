"""No address that a request names leads inside: checked with a real server and a resolver of the tests."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from provenance import Provenance
from provenance.decode import Limits
from provenance.decode.fetch import fetch, post
from provenance.errors import FetchError
from provenance.service import create_app
from tests.service.conftest import HOST

PUBLIC = "93.184.215.14"
NAMES = {
    "public.test": [PUBLIC],
    "inside.test": ["10.1.2.3"],
    "metadata.test": ["169.254.169.254"],
    "both.test": [PUBLIC, "127.0.0.1"],
    "six.test": ["::1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "nat64.test": ["64:ff9b::7f00:1"],
    "localtest.test": ["127.0.0.1"],
}
HOSTILE = [
    # loopback, in every spelling that resolvers take
    "http://localhost:{port}/", "http://LOCALHOST:{port}/", "http://localhost.:{port}/",
    "http://127.0.0.1:{port}/", "http://127.1:{port}/", "http://127.127.127.127:{port}/",
    "http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/", "http://017700000001:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/",
    "http://[::1]:{port}/", "http://[::]:{port}/", "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/", "http://[fe80::1%25lo]:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/", "http://127。0。0。1:{port}/",
    # private, link-local, shared, reserved; the metadata services of clouds
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/", "http://100.64.0.1/", "http://198.18.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/", "http://168.63.129.16/", "http://192.0.0.192/",
    "http://224.0.0.1/", "http://255.255.255.255/", "http://[fc00::1]/", "http://[fe80::1]/", "http://[ff02::1]/",
    "http://240.0.0.1/", "http://metadata.google.internal/",
    # names that lead there
    "http://inside.test/", "http://metadata.test/", "http://both.test:{port}/", "http://six.test:{port}/",
    "http://mapped.test:{port}/", "http://nat64.test/", "http://localtest.test:{port}/",
    "http://nowhere.test/",
    # other schemes, users, and what only looks like an address
    "file:///etc/passwd", "FILE:///etc/passwd", "ftp://public.test/", "gopher://127.0.0.1:{port}/_", "dict://127.0.0.1:{port}/",
    "data:image/png;base64,iVBORw0KGgo=", "jar:http://public.test!/", "//127.0.0.1:{port}/", "/etc/passwd",
    "http://", "http:///etc/passwd", "http://user:secret@127.0.0.1:{port}/", "http://public.test@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@public.test/", "http://127.0.0.1:{port}\\@public.test/", "http://public.test:99999/",
    "http://[::1", "http://exa mple.test/", "http://public.test\r\nHost: inside.test/", "sample_db/photos",
]  # fmt: skip
REDIRECTS = [
    "http://127.0.0.1:{port}/secret", "http://localhost:{port}/secret", "//127.0.0.1:{port}/secret",
    "http://169.254.169.254/", "http://inside.test/", "file:///etc/passwd", "gopher://127.0.0.1/",
    "http://user:secret@public.test/", "http://[::1]:{port}/secret", "",
]  # fmt: skip


class Inside(BaseHTTPRequestHandler):
    """What must not be reached; it redirects where its path says."""

    def do_GET(self) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        place = self.path.partition("to=")[2]
        self.send_response(302 if place else 200)
        if place:
            self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def service(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service over an empty library, with little patience."""
    home = shutil.copytree(empty_home, tmp_path_factory.mktemp("asked") / "home")
    options = {"decode": {"fetch_timeout_s": 2}, "service": {"requests_per_minute": 0}}
    with Provenance(home, **options) as library:
        yield TestClient(create_app(library), base_url=HOST, raise_server_exceptions=False)


@pytest.fixture
def inside() -> Iterator[Any]:
    """A real server on loopback that notes what it is asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Inside)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of the tests resolve as above, and no other name; addresses as the system has it."""
    system = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name in NAMES:
            return [entry for one in NAMES[name] for entry in system(one, port, *rest, **more)]
        if name.rstrip(".").lower() != "localhost" and name.strip("[]").replace(".", "").isalpha():
            raise socket.gaierror(socket.EAI_NONAME, "unknown name")
        return system(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_refused(service: TestClient, inside: Any, url: str) -> None:
    address = url.replace("{port}", str(inside.server_port))
    answer = service.post("/v1/check", data={"url": address})
    assert answer.status_code in (400, 422)
    if "verdict" in answer.json():
        assert answer.json()["verdict"] == "error"
    assert inside.seen == []


@pytest.mark.parametrize("place", REDIRECTS)
def test_a_hostile_redirect_is_refused(inside: Any, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """The first address counts as public here, as a redirecting server would be."""
    from provenance.decode import fetch as module

    port = inside.server_port
    real, asked = module.is_public, []

    def first_is_public(address: Any) -> bool:
        asked.append(address)
        return len(asked) == 1 or real(address)

    monkeypatch.setattr(module, "is_public", first_is_public)
    target = f"http://127.0.0.1:{port}/go?to={place.replace('{port}', str(port))}"
    if not place:
        target = f"http://127.0.0.1:{port}/go?to= "
    with pytest.raises(FetchError):
        fetch(target, limits=Limits(fetch_timeout_s=2))
    assert len(inside.seen) == 1


def test_a_name_that_resolves_anew_is_asked_once(inside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    asked = []

    system = socket.getaddrinfo

    def rebind(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host != "rebind.test":
            return system(host, port, *rest, **more)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in next(answers)]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    with pytest.raises(FetchError):
        fetch(f"http://rebind.test:{inside.server_port}/", limits=Limits(fetch_timeout_s=0.5))
    assert asked == ["rebind.test"]
    assert inside.seen == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://inside.test/"]
)
def test_results_are_not_posted_inside(inside: Any, url: str) -> None:
    with pytest.raises(FetchError):
        post(
            url.replace("{port}", str(inside.server_port)),
            b"{}",
            headers={},
            limits=Limits(fetch_timeout_s=1),
        )
    assert inside.seen == []


@pytest.mark.parametrize(
    "callback", ["file:///etc/passwd", "/etc/passwd", "http://a:b@public.test/", "x" * 3000]
)
def test_a_callback_that_is_no_web_address_is_refused(service: TestClient, callback: str) -> None:
    answer = service.post(
        "/v1/check", params={"mode": "job"}, files={"file": b"x"}, data={"callback": callback}
    )
    assert answer.status_code in (400, 422)


def test_only_listed_hosts_are_fetched_from_where_there_is_a_list(inside: Any) -> None:
    limits = Limits(fetch_hosts=("example.org",), allow_private_urls=True, fetch_timeout_s=1)
    for host in ("127.0.0.1", "example.org.evil.test", "evilexample.org"):
        with pytest.raises(FetchError, match="not on the list"):
            fetch(f"http://{host}:{inside.server_port}/", limits=limits)
    with pytest.raises(FetchError, match="not known"):
        fetch("http://cdn.example.org/", limits=limits)
    assert inside.seen == []
