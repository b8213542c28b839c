"""A text that is nowhere else, and where it is found, in whatever form."""

import base64
import gzip
import json
import secrets
import zlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import zstandard

PREFIX = 16
"""Characters of a text that are looked for: most leaks are cut somewhere."""
INFLATED = 256 * 1024
"""Bytes of a compressed member that are looked at."""
ZSTD, GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08"
ZLIB = tuple(bytes([0x78, level]) for level in (0x01, 0x5E, 0x9C, 0xDA))


def fresh(name: str) -> str:
    """A text that is nowhere else: it has a character that URLs quote."""
    return f"{secrets.token_hex(6)}={name}={secrets.token_hex(6)}"


def forms(text: str) -> dict[str, bytes]:
    """What the beginning of a text becomes on its way into files."""
    start = text[:PREFIX]
    raw = start.encode()
    found = {
        "plain": raw,
        "reversed": raw[::-1],
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "quoted": quote(start, safe="").encode(),
        "percent": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "json": "".join(f"\\u{ord(character):04x}" for character in start).encode(),
        "utf-16-le": start.encode("utf-16-le"),
        "utf-16-be": start.encode("utf-16-be"),
    }
    for offset in range(3):
        # What stands before and after decides the first and the last digits.
        digits = base64.b64encode(b"\0" * offset + raw)[4 if offset else 0 : -4]
        found[f"base64+{offset}"] = digits
        found[f"base64url+{offset}"] = digits.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def found_in(data: bytes, texts: Iterable[str]) -> set[tuple[str, str]]:
    """Which of the texts the data holds, each with its form."""
    every = [(text, form, needle) for text in texts for form, needle in forms(text).items()]
    found = {(text, form) for text, form, needle in every if needle in data}
    for name, inner in members(data):
        found |= {(text, f"{form} in {name}") for text, form, needle in every if needle in inner}
    return found


def members(data: bytes) -> Iterable[tuple[str, bytes]]:
    """What lies compressed in the data, as far as it can be inflated."""
    view = memoryview(data)
    for name, starts in (("zstd", (ZSTD,)), ("gzip", (GZIP,)), ("zlib", ZLIB)):
        for start in starts:
            at = data.find(start)
            while at >= 0:
                inner = _inflated(name, view[at : at + INFLATED])
                if len(inner) >= PREFIX:
                    yield name, inner
                at = data.find(start, at + 1)


def _inflated(name: str, data: memoryview) -> bytes:
    try:
        if name == "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(data)[:INFLATED]
        return zlib.decompressobj(31 if name == "gzip" else 15).decompress(data, INFLATED)
    except (zlib.error, zstandard.ZstdError):
        return b""


def leaks(root: Path, texts: Iterable[str], allowed: Iterable[str] = ()) -> list[str]:
    """Files below a folder that hold one of the texts, or have it in their name.

    Args:
        root: the folder.
        texts: what is looked for.
        allowed: files and folders, relative to `root`, that are not looked into.
    """
    texts, outside = list(texts), [root / name for name in allowed]
    found: list[str] = []
    for path in sorted(root.rglob("*")):
        if any(path == each or each in path.parents for each in outside):
            continue
        data = str(path.relative_to(root)).encode(errors="replace")
        if path.is_file() and not path.is_symlink():
            data += b"\0" + path.read_bytes()
        found += [f"{path.relative_to(root)}: {text.split('=')[1]} ({form})" for text, form in found_in(data, texts)]
    return found


def planted(text: str) -> dict[str, bytes]:
    """Files that hold a text, one per form: a search that misses one of them says nothing."""
    line = f"before {text} after"
    raw = line.encode()
    whole = {
        "plain": raw,
        "reversed": raw[::-1],
        "hex": raw.hex().encode(),
        "upper": raw.hex().upper().encode(),
        "url": quote(line, safe="").encode(),
        "percent": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "json": json.dumps("".join(f"\\u{ord(character):04x}" for character in line)).replace("\\\\", "\\").encode(),
        "utf-16": line.encode("utf-16"),
        "utf-16-be": line.encode("utf-16-be"),
        "gzip": b"noise" + gzip.compress(raw) + b"noise",
        "zlib": b"noise" + zlib.compress(raw) + b"noise",
        "zstd": b"noise" + zstandard.compress(raw) + b"noise",
    }
    for offset in range(3):
        whole[f"base64-{offset}"] = base64.b64encode(b"x" * offset + raw)
        whole[f"base64url-{offset}"] = base64.urlsafe_b64encode(b"x" * offset + raw)
    return whole
