"""A server on loopback that speaks the published chat-completions interface, and can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

Fault = Callable[["Handler"], None]
"""Takes the place of one answer."""


@dataclass
class Server:
    """What the server says, what goes wrong next, and what it was asked."""

    url: str = ""
    models: list[str] = field(default_factory=lambda: ["tiny-vlm"])
    answer: Callable[[dict[str, Any]], str] = lambda body: f"A thing numbered {digest(body)} was added."
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    finish_reason: str = "stop"
    says_model: str | None = None
    key: str | None = None
    refuses: frozenset[str] = frozenset()
    """Parameters that it answers with HTTP 400."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    delay_s: float = 0.0
    busy: int = 0
    busiest: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def digest(body: dict[str, Any]) -> str:
    """A name for the question that was asked."""
    return hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()[:8]


def check_request(body: dict[str, Any]) -> None:
    """Raise ValueError where a request is not of the published form, or a picture is none."""
    if not isinstance(body.get("model"), str) or not body.get("messages"):
        raise ValueError("model and messages are required")
    for message in body["messages"]:
        if message["role"] not in ("system", "user", "assistant"):
            raise ValueError(f"unknown role {message['role']!r}")
        for part in message["content"] if isinstance(message["content"], list) else []:
            if part["type"] == "image_url":
                head, _, data = part["image_url"]["url"].partition(",")
                if head != "data:image/jpeg;base64":
                    raise ValueError(f"unexpected image url {head!r}")
                Image.open(io.BytesIO(base64.b64decode(data))).load()
            elif part["type"] != "text" or not isinstance(part["text"], str):
                raise ValueError(f"unknown part {part}")


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: LoopbackServer

    def do_GET(self) -> None:
        """List the models."""
        rows = [{"id": name, "object": "model"} for name in self.server.state.models]
        self.send(200, {"object": "list", "data": rows}) if self._allowed() else None

    def do_POST(self) -> None:
        """Answer a question, or misbehave."""
        state = self.server.state
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._allowed():
            return
        with state.lock:
            state.bodies.append(body)
            state.busy += 1
            state.busiest = max(state.busiest, state.busy)
            fault = state.faults.pop(0) if state.faults else state.always
        try:
            time.sleep(state.delay_s)
            if fault is not None:
                fault(self)
            else:
                self._complete(body)
        except BrokenPipeError:
            pass
        finally:
            with state.lock:
                state.busy -= 1

    def _complete(self, body: dict[str, Any]) -> None:
        state = self.server.state
        for name in state.refuses & body.keys():
            error = {
                "message": f"Unsupported parameter: '{name}'",
                "param": name,
                "type": "invalid_request_error",
            }
            return self.send(400, {"error": error})
        try:
            check_request(body)
        except (ValueError, KeyError, OSError) as error:
            return self.send(400, {"error": {"message": str(error), "type": "invalid_request_error"}})
        message = {"role": "assistant", "content": state.answer(body)}
        choice = {"index": 0, "message": message, "finish_reason": state.finish_reason}
        said = state.says_model or body["model"]
        return self.send(200, {"id": "1", "object": "chat.completion", "model": said, "choices": [choice]})

    def _allowed(self) -> bool:
        if self.path not in ("/v1/models", "/v1/chat/completions"):
            self.send(404, {"error": {"message": f"no route {self.path}"}})
            return False
        key = self.server.state.key
        if key is not None and self.headers.get("Authorization") != f"Bearer {key}":
            self.send(401, {"error": {"message": "Incorrect API key provided"}})
            return False
        return True

    def send(self, status: int, content: Any, **headers: str) -> None:
        """Send JSON, or bytes as they are."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **headers,
        }.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class LoopbackServer(ThreadingHTTPServer):
    """The server with its state."""

    daemon_threads = True

    def __init__(self, state: Server) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.state = state


@contextmanager
def serve(**given: Any) -> Iterator[Server]:
    """Run a server for as long as the block lasts."""
    state = Server(**given)
    with LoopbackServer(state) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


# ---------------------------------------------------------------- faults


def status(code: int, message: str = "trouble", **headers: str) -> Fault:
    """An error of the server, in its JSON."""
    return lambda handler: handler.send(code, {"error": {"message": message}}, **headers)


def not_json(handler: Handler) -> None:
    """A proxy's page in place of an answer."""
    handler.send(200, b"<html><body>Bad gateway</body></html>")


def broken_off(handler: Handler) -> None:
    """Half an answer, then the line is cut."""
    handler.send_response(200)
    handler.send_header("Content-Length", "4000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"message": {"content": "A balloon was ad')
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.shutdown(2)


def endless(handler: Handler) -> None:
    """An answer without an end."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"A balloon was added. " * 5000)


def slow(seconds: float) -> Fault:
    """Nothing for a while, then a letter now and then."""

    def fault(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(int(seconds / 0.05)):
            time.sleep(0.05)
            handler.wfile.write(b" ")
            handler.wfile.flush()
        handler.close_connection = True

    return fault
