"""Results to callbacks, signed as standardwebhooks.com has it, sent under the guard of `fetch`.

A delivery may arrive twice: `webhook-id` is that of the check, so that a receiver can tell.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

from provenance.db import Database
from provenance.decode import Limits
from provenance.errors import FetchError
from provenance.ledger import CheckRecord, Delivery

RETRY_S = (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)
"""Seconds after each failure; then the delivery is given up, about a day and a half after the first."""


def secret_of(database: Database, key_id: int) -> str:
    """Return the secret that deliveries for a key are signed with, as receivers' libraries want it."""
    master = database.secret("webhooks")
    own = hmac.digest(master, f"key {key_id}".encode(), "sha256")
    return "whsec_" + base64.b64encode(own).decode("ascii")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature header of a message: HMAC-SHA256 over id, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.digest(key, b".".join((message_id.encode(), str(timestamp).encode(), body)), hashlib.sha256)
    return "v1," + base64.b64encode(signed).decode("ascii")


def message(check: CheckRecord) -> bytes:
    """Return the body that tells of a finished check."""
    data = {"id": check.token, "state": check.state, "name": check.name, "error": check.error}
    content = {
        "type": f"check.{check.state}",
        "timestamp": check.finished_at,
        "data": {**data, "report": check.report},
    }
    return json.dumps(content).encode()


def deliver(database: Database, delivery: Delivery, limits: Limits) -> None:
    """Try a delivery once, and note what came of it."""
    from provenance.decode.fetch import post

    check = delivery.check
    body, now = message(check), int(time.time())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": check.token,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secret_of(database, check.key_id), check.token, now, body),
    }
    try:
        status = post(delivery.url, body, headers=headers, limits=limits)
        failure = None if 200 <= status < 300 else f"the receiver answers {status}"
    except FetchError as error:
        failure = str(error)
    if failure is None:
        database.deliveries.arrived(delivery)
    else:
        past = delivery.attempts > len(RETRY_S)
        database.deliveries.retry(delivery, None if past else RETRY_S[delivery.attempts - 1], failure)
