"""Signatures of checkpoints, verified with nothing but a public key."""

import base64
import binascii
import re

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from models.audit import Checkpoint, checkpoint_message
from models.audit_check import Verify

SIGNATURE = re.compile(r"vault:v[1-9][0-9]{0,8}:([A-Za-z0-9+/]+={0,2})", re.ASCII)
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey


class KeyUnusable(ValueError):
    """No public key of a kind that signs checkpoints."""


def public_keys(text: bytes) -> list[PublicKey]:
    """Ed25519 and ECDSA keys of a PEM file: one for each version of the signing key.

    Raises:
        KeyUnusable: there is none, or another kind.
    """
    found: list[PublicKey] = []
    for block in _PEM.findall(text):
        try:
            key = load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm):
            raise KeyUnusable from None
        if not isinstance(key, (Ed25519PublicKey, EllipticCurvePublicKey)):
            raise KeyUnusable
        found.append(key)
    if not found:
        raise KeyUnusable
    return found


def pem_of(key: PublicKey) -> str:
    """A public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def verifier(keys: list[PublicKey]) -> Verify:
    """Whether a checkpoint was signed with one of these keys; the key that it names itself is no proof."""

    def verify(checkpoint: Checkpoint) -> bool:
        match = SIGNATURE.fullmatch(checkpoint.signature)
        if match is None:
            return False
        try:
            signature = base64.b64decode(match[1], validate=True)
        except binascii.Error:
            return False
        message = checkpoint_message(checkpoint.seq, checkpoint.hash, checkpoint.at)
        return any(_fits(key, signature, message) for key in keys)

    return verify


def _fits(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        else:
            key.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
