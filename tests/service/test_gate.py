"""Who may come in, how often, and with how much."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

from provenance import Provenance
from provenance.errors import UsageError
from provenance.ledger import COMMAND_LINE, Role
from provenance.service import create_app, serve

Empty = Callable[..., TestClient]


def key_of(client: TestClient, role: Role) -> dict[str, str]:
    """The headers of a caller with a new key."""
    keys = client.app.state.office.library.database.keys  # type: ignore[attr-defined]
    _, key = keys.create(f"a {role}", role, by=COMMAND_LINE)
    return {"authorization": f"Bearer {key}"}


# ---------------------------------------------------------------- keys and roles

NEEDED: list[tuple[str, str, Role]] = [
    ("POST", "/v1/check", "checker"),
    ("POST", "/v1/compare", "checker"),
    ("GET", "/v1/jobs", "checker"),
    ("GET", "/v1/references", "checker"),
    ("GET", "/v1/hash/lookup", "checker"),
    ("POST", "/v1/search/text", "checker"),
    ("POST", "/v1/feedback", "checker"),
    ("GET", "/metrics", "checker"),
    ("POST", "/v1/references", "curator"),
    ("PATCH", "/v1/references/1", "curator"),
    ("DELETE", "/v1/references/1", "curator"),
    ("POST", "/v1/collections", "curator"),
    ("PATCH", "/v1/collections/x", "curator"),
    ("DELETE", "/v1/collections/x", "curator"),
    ("DELETE", "/v1/reports/abcdefghijklmnopqrstuv", "curator"),
    ("GET", "/v1/feedback", "curator"),
    ("GET", "/v1/feedback/calibration", "curator"),
    ("GET", "/v1/audit", "admin"),
]


def test_every_route_lets_just_those_in_who_may(empty: Empty) -> None:
    client = empty(service={"requests_per_minute": 0})
    roles: tuple[Role, ...] = ("checker", "curator", "admin")
    headers = {role: key_of(client, role) for role in roles}
    for method, path, needed in NEEDED:
        assert client.request(method, path).status_code == 401, path
        for role in roles:
            answer = client.request(method, path, headers=headers[role])
            may = roles.index(role) >= roles.index(needed)
            assert (answer.status_code != 403) == may, (path, role, answer.text)
            assert answer.status_code != 401


def test_every_route_of_the_document_is_guarded(empty: Empty) -> None:
    client = empty(service={"requests_per_minute": 0})
    key_of(client, "admin")
    public = {"/healthz", "/readyz", "/version", "/c2pa/services/supportedAlgorithms"}
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            answer = client.request(method, path.replace("{", "").replace("}", ""))
            assert (answer.status_code == 401) == (path not in public), path


@pytest.mark.parametrize(
    "sent", ["Bearer wrong", "Bearer ", "Basic YTpi", "Bearer prov_" + "x" * 43, "Bearer \xff"]
)
def test_a_wrong_key_is_refused(empty: Empty, sent: str) -> None:
    client = empty()
    key_of(client, "admin")
    answer = client.get("/v1/references", headers={"authorization": sent.encode("latin-1")})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_revoked_key_is_refused_at_once_and_does_not_open_the_service(empty: Empty) -> None:
    client = empty()
    headers = key_of(client, "admin")
    assert client.get("/v1/references", headers=headers).status_code == 200
    client.app.state.office.library.database.keys.revoke(1, by=COMMAND_LINE)  # type: ignore[attr-defined]
    assert client.get("/v1/references", headers=headers).status_code == 401
    assert client.get("/v1/references").status_code == 401


def test_the_database_holds_no_key(empty: Empty, tmp_path: Path) -> None:
    client = empty()
    key = key_of(client, "admin")["authorization"].removeprefix("Bearer ")
    for file in (tmp_path / "empty").iterdir():
        if file.is_file():
            assert key.encode() not in file.read_bytes()


def test_a_checker_sees_its_own_checks_only(empty: Empty) -> None:
    client = empty()
    one, other, curator = key_of(client, "checker"), key_of(client, "checker"), key_of(client, "curator")
    client.post("/v1/check", files={"file": b"?"}, headers=one)
    counts = [len(client.get("/v1/jobs", headers=who).json()["items"]) for who in (one, other, curator)]
    assert counts == [1, 0, 1]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", "::"])
def test_without_keys_nobody_else_is_served(tmp_path: Path, host: str) -> None:
    with Provenance(tmp_path) as library, pytest.raises(UsageError, match="provenance keys create"):
        serve(library, host=host, port=0)


# ---------------------------------------------------------------- other web pages


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "[::1", "127.0.0.1.nip.io"]
)
def test_without_keys_only_local_names_are_answered(empty: Empty, host: str) -> None:
    assert empty().get("/v1/references", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "box.localhost"]
)
def test_local_names_are_answered(empty: Empty, host: str) -> None:
    assert empty().get("/v1/references", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
    ids=str,
)
def test_another_web_page_changes_nothing(empty: Empty, headers: dict[str, str]) -> None:
    client = empty()
    answer = client.post("/v1/collections", json={"name": "theirs"}, headers=headers)
    assert answer.status_code == 403
    assert client.get("/v1/collections").json()["items"] == []
    own = {"origin": "http://localhost"}
    assert client.post("/v1/collections", json={"name": "ours"}, headers=own).status_code == 201


def test_another_origin_is_let_in_only_where_the_settings_name_it(empty: Empty) -> None:
    preflight = {"origin": "https://cms.example", "access-control-request-method": "POST"}
    assert empty().options("/v1/check", headers=preflight).status_code != 200
    client = empty(service={"cors_origins": ["https://cms.example"]})
    answer = client.options("/v1/check", headers=preflight)
    assert answer.headers["access-control-allow-origin"] == "https://cms.example"
    other = client.options("/v1/check", headers={**preflight, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


# ---------------------------------------------------------------- how often, how much


def test_a_key_may_ask_only_so_often(empty: Empty) -> None:
    client = empty(service={"requests_per_minute": 3})
    one, other = key_of(client, "checker"), key_of(client, "checker")
    answers = [client.get("/v1/references", headers=one) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 20
    assert client.get("/v1/references", headers=other).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_a_request_too_long_is_cut_off_also_when_it_does_not_say_its_length(empty: Empty) -> None:
    client = empty(decode={"max_bytes": 100_000})
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n'

    def endless() -> Iterator[bytes]:
        yield head
        for _ in range(100):
            yield bytes(10_000)

    boundary = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/v1/check", content=endless(), headers=boundary)
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    picture = client.post("/v1/check", files={"file": ("web.jpg", bytes(100_001))})
    assert (picture.status_code, picture.json()["verdict"]) == (422, "error")
    assert "max_bytes" in picture.json()["query"]["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "multipart/form-data"},
        {"content-type": "multipart/form-data; boundary="},
        {"content-type": "text/plain"},
        {"content-type": "application/json"},
        {"content-type": "image/jpeg"},
        {"content-type": "multipart/form-data; boundary=" + "x" * 5000},
    ],
    ids=lambda headers: headers["content-type"][:40],
)
@pytest.mark.parametrize("path", ["/v1/check", "/v1/references", "/v1/feedback"])
def test_a_wrong_content_type_is_a_wrong_call(empty: Empty, headers: dict[str, str], path: str) -> None:
    answer = empty().post(path, content=b"\xff\xd8 no form", headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"


def test_request_ids_are_kept_or_made_and_never_forged(empty: Empty) -> None:
    client = empty()
    assert client.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = {client.get("/healthz", headers={"x-request-id": "a b"}).headers["x-request-id"] for _ in range(2)}
    assert len(made) == 2


def test_every_answer_has_safe_headers(empty: Empty) -> None:
    client = empty()
    for path in ("/healthz", "/nowhere", "/v1/references"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "a\r\nSet-Cookie: x=1",
        "x" * 900,
        "\u202egpj.exe",
        "C:\\windows\\x.jpg",
        "%00.jpg",
    ],
)
def test_the_name_of_an_upload_is_only_shown(empty: Empty, name: str) -> None:
    answer = empty().post("/v1/check", files={"file": (name, b"?")})
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers
    assert len(answer.json()["query"]["name"]) <= 300


@pytest.mark.parametrize(
    "path", ["/static/../../settings.py", "/static/%2e%2e/%2e%2e/settings.py", "/v1/reports/..%2f..%2fetc"]
)
def test_no_path_leads_to_a_file(empty: Empty, path: str) -> None:
    assert empty().get(path).status_code in (404, 422)


# ---------------------------------------------------------------- a real server


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A real server that gives a request half a second to arrive, and has two open at most."""
    options: dict[str, Any] = {"upload_timeout_s": 0.5, "open_requests": 2}
    with Provenance(tmp_path / "real", service=options) as library:
        server = uvicorn.Server(uvicorn.Config(create_app(library), port=0, log_config=None))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()
        server.should_exit = True
        thread.join()


def begin_upload(address: tuple[str, int]) -> socket.socket:
    """Open a connection that promises a picture, and send nothing of it."""
    connection = socket.create_connection(address, timeout=10)
    connection.sendall(
        b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    return connection


def status_of(connection: socket.socket) -> int:
    return int(connection.recv(4096).split(b" ", 2)[1])


def test_slow_uploads_end_and_do_not_keep_others_out(address: tuple[str, int]) -> None:
    slow = [begin_upload(address) for _ in range(2)]
    time.sleep(0.2)
    third = begin_upload(address)
    assert status_of(third) == 429
    health = socket.create_connection(address, timeout=10)
    health.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status_of(health) == 200
    assert [status_of(connection) for connection in slow] == [408, 408]
    later = begin_upload(address)
    assert status_of(later) == 408
    for connection in (*slow, third, health, later):
        connection.close()
