"""Pictures signed by a certificate that the tests make; needs c2pa-python and cryptography."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNER = "Camera 7, The Example Agency"
CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
CREATED = {
    "action": "c2pa.created",
    "when": "2024-05-06T07:08:09Z",
    "softwareAgent": {"name": "Example Camera", "version": "2"},
    "digitalSourceType": CAPTURE,
}
OPENED = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["before"]}}


class Signature(NamedTuple):
    """A chain of certificates and the key of the first of them, all PEM."""

    chain: bytes
    key: bytes
    root: bytes


def sign(
    data: bytes,
    mime_type: str = "image/jpeg",
    *,
    actions: Sequence[dict[str, Any]] = (CREATED,),
    parent: bytes | None = None,
    title: str = "Harbour",
) -> bytes:
    """A picture with a manifest of these actions; `parent`, a JPEG, is what it was edited from."""
    manifest = {
        "claim_generator_info": [{"name": "Example Editor", "version": "1.2"}],
        "title": title,
        "assertions": [{"label": "c2pa.actions", "data": {"actions": list(actions)}}],
    }
    made = signature()
    info = c2pa.C2paSignerInfo(alg=b"es256", sign_cert=made.chain, private_key=made.key, ta_url=None)
    signed = io.BytesIO()
    with c2pa.Builder(json.dumps(manifest)) as builder:
        if parent is not None:
            told = json.dumps({"title": "before.jpg", "relationship": "parentOf", "label": "before"})
            builder.add_ingredient(told, "image/jpeg", io.BytesIO(parent))
        builder.sign(c2pa.Signer.from_info(info), mime_type, io.BytesIO(data), signed)
    return signed.getvalue()


@cache
def signature() -> Signature:
    """A root and a signing certificate, valid from yesterday for a month."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, name = _name("Example root", "Example authority"), _name("Camera 7", "The Example Agency")
    root = _certificate(root_name, root_name, root_key, root_key, authority=True)
    leaf = _certificate(name, root_name, key, root_key, authority=False)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Signature(leaf + root, secret, root)


def _name(person: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, person),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        ]
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> bytes:
    """A certificate as C2PA's profile asks for it, PEM."""
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(usage, critical=True)
    )
    if not authority:
        email = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(email, critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
