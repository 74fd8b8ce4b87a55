"""C2PA manifests ("content credentials") in files: who signed what about the picture, and does it still hold.

Reading never goes to the network: manifests stored elsewhere, and whether a certificate was revoked, are not
asked for. A manifest proves who signed and that the file is as it was then, not that the picture is true.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from provenance.decode.manifest_store import MARKER
from provenance.errors import SettingsError
from provenance.records import (
    ContentCredentials,
    CredentialAction,
    CredentialIngredient,
    CredentialState,
    DecodedImage,
)

_MIME_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
}
_SETTING = "setting 'credentials.trust_anchors'"
_MOST = 100
"""Actions, ingredients and problems kept of a manifest."""
_LONGEST = 300
"""Characters kept of a text."""


class CredentialReader:
    """Reads manifests where the extra `c2pa` is installed; may be shared between threads.

    `trust_anchors` is a PEM file of the certificates whose signers are trusted. Raises SettingsError when it
    cannot be used.
    """

    def __init__(self, trust_anchors: Path | None = None) -> None:
        self._anchors = _read_anchors(trust_anchors) if trust_anchors else None

    def attach(self, image: DecodedImage, data: bytes) -> DecodedImage:
        """Return the image with the credentials in its file's bytes, or with a note of why not."""
        # Most files have none, and most need not pay for loading the library.
        if MARKER not in data or image.format not in _MIME_TYPES:
            return image
        try:
            credentials = self.read(data, _MIME_TYPES[image.format])
        except ModuleNotFoundError:
            note = "the file has content credentials (C2PA); to read them: pip install 'provenance[c2pa]'"
            return replace(image, notes=(*image.notes, note))
        if credentials is None:
            return replace(image, notes=(*image.notes, "content credentials (C2PA) damaged"))
        return replace(image, credentials=credentials)

    def read(self, data: bytes, mime_type: str) -> ContentCredentials | None:
        """Return the active manifest of a file; None where there is none that can be read.

        Raises ModuleNotFoundError without the extra `c2pa`.
        """
        from c2pa import C2paError, Reader

        try:
            with Reader(mime_type, io.BytesIO(data), context=self._context) as reader:
                return _credentials(json.loads(reader.json()))
        except (C2paError, ValueError):
            return None

    @cached_property
    def _context(self) -> Any:
        from c2pa import Context

        settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
        if self._anchors:
            settings["trust"] = {"trust_anchors": self._anchors}
        return Context.from_dict(settings)


def _read_anchors(file: Path) -> str:
    try:
        anchors = file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{_SETTING}: {file} cannot be read ({error}); give a PEM file") from error
    if "-----BEGIN CERTIFICATE-----" not in anchors:
        raise SettingsError(f"{_SETTING}: {file} holds no certificate; give a PEM file")
    return anchors


def _credentials(store: Mapping[str, Any]) -> ContentCredentials | None:
    """The active manifest of a store, c2pa's JSON; None where its shape is not to be understood."""
    label = _text(store.get("active_manifest"))
    manifest = _mapping(_mapping(store.get("manifests")).get(label))
    state = _text(store.get("validation_state")).lower()
    if not label or not manifest or state not in get_args(CredentialState):
        return None
    signature = _mapping(manifest.get("signature_info"))
    signer = dict.fromkeys(
        filter(None, (_text(signature.get("common_name")), _text(signature.get("issuer"))))
    )
    problems = (_text(one.get("code")) for one in _mappings(store.get("validation_status")))
    return ContentCredentials(
        manifest_id=label,
        state=state,  # type: ignore[arg-type]  # one of get_args, see above
        problems=tuple(dict.fromkeys(filter(None, problems)))[:_MOST],
        signed_by=", ".join(signer) or None,
        signed_at=_text(signature.get("time")) or None,
        generator=", ".join(filter(None, map(_software, _mappings(manifest.get("claim_generator_info")))))
        or _text(manifest.get("claim_generator"))
        or None,
        actions=tuple(
            _action(action)
            for assertion in _mappings(manifest.get("assertions"))
            if _text(assertion.get("label")).startswith("c2pa.actions")
            for action in _mappings(_mapping(assertion.get("data")).get("actions"))
        )[:_MOST],
        ingredients=tuple(
            CredentialIngredient(
                title=_text(one.get("title")) or None,
                relationship=_text(one.get("relationship")),
                manifest_id=_text(one.get("active_manifest")) or None,
            )
            for one in _mappings(manifest.get("ingredients"))
        )[:_MOST],
    )


def _action(action: Mapping[str, Any]) -> CredentialAction:
    agent = action.get("softwareAgent")
    return CredentialAction(
        action=_text(action.get("action")),
        when=_text(action.get("when")) or None,
        software=_software(agent) if isinstance(agent, Mapping) else _text(agent) or None,
        digital_source=_text(action.get("digitalSourceType")).rstrip("/").rpartition("/")[2] or None,
        description=_text(action.get("description")) or None,
    )


def _software(agent: Mapping[str, Any]) -> str | None:
    return " ".join(filter(None, (_text(agent.get("name")), _text(agent.get("version"))))) or None


def _text(value: object) -> str:
    """A text on one line and not endless; anything else is none."""
    return " ".join(value[:_LONGEST].split()) if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    """The mappings in a list, not endlessly many; anything else is none."""
    return [one for one in value[:_MOST] if isinstance(one, Mapping)] if isinstance(value, list) else []
