"""What a client sends: a file, a folder, a git range or a unified diff, read into one upload."""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from models.errors import InvalidInput
from models.intake import SourceUpload, UploadedArtifact, UploadedFile
from models.paths import display_path, path_problem
from models.source import Language, SkipReason, language_of
from starter.intake.artifacts import COVERAGE_KINDS, PROFILE_KINDS, read_artifact
from starter.intake.diffs import FileDiff, parse_diff, without_files
from starter.intake.entries import read_regular, read_text
from starter.intake.fragments import rebuild
from starter.intake.git_range import git_range
from starter.intake.ignore import IgnoreRules
from starter.intake.limits import MAX_DIFF_BYTES, IntakeLimits, diff_too_large, no_files
from starter.intake.walk import Collected, walk

DIFF_SUFFIXES = frozenset({".diff", ".patch"})
STDIN = Path("-")
_UTF8_BOM = b"\xef\xbb\xbf"
_DIFF_STARTS = ("diff --git ", "--- ", "Index: ")
_LABEL_LENGTH = 200
_DEFAULT_LIMITS = IntakeLimits()


def collect(
    path: Path,
    *,
    diff: Path | None = None,
    base: str | None = None,
    exclude: Sequence[str] = (),
    coverage: Path | None = None,
    profile: Path | None = None,
    limits: IntakeLimits = _DEFAULT_LIMITS,
) -> SourceUpload:
    """Read the source under review.

    Args:
        path: a folder, a file, or a unified diff on its own (`-` reads one from standard input).
        diff: unified diff whose new side is the folder or file; only its changes are reviewed.
        base: git revision; what changed since its merge base with HEAD, uncommitted work included, is reviewed.
        exclude: patterns as in `.gitignore` of files to leave out.
        coverage: coverage.py JSON, Cobertura XML or lcov.
        profile: pstats or speedscope JSON.
        limits: how much to take in.

    Raises:
        InvalidInput: with a code and a message that names the way out.
    """
    if diff is not None and base is not None:
        raise InvalidInput("conflicting_options", "--diff and --base both say what changed. Give one of them.")
    artifacts: list[UploadedArtifact] = []
    if coverage is not None:
        artifacts.append(read_artifact(coverage, "coverage", COVERAGE_KINDS))
    if profile is not None:
        artifacts.append(read_artifact(profile, "profile-data", PROFILE_KINDS))
    rules = IgnoreRules(exclude)
    if path != STDIN:
        _folder_of(path)  # says at once what is wrong with the path
    lone_diff = None if diff is not None or base is not None else _lone_diff(path)
    if lone_diff is not None:
        files, found, text = _from_diff_alone(lone_diff, rules, limits)
    else:
        found, text = _from_tree(path, diff, base, rules, limits)
        files = tuple(UploadedFile(path=name, text=found.texts[name]) for name in sorted(found.texts))
    if not files:
        raise no_files(found.skipped)
    return SourceUpload(
        label=_label(path),
        files=files,
        diff=text,
        skipped=tuple(sorted(found.skipped, key=lambda entry: (entry.path, entry.reason))),
        artifacts=tuple(artifacts),
    )


def _label(path: Path) -> str:
    name = "standard input" if path == STDIN else path.resolve().name
    return display_path(name or "root")[:_LABEL_LENGTH]


def _from_tree(
    path: Path, diff: Path | None, base: str | None, rules: IgnoreRules, limits: IntakeLimits
) -> tuple[Collected, str | None]:
    """Files of a folder, or the one file, with the diff that limits the review to a change."""
    folder = _folder_of(path)
    single = None if path.is_dir() else path.resolve().name
    if base is not None:
        with git_range(folder, base) as since:
            found = _files(folder, single, rules, limits, since.tracked)
            text = since.diff(sorted(found.texts))
        changes = parse_diff(text)
        known = {display_path(name) for name in since.tracked}
        found.forget_skipped(known - {display_path(change.path) for change in changes})
        # git also lists what is not under review: deleted files, and all but one when the review is of one file.
        outside = {change.path for change in changes if change.path not in found.texts}
        return found, _sendable(text, changes, outside)
    if diff is None:
        return _files(folder, single, rules, limits, ()), None
    text = _read_diff(diff)
    changes = parse_diff(text)
    found = _files(folder, single, rules, limits, [change.path for change in changes if not path_problem(change.path)])
    left_out = {entry.path for entry in found.skipped}
    found.forget_skipped(left_out - {display_path(change.path) for change in changes})
    # What is missing without a reason stays in the diff: the service refuses it, rather than review half of a change.
    outside = {
        change.path
        for change in changes
        if change.path not in found.texts
        and (single or not change.has_text or change.path in left_out or found.leaves_out(change.path, rules))
    }
    return found, _sendable(text, changes, outside)


