"""How much may be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be read; the defaults are those of the settings."""

    max_bytes: int = 100 * 2**20
    """Largest file or download, bytes."""
    max_pixels: int = 100_000_000
    """Largest picture, width times height, checked before its pixels are decoded."""
    fetch_timeout_s: float = 20.0
    """Time for a whole download with its redirects, seconds."""
    fetch_hosts: tuple[str, ...] = ()
    """The only hosts to fetch from, with their subdomains; empty: all public ones."""
    allow_private_urls: bool = False
    """Fetch from loopback and private addresses too; only for trusted networks."""
