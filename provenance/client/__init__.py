"""Ask a running service: `Client` in ordinary code, `AsyncClient` in asyncio.

    from provenance.client import Client

    with Client("https://provenance.example.org") as client:     # key from PROVENANCE_API_KEY
        found = client.check("web.jpg")                          # a path, bytes, or https://...
        print(found.verdict, found.confidence, found.caption)

calls      each call: how it is asked, how its answer is read
answers    what the service answers, as records
sending    address, key, patience, and what a refusal means
clients    the calls as methods: blocking, and awaited
webhooks   for receivers of results

Needs httpx and `provenance.errors` only: no picture is decoded here.
"""

from __future__ import annotations

from provenance.client.answers import (
    Added,
    Checked,
    Collection,
    Hashes,
    HashMatch,
    Job,
    Mark,
    Page,
    Reference,
    TextMatch,
)
from provenance.client.clients import AsyncClient, Client
from provenance.client.sending import Patience
from provenance.client.webhooks import verify_webhook
from provenance.errors import ServiceError

__all__ = [
    "Added",
    "AsyncClient",
    "Checked",
    "Client",
    "Collection",
    "HashMatch",
    "Hashes",
    "Job",
    "Mark",
    "Page",
    "Patience",
    "Reference",
    "ServiceError",
    "TextMatch",
    "verify_webhook",
]