def _files(
    folder: Path, single: str | None, rules: IgnoreRules, limits: IntakeLimits, keep: Sequence[str]
) -> Collected:
    if single is None:
        return walk(folder, rules, limits, keep)
    found = Collected(limits)
    found.add(single, read_text(folder / single, limits.max_file_bytes))
    return found


def _folder_of(path: Path) -> Path:
    """The folder under review, or that of the file under review."""
    try:
        mode = os.lstat(path).st_mode
        # Of a link only a folder is taken: it was named on purpose, and nothing inside it is followed.
        if stat.S_ISDIR(os.stat(path).st_mode):
            return path.resolve()
    except (OSError, ValueError):
        message = "The path does not exist or cannot be reached. Name an existing folder, file or diff."
        raise InvalidInput("path_not_found", message) from None
    if not stat.S_ISREG(mode):
        message = (
            "The path is a link to a file, a device, a socket or a FIFO; these are never opened. Name a regular file."
        )
        raise InvalidInput("unsupported_entry", message)
    return path.resolve().parent


def _lone_diff(path: Path) -> str | None:
    """The diff that a path holds when it is one by its name or, in a file of no known language, by its content."""
    if path == STDIN or path.suffix.lower() in DIFF_SUFFIXES:
        return None if path.is_dir() else _read_diff(path)
    if language_of(path.name) is not Language.OTHER or not path.is_file():
        return None
    content = read_regular(path, MAX_DIFF_BYTES)
    if isinstance(content, SkipReason) or not content.decode(errors="replace").lstrip().startswith(_DIFF_STARTS):
        return None
    text = _decode_diff(content)
    try:
        return text if parse_diff(text) else None
    except InvalidInput:
        return None


def _read_diff(path: Path) -> str:
    if path == STDIN:
        if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  # closed by whoever started this process
            raise InvalidInput("diff_unreadable", "Standard input is closed. Pipe a diff in, or name a file.")
        return _decode_diff(sys.stdin.buffer.read(MAX_DIFF_BYTES + 1))
    _folder_of(path)
    content = read_regular(path, MAX_DIFF_BYTES)
    if content is SkipReason.TOO_LARGE:
        raise diff_too_large()
    if isinstance(content, SkipReason):
        raise InvalidInput(
            "diff_unreadable", "The diff cannot be read. Name a readable regular file, or pipe it in with --diff -."
        )
    return _decode_diff(content)


def _decode_diff(content: bytes) -> str:
    """Text of a diff; bytes that are not UTF-8 survive as surrogates until it is known which file they belong to."""
    if len(content) > MAX_DIFF_BYTES:
        raise diff_too_large()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "The diff is in UTF-16. Save it in UTF-8; some shells re-encode what they redirect into a file."
        raise InvalidInput("unsupported_encoding", message)
    return content.removeprefix(_UTF8_BOM).decode("utf-8", "surrogateescape")


def _from_diff_alone(
    text: str, rules: IgnoreRules, limits: IntakeLimits
) -> tuple[tuple[UploadedFile, ...], Collected, str]:
    """Files as far as a diff shows them."""
    changes = parse_diff(text)
    found = Collected(limits)
    rebuilt: dict[str, UploadedFile] = {}
    for change in changes:
        if change.is_deleted or rules.excludes_file(change.path):
            continue
        file = rebuild(change)
        if isinstance(file, SkipReason):
            found.add(change.path, file)
        elif change.has_text:
            found.add(change.path, file.text)
            rebuilt[change.path] = file
    found.drop_collisions()
    files = tuple(rebuilt[path] for path in sorted(found.texts))
    outside = {change.path for change in changes if change.path not in found.texts}
    return files, found, _sendable(text, changes, outside)


def _sendable(text: str, changes: Sequence[FileDiff], outside: set[str]) -> str:
    """The diff of the files that are sent, in valid Unicode.

    Raises:
        InvalidInput: `no_changes` when nothing reviewable is left.
    """
    if not any(change.has_text and change.path not in outside for change in changes):
        message = "No line of a reviewable text file changes. Check the diff or revision, --exclude, and file types."
        raise InvalidInput("no_changes", message)
    kept = without_files(text, changes, outside)
    return kept.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
