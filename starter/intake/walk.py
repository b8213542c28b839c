"""Collecting the text files of a folder, in a stable order, with everything that was left out and why."""

import os
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from models.errors import InvalidInput
from models.paths import colliding, display_path, path_problem
from models.source import SkippedFile, SkipReason
from starter.intake.entries import read_text
from starter.intake.ignore import ENVIRONMENT_MARKER, IgnoreRules
from starter.intake.limits import IntakeLimits, source_too_large, too_many_files


@dataclass(slots=True)
class Collected:
    """What was found so far."""

    limits: IntakeLimits
    texts: dict[str, str] = field(default_factory=dict[str, str])
    skipped: list[SkippedFile] = field(default_factory=list[SkippedFile])
    excluded_folders: set[str] = field(default_factory=set[str])
    """Folders that were left out whole."""
    size: int = 0

    def add(self, path: str, text: str | SkipReason) -> None:
        """Take a file in, or note why not; stops with 413 as soon as a limit is passed."""
        problem = path_problem(path)
        if problem or isinstance(text, SkipReason):
            self.skip(path, SkipReason.UNSUPPORTED_PATH if problem else SkipReason(text))
            return
        self.texts[path] = text
        self.size += len(text.encode())
        if len(self.texts) > self.limits.max_files:
            raise too_many_files(self.limits.max_files)
        if self.size > self.limits.max_source_bytes:
            raise source_too_large(self.limits.max_source_bytes)

    def skip(self, path: str, reason: SkipReason) -> None:
        """Note an entry that is left out."""
        self.skipped.append(SkippedFile(path=display_path(path), reason=reason))
        if len(self.skipped) > self.limits.max_files:
            raise too_many_files(self.limits.max_files)

    def forget_skipped(self, paths: Set[str]) -> None:
        """Of a change, only what it touches can be missing from the review."""
        self.skipped = [entry for entry in self.skipped if entry.path not in paths]

    def drop_collisions(self) -> None:
        """Leave out files whose names differ only in case from another: such a tree does not exist on every system."""
        paths = sorted(self.texts)
        for index in colliding(paths):
            self.size -= len(self.texts.pop(paths[index]).encode())
            self.skip(paths[index], SkipReason.UNSUPPORTED_PATH)

    def leaves_out(self, path: str, rules: IgnoreRules) -> bool:
        """Whether a file is missing here on purpose."""
        parents = {parent.as_posix() for parent in PurePosixPath(path).parents}
        return rules.excludes_file(path) or not parents.isdisjoint(self.excluded_folders)


def walk(root: Path, rules: IgnoreRules, limits: IntakeLimits, keep: Iterable[str] = ()) -> Collected:
    """Read every regular text file below a folder.

    Args:
        root: the folder under review.
        rules: what to leave out.
        limits: how much to take in.
        keep: files that a `.gitignore` does not leave out, because git tracks them or a diff names them.
    """
    found = Collected(limits)
    kept = _with_parents(keep)
    rules.inherit(root)
    folders: list[tuple[Path, str]] = [(root, "")]
    while folders:
        folder, relative = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            if not relative:
                raise _unreadable_folder() from None
            found.skip(relative, SkipReason.UNREADABLE)
            continue
        below = _visit(entries, relative, folder, rules, kept, found)
        folders.extend(reversed(below))
    found.drop_collisions()
    return found


def _visit(
    entries: Sequence[os.DirEntry[str]],
    relative: str,
    folder: Path,
    rules: IgnoreRules,
    kept: frozenset[str],
    found: Collected,
) -> list[tuple[Path, str]]:
    """Take in one folder's files; returns the folders to go on with."""
    names = frozenset(entry.name for entry in entries)
    if relative and ENVIRONMENT_MARKER in names:
        found.excluded_folders.add(relative)
        return []
    if relative and _is_submodule(folder, names):
        found.excluded_folders.add(relative)
        found.skip(relative, SkipReason.UNSUPPORTED_ENTRY)
        return []
    rules.enter(folder, relative)
    below: list[tuple[Path, str]] = []
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        if entry.is_dir(follow_symlinks=False):
            if rules.excludes_folder(path, entry.name, names):
                found.excluded_folders.add(path)
            elif path in kept or not rules.gitignored(f"{path}/"):
                below.append((Path(entry.path), path))
        elif not rules.excludes_file(path) and (path in kept or not rules.gitignored(path)):
            found.add(path, _text_of(entry, found.limits))
    return below


def _text_of(entry: os.DirEntry[str], limits: IntakeLimits) -> str | SkipReason:
    try:
        regular = entry.is_file(follow_symlinks=False)
    except OSError:
        return SkipReason.UNREADABLE
    return read_text(Path(entry.path), limits.max_file_bytes) if regular else SkipReason.UNSUPPORTED_ENTRY


def _is_submodule(folder: Path, names: frozenset[str]) -> bool:
    """In a submodule `.git` is a file that names the repository; a folder is an ordinary nested clone."""
    return ".git" in names and not (folder / ".git").is_dir()


def _with_parents(paths: Iterable[str]) -> frozenset[str]:
    kept: set[str] = set()
    for path in paths:
        kept.add(path)
        kept.update(parent.as_posix() for parent in PurePosixPath(path).parents)
    return frozenset(kept)


def _unreadable_folder() -> InvalidInput:
    message = "The folder under review cannot be listed. Check its permissions."
    return InvalidInput("path_unreadable", message)
