"""Which paths may name a file of a source: relative, plain, and the same file on every system."""

import re
import unicodedata
from collections.abc import Sequence

from models.source import MAX_PATH_LENGTH

MAX_SEGMENT_BYTES = 255
"""Bytes of one folder or file name: what common file systems hold."""

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control, format (bidi overrides too), surrogates, line and paragraph separators: they fake what a reader sees."""
_DEVICE_NAME = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|\Z)", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def path_problem(path: str) -> str | None:
    """What is wrong with a path, as the end of a sentence that starts with "the path"; None when nothing is."""
    if not path:
        return "is empty"
    if len(path) > MAX_PATH_LENGTH:
        return f"is longer than {MAX_PATH_LENGTH} characters"
    # Printable text has none of the unsafe categories, and asking that is much cheaper.
    if not path.isprintable() and any(map(_is_unsafe, path)):
        return "holds a control, bidirectional or other invisible character"
    if "\\" in path:
        return "holds a backslash; folders are separated by '/'"
    if path.startswith("/") or _DRIVE.match(path):
        return "is absolute; paths are relative to the folder under review"
    return next((problem for problem in map(_segment_problem, path.split("/")) if problem), None)


def _segment_problem(segment: str) -> str | None:
    if not segment:
        return "has an empty segment"
    if segment in {".", ".."}:
        return "has a '.' or '..' segment"
    if segment[-1] in ". ":
        return "has a segment that ends in a dot or a space"
    if _DEVICE_NAME.match(segment):
        return "has a segment that some systems reserve for a device"
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        return f"has a segment longer than {MAX_SEGMENT_BYTES} bytes"
    return None


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE_CATEGORIES


def fold_path(path: str) -> str:
    """The form in which two paths are one file on a file system that ignores case and Unicode composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def colliding(paths: Sequence[str]) -> list[int]:
    """Indexes of paths that cannot stand beside another one: the same file, or a file where that one has a folder.

    Of each clash one path is not listed, whatever the order of `paths`: leaving out the listed ones makes the rest fit.
    """
    # NUL sorts before every character of a path: a file comes directly before everything in a folder of its name.
    folded = sorted((fold_path(path).replace("/", "\0"), path, index) for index, path in enumerate(paths))
    found: list[int] = []
    kept: str | None = None
    for name, _, index in folded:
        if kept is not None and (name == kept or name.startswith(kept + "\0")):
            found.append(index)
        else:
            kept = name
    return sorted(found)


def display_path(path: str) -> str:
    """The path with every unsafe character replaced, cut to length: fit for a report, not for a file system."""
    shown = "".join(_REPLACEMENT if _is_unsafe(character) else character for character in path)
    return shown[:MAX_PATH_LENGTH] or _REPLACEMENT
