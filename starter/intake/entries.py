"""Reading one entry of a file system: regular files only, never a link, never blocking, never more than the limit."""

import os
import stat
from pathlib import Path

from models.source import SkipReason

# Absent on Windows, where opening a FIFO or following a link this way does not exist.
_SAFE_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_UTF8_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def read_regular(path: Path, max_bytes: int) -> bytes | SkipReason:
    """The content of a regular file, or why it cannot be read.

    The type is checked again on the open file: between listing and opening, a file can become something else.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return SkipReason.UNSUPPORTED_ENTRY
        descriptor = os.open(path, _SAFE_FLAGS)
    except (OSError, ValueError):
        return SkipReason.UNREADABLE
    try:
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return SkipReason.UNSUPPORTED_ENTRY
            if status.st_size > max_bytes:
                return SkipReason.TOO_LARGE
            # A file may be longer than its status says (it grows, or the file system is virtual).
            content = file.read(max_bytes + 1)
    except OSError:
        return SkipReason.UNREADABLE
    return SkipReason.TOO_LARGE if len(content) > max_bytes else content


def decode(content: bytes) -> str | SkipReason:
    """The text of a file in UTF-8, a byte order mark removed, or why it is no such text."""
    if content.startswith(_UTF16_BOMS):
        return SkipReason.UNSUPPORTED_ENCODING
    if b"\0" in content:
        return SkipReason.BINARY
    try:
        return content.decode("utf-8").removeprefix(_UTF8_BOM)
    except UnicodeDecodeError:
        return SkipReason.UNSUPPORTED_ENCODING


def read_text(path: Path, max_bytes: int) -> str | SkipReason:
    """The text of a regular file, or why it is not part of the source."""
    content = read_regular(path, max_bytes)
    return content if isinstance(content, SkipReason) else decode(content)
