"""Which entries of a folder are not reviewed: the user's patterns, `.gitignore` files, and what tools leave behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from models.errors import InvalidInput
from models.source import MAX_FILE_BYTES, SkipReason
from starter.intake.entries import read_text

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

EXCLUDED_FOLDERS = frozenset(
    {
        ".git", ".hg", ".svn", ".bzr", ".jj",
        ".venv", "__pycache__", ".tox", ".nox", ".eggs", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
        "node_modules", "bower_components", ".next", ".nuxt", ".svelte-kit", ".parcel-cache", ".nyc_output",
        ".gradle", ".terraform", ".idea", ".vs", ".cache", "CMakeFiles",
    }
)  # fmt: skip
"""Folders with no source of the project in them: version control, environments, fetched packages, caches."""

BUILD_FOLDERS: Mapping[str, frozenset[str]] = {
    "build": frozenset({"pyproject.toml", "setup.py", "package.json", "build.gradle", "CMakeLists.txt"}),
    "dist": frozenset({"pyproject.toml", "setup.py", "package.json"}),
    "target": frozenset({"Cargo.toml", "pom.xml"}),
    "out": frozenset({"build.gradle", "package.json"}),
    "coverage": frozenset({"package.json"}),
    "htmlcov": frozenset({"pyproject.toml", "setup.py", "tox.ini"}),
}  # fmt: skip
"""Folders that hold build output only where they stand beside their build tool's file: elsewhere `build` is a name."""

ENVIRONMENT_MARKER = "pyvenv.cfg"
"""A folder with this file is a Python environment, whatever its name."""


class IgnoreRules:
    """Decides for one folder under review.

    `.gitignore` files are given by the folder they stand in, relative to the folder under review; deeper ones win.
    """

    def __init__(self, exclude: Sequence[str]) -> None:
        """Start with the user's patterns, written as in a `.gitignore` file."""
        self._exclude = _exclude_spec(exclude)
        self._inherited: list[tuple[str, GitIgnoreSpec]] = []
        self._gitignores: dict[str, GitIgnoreSpec] = {}

    def inherit(self, root: Path) -> None:
        """Take over the `.gitignore` files between the folder under review and the top of its git repository."""
        inherited: list[tuple[str, GitIgnoreSpec]] = []
        below = PurePosixPath()
        for folder in _folders_up_to_repository(root):
            below = PurePosixPath(folder.name) / below
            spec = _gitignore(folder.parent)
            if spec is not None:
                inherited.append((f"{below.as_posix()}/", spec))
        # A folder that git ignores as a whole, but that somebody asks to have reviewed, is reviewed.
        if not any(spec.match_file(prefix) for prefix, spec in inherited):
            self._inherited = inherited

    def enter(self, folder: Path, relative: str) -> None:
        """Take the `.gitignore` of a folder into account; `relative` is empty for the folder under review itself."""
        spec = _gitignore(folder)
        if spec is not None:
            self._gitignores[relative] = spec

    def excludes_file(self, path: str) -> bool:
        """Whether the user's patterns or the stated folders leave a file out, git or no git."""
        return self._exclude.match_file(path) or not EXCLUDED_FOLDERS.isdisjoint(path.split("/")[:-1])

    def excludes_folder(self, path: str, name: str, siblings: frozenset[str]) -> bool:
        """Whether a folder is left out whole, git or no git."""
        return (
            name in EXCLUDED_FOLDERS
            or not BUILD_FOLDERS.get(name, frozenset()).isdisjoint(siblings)
            or self._exclude.match_file(f"{path}/")
        )

    def gitignored(self, path: str) -> bool:
        """Whether a `.gitignore` leaves the entry out; folders end in a slash."""
        parents = [parent.as_posix() for parent in PurePosixPath(path).parents]
        for parent in parents:
            relative = "" if parent == "." else parent
            spec = self._gitignores.get(relative)
            verdict = None if spec is None else spec.check_file(path[len(relative) :].lstrip("/")).include
            if verdict is not None:
                return verdict
        verdicts = (spec.check_file(prefix + path).include for prefix, spec in self._inherited)
        return next((verdict for verdict in verdicts if verdict is not None), False)


def _folders_up_to_repository(root: Path) -> list[Path]:
    """The folder under review and those above it, below the repository's top; none outside a repository."""
    folders: list[Path] = []
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            return folders
        folders.append(folder)
    return []


def _exclude_spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError:
        message = "A pattern of --exclude is malformed. Write patterns as in a .gitignore file: `docs/`, `*.gen.py`."
        raise InvalidInput("invalid_exclude", message) from None


def _gitignore(folder: Path) -> GitIgnoreSpec | None:
    """The patterns of a folder's `.gitignore`; like git, a malformed line is passed over and the others count."""
    text = read_text(folder / ".gitignore", MAX_FILE_BYTES)
    return None if isinstance(text, SkipReason) else _lenient_spec(text.split("\n"))


def _lenient_spec(lines: list[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    patterns: list[GitIgnoreSpecPattern] = []
    for line in lines:
        try:
            patterns.append(GitIgnoreSpecPattern(line))
        except ValueError:
            continue
    return GitIgnoreSpec(patterns)
