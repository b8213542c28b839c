"""Limits of one source, and the errors that name them."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import InvalidInput
from models.source import MAX_FILE_BYTES, MAX_FILES, MAX_SOURCE_BYTES, SkippedFile

MAX_DIFF_BYTES = 16 * 1024 * 1024
"""Bytes of one unified diff."""
MAX_DIFF_LINES = 200_000
"""Lines of one unified diff: beyond that nobody reviews, and reading it takes many seconds."""
MAX_ARTIFACT_BYTES = 32 * 1024 * 1024
"""Bytes of one coverage report or profile."""


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """How much one source may hold."""

    max_files: int = MAX_FILES
    """Files; entries that were left out and reported are limited by the same number."""
    max_file_bytes: int = MAX_FILE_BYTES
    """A larger file is left out and reported, not refused."""
    max_source_bytes: int = MAX_SOURCE_BYTES


def too_many_files(limit: int) -> InvalidInput:
    """More files, or more left-out entries, than one source may hold."""
    message = f"One source holds at most {limit} files. Review a smaller folder, or leave files out with --exclude."
    return InvalidInput("too_many_files", message, 413, max_files=limit)


def source_too_large(limit: int) -> InvalidInput:
    """All files together are larger than one source may be."""
    message = (
        f"The files of one source hold at most {limit} bytes together."
        " Review a smaller folder, or leave files out with --exclude."
    )
    return InvalidInput("source_too_large", message, 413, max_bytes=limit)


def diff_too_large() -> InvalidInput:
    """The unified diff is larger than can be read."""
    message = f"A diff holds at most {MAX_DIFF_BYTES} bytes and {MAX_DIFF_LINES} lines. Review the change in parts."
    return InvalidInput("diff_too_large", message, 413, max_bytes=MAX_DIFF_BYTES, max_lines=MAX_DIFF_LINES)


def no_files(skipped: Sequence[SkippedFile]) -> InvalidInput:
    """Nothing is left to review."""
    reasons = sorted({str(entry.reason) for entry in skipped})
    left_out = f"; {len(skipped)} entries were left out: {', '.join(reasons)}" if skipped else ""
    message = (
        f"There is no reviewable text file{left_out}."
        " Name a folder or file with source code, and check --exclude and .gitignore."
    )
    return InvalidInput("no_files", message, skipped=len(skipped), reasons=reasons)
