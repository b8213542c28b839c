"""Checkpoints of the audit chain: signed by the key service, kept in a file that the database cannot reach."""

import asyncio
import base64
import fcntl
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from activities.keys.transit import called, transit_client
from activities.ports import KeyServiceUnavailable
from models.audit import Checkpoint, checkpoint_message
from models.audit_check import Verify
from models.audit_lines import checkpoints_in
from models.audit_signature import KeyUnusable, pem_of, public_keys, verifier

TAIL_BYTES = 64 * 1024
"""More than the longest line."""


class SignedCheckpoints:
    """Signs with a transit key (ed25519, or ECDSA with P-256) and appends to a file of JSON lines, mode 0600."""

    def __init__(self, address: str, token: str, mount: str, key: str, path: Path) -> None:
        """Take a place and a key.

        Args:
            address: of OpenBao or Vault.
            token: one that may sign with the key and read its public half.
            mount: where the transit engine is.
            key: its signing key.
            path: of the file; made with its folder when missing.
        """
        self._transit = transit_client(address, token)
        self._where = {"name": key, "mount_point": mount}
        self._path = path

    async def write(self, seq: int, head: str, at: datetime) -> Checkpoint:
        """Sign and keep a head; it is on the disk when this returns.

        Raises:
            KeyServiceUnavailable, KeyServiceRefused: it cannot be signed.
        """
        return await asyncio.to_thread(self._write, seq, head, at)

    async def read(self) -> list[Checkpoint]:
        """All of them, in the order in which they were written.

        Raises:
            LineUnreadable: a line is no checkpoint.
        """
        return checkpoints_in(await asyncio.to_thread(self._tail, None))

    async def last(self) -> Checkpoint | None:
        """The one that was written last; None: there is none.

        Raises:
            LineUnreadable: it is no checkpoint.
        """
        tail = await asyncio.to_thread(self._tail, TAIL_BYTES)
        # Without the end of a line that begins before the tail.
        found = checkpoints_in(b"\n".join(tail.split(b"\n")[-2:]))
        return found[-1] if found else None

    async def verifier(self) -> Verify:
        """Verifies with the key service's own word on its public keys, all versions of them.

        Raises:
            KeyServiceUnavailable, KeyServiceRefused: they cannot be had.
        """
        keys = await asyncio.to_thread(self._public_keys)
        return verifier(public_keys("".join(keys.values()).encode()))

    def _write(self, seq: int, head: str, at: datetime) -> Checkpoint:
        message = base64.b64encode(checkpoint_message(seq, head, at)).decode()
        signature = called(lambda: self._transit.sign_data(hash_input=message, **self._where)).get("signature")
        if not isinstance(signature, str) or signature.count(":") != 2:
            raise KeyServiceUnavailable
        key = self._public_keys().get(signature.split(":")[1], "")
        checkpoint = Checkpoint(seq=seq, hash=head, at=at, signature=signature, public_key=key)
        append_line(self._path, checkpoint.model_dump_json())
        return checkpoint

    def _public_keys(self) -> dict[str, str]:
        """PEM by version (`v1`)."""
        versions = called(lambda: self._transit.read_key(**self._where)).get("keys")
        if not isinstance(versions, dict):
            raise KeyServiceUnavailable
        found: dict[str, Any] = versions  # pyright: ignore[reportUnknownVariableType]
        try:
            return {f"v{number}": _pem(about["public_key"]) for number, about in found.items()}
        except (KeyError, TypeError, ValueError):
            raise KeyServiceUnavailable from None

    def _tail(self, size: int | None) -> bytes:
        try:
            with self._path.open("rb") as file:
                if size is not None:
                    file.seek(max(file.seek(0, os.SEEK_END) - size, 0))
                return file.read()
        except FileNotFoundError:
            return b""


def append_line(path: Path, line: str) -> None:
    """Append one line and bring it to the disk; what a crash left of another one is cut off first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        start = max(size - TAIL_BYTES, 0)
        file.seek(start)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(start + whole)
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    # A new name is on the disk when its folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _pem(text: str) -> str:
    """The transit engine tells ed25519 keys as 32 bytes in base64, others as PEM."""
    if not text.startswith("-----BEGIN"):
        return pem_of(Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True)))
    try:
        return pem_of(public_keys(text.encode())[0])
    except KeyUnusable:
        raise ValueError from None
