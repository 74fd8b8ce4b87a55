"""For receivers of results: is a message from the service, and new?"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from provenance.errors import AccessError, UsageError

TOLERANCE_S = 300.0
"""As standardwebhooks.com has it: an older message may be one that somebody recorded."""


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, *, tolerance_s: float = TOLERANCE_S
) -> dict[str, Any]:
    """Return the content of a message that the service signed.

    `secret` is printed by `provenance keys secret KEY`; `body` are the bytes as they came. The same message
    may arrive twice: its `data.id` tells. Raises AccessError for what was not signed with `secret`, or not
    lately.
    """
    told = {name.lower(): value for name, value in headers.items()}
    name, at = told.get("webhook-id", ""), told.get("webhook-timestamp", "")
    try:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise UsageError("the secret is what 'provenance keys secret KEY' prints: whsec_...") from error
    if not (at.isascii() and at.isdecimal()) or abs(time.time() - int(at)) > tolerance_s:
        raise AccessError("the message is not of now: it was recorded, or one of the clocks is wrong")
    signed = hmac.digest(key, f"{name}.{at}.".encode() + body, "sha256")
    own = f"v1,{base64.b64encode(signed).decode('ascii')}".encode()
    given = told.get("webhook-signature", "").encode().split()
    if not any(hmac.compare_digest(own, one) for one in given):
        raise AccessError("the signature does not fit: compare the secret with 'provenance keys secret KEY'")
    content: dict[str, Any] = json.loads(body)
    return content
