"""What a Python project declares that it needs: names only, out of every place a project may say so.

Only names are taken, never options: a manifest of the project under review can neither configure nor silence a tool.
"""

import configparser
import re
import tomllib
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, cast

_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_QUOTED = re.compile(r"""["']([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:[\[<>=!~;@ ][^"'\n]*)?["']""")
_DEV_WORDS = re.compile(r"dev|test|doc|lint|ci|typ|check|build|bench", re.IGNORECASE)
_REQUIREMENTS = re.compile(r"require", re.IGNORECASE)
MAX_NAMES = 5_000


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared dependency and where it stands."""

    name: str
    dev: bool
    path: str
    line: int


@dataclass(slots=True)
class Project:
    """A folder with manifests."""

    folder: str
    declared: dict[str, Declared] = field(default_factory=dict[str, Declared])
    """By normalised name; a product's declaration outranks a developer's."""
    possible: set[str] = field(default_factory=set[str])
    """Names in a `setup.py`, which is a program: some of them are declared."""
    own_names: set[str] = field(default_factory=set[str])
    complete: bool = False
    """Whether a manifest says that what it declares is all there is, be it nothing."""

    def add(self, names: Iterable[str], dev: bool, path: str, text: str) -> None:
        """Take up requirement lines of one manifest."""
        for requirement in names:
            match = _NAME.match(requirement)
            if match is None or len(self.declared) >= MAX_NAMES:
                continue
            key = normalised(match.group(1))
            if key not in self.declared or (self.declared[key].dev and not dev):
                self.declared[key] = Declared(match.group(1), dev, path, _line_of(match.group(1), text))


def normalised(name: str) -> str:
    """The form in which distribution names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_manifest(path: str) -> bool:
    """Whether a file can declare dependencies."""
    place = PurePosixPath(path)
    if place.name in ("pyproject.toml", "setup.cfg", "setup.py"):
        return True
    return place.suffix in (".txt", ".in") and bool(_REQUIREMENTS.search("/".join(place.parts[-2:])))


def is_package_manifest(path: str) -> bool:
    """Whether a file is a JavaScript project's own `package.json`."""
    return PurePosixPath(path).name == "package.json" and "node_modules" not in PurePosixPath(path).parts


def projects(paths: Iterable[str]) -> dict[str, list[str]]:
    """The folders that are projects, each with its manifests; requirement files belong to the project around them."""
    manifests = sorted(path for path in paths if is_manifest(path))
    names = ("pyproject.toml", "setup.cfg", "setup.py")
    folders = {str(PurePosixPath(path).parent) for path in manifests if PurePosixPath(path).name in names}
    found: dict[str, list[str]] = {}
    for path in manifests:
        above = [str(parent) for parent in PurePosixPath(path).parents]
        folder = next((parent for parent in above if parent in folders), above[0])
        found.setdefault(folder, []).append(path)
    return found


def project_of(path: str, folders: Container[str]) -> str | None:
    """The innermost project folder around a file."""
    return next((folder for parent in PurePosixPath(path).parents if (folder := str(parent)) in folders), None)


def read_project(folder: str, manifests: Iterable[str], text_of: Callable[[str], str]) -> Project:
    """Read a project's manifests; one that cannot be read declares nothing."""
    project = Project(folder)
    for path in manifests:
        name, text = PurePosixPath(path).name, text_of(path)
        if name == "pyproject.toml":
            _pyproject(project, path, text)
        elif name == "setup.cfg":
            _setup_cfg(project, path, text)
        elif name == "setup.py":
            project.possible.update(normalised(found) for found in _QUOTED.findall(text))
        else:
            dev = bool(_DEV_WORDS.search("/".join(PurePosixPath(path).parts[-2:])))
            lines = (line for line in text.split("\n") if not line.lstrip().startswith(("#", "-")))
            project.add(lines, dev, path, text)
    return project


def _pyproject(project: Project, path: str, text: str) -> None:
    try:
        root = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    meta, tool = _table(root, "project"), _table(root, "tool")
    poetry = _table(tool, "poetry")
    project.own_names |= {normalised(name) for name in (meta.get("name"), poetry.get("name")) if isinstance(name, str)}
    project.complete = project.complete or (bool(meta) and "dependencies" not in _strings(meta.get("dynamic")))
    project.add(_strings(meta.get("dependencies")), False, path, text)
    for group, names in _table(meta, "optional-dependencies").items():
        project.add(_strings(names), bool(_DEV_WORDS.search(group)), path, text)
    for names in _table(root, "dependency-groups").values():
        project.add(_strings(names), True, path, text)
    project.add((name for name in _table(poetry, "dependencies") if name != "python"), False, path, text)
    project.add(_table(poetry, "dev-dependencies"), True, path, text)
    for name, group in _table(poetry, "group").items():
        if isinstance(group, dict):
            names = _table(cast("dict[str, Any]", group), "dependencies")
            project.add(names, bool(_DEV_WORDS.search(name)), path, text)
    project.add(_strings(_table(tool, "uv").get("dev-dependencies")), True, path, text)
    for names in _table(_table(tool, "pdm"), "dev-dependencies").values():
        project.add(_strings(names), True, path, text)


def _setup_cfg(project: Project, path: str, text: str) -> None:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    if parser.has_option("metadata", "name"):
        project.own_names.add(normalised(parser.get("metadata", "name")))
    if parser.has_option("options", "install_requires"):
        project.add(parser.get("options", "install_requires").split("\n"), False, path, text)
    if parser.has_section("options.extras_require"):
        for group, names in parser.items("options.extras_require"):
            project.add(names.split("\n"), bool(_DEV_WORDS.search(group)), path, text)


def _table(parent: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = parent.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _strings(value: object) -> list[str]:
    return [item for item in cast("list[object]", value) if isinstance(item, str)] if isinstance(value, list) else []


def _line_of(name: str, text: str) -> int:
    """The line a dependency is declared on: the first that has its name as a word."""
    word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-])")
    return next((number for number, line in enumerate(text.split("\n"), 1) if word.search(line)), 1)
