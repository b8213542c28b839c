"""Child program: Python imports that no manifest declares, and declared dependencies that nothing imports, by deptry.

Deptry's own command reads its settings from the reviewed `pyproject.toml` and obeys `# deptry: ignore` in the code, so
its parts are used instead of it: the import reader, the module lookup and the finders.
"""

import logging
import re
from pathlib import Path, PurePosixPath
from typing import Any

from deptry.dependency import Dependency
from deptry.imports.extract import get_imported_modules_from_list_of_files
from deptry.imports.location import Location
from deptry.module import ModuleBuilder, ModuleLocations
from deptry.violations.base import Violation
from deptry.violations.finder import find_violations

from activities.experts.children.manifests import Project, is_manifest, normalised, project_of, projects, read_project
from activities.experts.children.package_names import MODULES_OF, STANDARD_LIBRARY, look_alike
from activities.experts.children.places import is_support, is_test
from activities.experts.children.protocol import Ledger, Request, main, read_source
from activities.experts.children.syntax import Parsed, Unparsable, captures, first_line, last_line, parse

MAX_FACTS = 100
_RULES = {"DEP001": "undeclared", "DEP003": "undeclared", "DEP002": "unused", "DEP004": "misplaced"}
_SKIPPED = re.compile(r"^Warning: Skipping processing of (.*) because of the following error", re.DOTALL)
_CATCHES = re.compile(r"ImportError|ModuleNotFound|Exception|^except$")
_OUTSIDE = ("setup.py", "noxfile.py", "fabfile.py", "tasks.py", "conf.py")
_NOT_IMPORTED = re.compile(r"^(types-.*|.*-stubs|pytest.*|setuptools|wheel|pip|tzdata|.*-bin)$")


class _Broken(logging.Handler):
    """Collects the files that deptry leaves out because of a syntax error: it only logs them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.paths: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if match := _SKIPPED.match(record.getMessage()):
            self.paths.add(match.group(1))


def analyse(request: Request) -> dict[str, Any]:
    """Compare imports and declarations, project by project; the innermost project around a file is its own."""
    root = request.root
    paths = [entry.path for entry in request.files]
    every = [*paths, *request.others]
    found = projects(every)
    ledger, facts = Ledger(), list[dict[str, Any]]()
    is_change = any(entry.changed is not None for entry in request.files)
    members: dict[str, list[str]] = {folder: [] for folder in found}
    for path in paths:
        folder = project_of(path, members)
        if folder is not None:
            members[folder].append(path)
    local = {name for path in paths for name in (*PurePosixPath(path).parts[:-1], PurePosixPath(path).stem)}
    for folder, manifests in found.items():
        project = read_project(folder, manifests, lambda path: read_source(root, path).decode("utf-8", "replace"))
        if not project.declared and not project.complete:
            ledger.analysed += members[folder]  # a manifest of settings only says nothing to compare with
            continue
        violations, broken = _violations(root, members[folder], project, local)
        ledger.failed |= dict.fromkeys(broken, "parse_error")
        ledger.analysed += [path for path in members[folder] if path not in broken]
        facts += _facts(root, project, violations, every, is_change)
    return {**ledger.as_answer(), "facts": facts[:MAX_FACTS]}


def _violations(root: Path, paths: list[str], project: Project, local: set[str]) -> tuple[list[Violation], set[str]]:
    handler = _Broken()
    logger = logging.getLogger("deptry")
    logger.addHandler(handler)
    imported = get_imported_modules_from_list_of_files([root / path for path in paths])
    logger.removeHandler(handler)
    broken = {path for path in paths if str(root / path) in handler.paths}
    needed = [_dependency(item.name) for item in project.declared.values() if not item.dev]
    for_work = [_dependency(item.name) for item in project.declared.values() if item.dev]
    own = {name.replace("-", "_") for name in project.own_names}
    modules = [
        ModuleLocations(
            ModuleBuilder(name, local | own, STANDARD_LIBRARY, needed, for_work).build(),
            [Location(place.file, place.line, place.column) for place in places],  # without the ignore comments
        )
        for name, places in imported.items()
    ]
    return find_violations(modules, needed, (), {}, STANDARD_LIBRARY), broken


def _dependency(name: str) -> Dependency:
    return Dependency(name, Path("pyproject.toml"), MODULES_OF.get(normalised(name)))


def _facts(
    root: Path, project: Project, violations: list[Violation], every: list[str], is_change: bool
) -> list[dict[str, Any]]:
    missing: dict[tuple[str, str], list[tuple[str, int]]] = {}
    unused: list[str] = []
    for violation in violations:
        rule, name = _RULES.get(violation.error_code), violation.issue.name
        if rule == "unused":
            unused.append(name)
        elif rule is not None and violation.location.line is not None:
            path = violation.location.file.relative_to(root).as_posix()
            if not (is_test(path) or is_support(path) or PurePosixPath(path).name in _OUTSIDE):
                missing.setdefault((rule, name), []).append((path, violation.location.line))
    undeclared = {name for rule, name in missing if rule == "undeclared"}
    guarded = _Guards(root)
    facts: list[dict[str, Any]] = []
    for (rule, name), places in sorted(missing.items()):
        if normalised(name) in project.possible or any(look_alike(name, other) for other in project.declared):
            continue
        firm = sorted(place for place in places if not guarded.covers(*place))
        if firm:
            facts.append({"rule": rule, "name": name, "path": firm[0][0], "line": firm[0][1], "places": len(firm)})
    texts = [] if is_change else [path for path in every if not is_manifest(path) and not path.endswith(".lock")]
    for name in sorted(unused):
        item = project.declared.get(normalised(name))
        if is_change or item is None or _NOT_IMPORTED.match(normalised(name)) or item.path.endswith(".txt"):
            continue  # a list of pinned requirements holds what other requirements need
        if any(look_alike(module, name) for module in undeclared) or _mentioned(root, name, texts):
            continue
        facts.append({"rule": "unused", "name": name, "path": item.path, "line": item.line, "places": 1})
    return facts


def _mentioned(root: Path, name: str, paths: list[str]) -> bool:
    """Whether any text of the source names a distribution: a plugin, a server or a driver is used without an import."""
    word = re.compile(rb"(?<![\w-])" + re.escape(name).replace("\\-", "[-_]").encode() + rb"(?![\w-])", re.IGNORECASE)
    return any(word.search(read_source(root, path)) for path in paths)


class _Guards:
    """Lines that need not succeed: under `try` with an `except ImportError`, or under any `if`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._ranges: dict[str, list[tuple[int, int]]] = {}

    def covers(self, path: str, line: int) -> bool:
        if path not in self._ranges:
            try:
                self._ranges[path] = _guarded_ranges(parse(path, "python", read_source(self._root, path)))
            except Unparsable:
                self._ranges[path] = []
        return any(start <= line <= end for start, end in self._ranges[path])


def _guarded_ranges(parsed: Parsed) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for name, node in captures(parsed, {"try_statement": "try", "if_statement": "if"}):
        heads = [parsed.text(child)[:120].split(":", 1)[0] for child in node.children if child.type == "except_clause"]
        if name == "if" or any(_CATCHES.search(head.strip()) for head in heads):
            ranges.append((first_line(node), last_line(node)))
    return ranges


if __name__ == "__main__":
    main(analyse)
