"""Takes the results of checks, and tells a chat about edited pictures. Needs nothing but Python.

    export PROVENANCE_WEBHOOK_SECRET=$(provenance keys secret 1)
    export CHAT_URL=https://hooks.slack.example/services/...   # any address that takes {"text": ...}
    python examples/webhook_receiver.py 8080

    curl -H "Authorization: Bearer prov_..." -F file=@web.jpg -F callback=https://this.machine:8080/ \\
         "https://provenance.example.org/v1/check?mode=job"
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OLDEST_S = 300
"""A message signed longer ago is not taken: somebody may have kept it to send it again."""
LARGEST = 1 << 20


def is_genuine(secret: str, headers: Any, body: bytes) -> bool:
    """Whether a message was signed with the secret, and a moment ago."""
    signed_at = headers.get("webhook-timestamp", "")
    if not signed_at.isdigit() or abs(time.time() - int(signed_at)) > OLDEST_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message = b".".join((headers.get("webhook-id", "").encode(), signed_at.encode(), body))
    own = "v1," + base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
    return any(hmac.compare_digest(own, one) for one in headers.get("webhook-signature", "").split(" "))


def sentence(data: dict[str, Any]) -> str:
    """What the chat is told of a finished check."""
    report = data["report"]
    if report is None:
        return f"{data['name']}: the check failed: {data['error']}"
    if report["match"] is None:
        return f"{data['name']}: no trusted original found. That does not mean that it is fake."
    caption = report["explanation"]["caption"] if report["explanation"] else ""
    return f"{data['name']}: {report['verdict']} copy of {report['match']['path']}. {caption}"


SEEN: set[str] = set()
"""Ids of messages that were taken: one may come twice."""


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what was taken; the service sends again whatever was not."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(min(length, LARGEST))
        if not is_genuine(os.environ["PROVENANCE_WEBHOOK_SECRET"], self.headers, body):
            self.send_error(401)
            return
        message_id = self.headers["webhook-id"]
        if message_id not in SEEN:
            tell(sentence(json.loads(body)["data"]))
            SEEN.add(message_id)
        self.send_response(204)
        self.end_headers()


def tell(text: str) -> None:
    """Say it in the chat, or here where there is none."""
    chat = os.environ.get("CHAT_URL")
    if not chat:
        print(text, flush=True)
        return
    content = json.dumps({"text": text}).encode()
    request = urllib.request.Request(chat, content, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1]) if len(sys.argv) > 1 else 8080), Receiver).serve_forever()
