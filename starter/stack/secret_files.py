"""Secrets of the local stack: generated once, one file each, readable by their owner only."""

import os
import secrets
from pathlib import Path

from starter.stack.errors import SecretExposed, StackError

OTHERS = 0o077
"""Permission bits that a file with a secret must not have."""

API_TOKEN = "api-token"
SECOND_TOKEN = "second-token"
CODEC_TOKEN = "codec-token"
REDIS_PASSWORD = "redis-password"
OPENBAO_INIT = "openbao-init.json"
OPENBAO_TOKEN = "openbao-token"


def check(path: Path) -> None:
    """Refuse a secret that somebody else could have read.

    Raises:
        SecretExposed: the file's mode lets others in, it belongs to somebody else, or it is not a plain file.
    """
    info = path.lstat()
    way_out = f"Run `chmod 600 {path}`, or delete the file and run `conclave up` for a new secret."
    if path.is_symlink() or not path.is_file():
        raise SecretExposed(f"{path} must be a plain file. Delete it and run `conclave up` for a new secret.")
    if info.st_mode & OTHERS:
        raise SecretExposed(f"{path} can be read by other users (mode {info.st_mode & 0o777:04o}). {way_out}")
    if info.st_uid != os.geteuid():
        raise SecretExposed(f"{path} belongs to another user (uid {info.st_uid}). {way_out}")


def read(path: Path) -> str | None:
    """The secret in a file, or None when there is no such file.

    Raises:
        SecretExposed: as `check` says.
        StackError: the file is empty.
    """
    try:
        check(path)
    except FileNotFoundError:
        return None
    text = path.read_text(encoding="utf-8").strip()
    if not text:
        raise StackError(f"{path} is empty. Delete it and run `conclave up` for a new secret.")
    return text


def write(path: Path, text: str) -> None:
    """Put text into a file of mode 0600, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        # A secret that a server has already taken must not be lost with the power.
        os.fsync(file.fileno())
    draft.replace(path)


def read_or_create(path: Path) -> str:
    """The secret in a file; a new random one when there is no such file."""
    found = read(path)
    if found is not None:
        return found
    fresh = secrets.token_urlsafe(32)
    write(path, fresh)
    return fresh
