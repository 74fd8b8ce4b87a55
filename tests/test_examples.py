"""The examples do what they say."""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path
from typing import Any

from provenance.jobs.webhooks import sign


def test_the_example_of_a_receiver_takes_only_what_is_signed() -> None:
    place = Path(__file__).parents[1] / "examples" / "webhook_receiver.py"
    spec: Any = importlib.util.spec_from_file_location("webhook_receiver", place)
    receiver: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(receiver)
    secret, body, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"{}", int(time.time())
    headers = {
        "webhook-id": "a",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secret, "a", now, body),
    }
    assert receiver.is_genuine(secret, headers, body)
    assert not receiver.is_genuine(secret, headers, b"{ }")
    assert not receiver.is_genuine(secret, {**headers, "webhook-timestamp": str(now - 1000)}, body)
    assert not receiver.is_genuine(secret, {}, body)
    done = {"name": "w.jpg", "report": None, "error": "no model"}
    assert "no model" in receiver.sentence(json.loads(json.dumps(done)))
