"""Child program: the import graph of Python files, read by grimp; no file of the tree is ever imported or looked up.

Grimp would find packages through `sys.path`, where an installed package of the same name comes first and a tree could
put itself in front. So it is handed the modules, and the tree is on no search path.
"""

import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from grimp.application.ports.modulefinder import FoundPackage, ModuleFile
from grimp.application.scanning import scan_imports
from grimp.domain.valueobjects import DirectImport, Module
from grimp.exceptions import SourceSyntaxError

from activities.experts.children.import_graph import Edge, graph_facts
from activities.experts.children.protocol import Ledger, Request, main, read_source
from activities.experts.children.python_modules import SearchPath, search_paths
from activities.experts.children.syntax import Unparsable, captures, enclosing, first_line, last_line, parse

_Found = dict[ModuleFile, set[DirectImport]]
_IMPORTS = {"import_statement": "import", "import_from_statement": "import", "function_definition": "function"}


def analyse(request: Request) -> dict[str, Any]:
    """Read the imports of every file and apply the rules to the graph."""
    paths = [entry.path for entry in request.files]
    edges: set[Edge] = set()
    broken: set[str] = set()
    seen: set[str] = set()
    for search_path in search_paths(paths, request.label):
        more, bad, good = scan(request.root, search_path)
        edges |= more
        broken |= bad
        seen |= good
    ledger = Ledger(sorted(seen - broken), dict.fromkeys(sorted(broken), "parse_error"))
    for path in set(paths) - seen - broken:  # a name that cannot be imported: nothing to relate it to
        try:
            parse(path, "python", read_source(request.root, path))
            ledger.analysed.append(path)
        except Unparsable as error:
            ledger.failed[path] = error.reason
    marked = described(request.root, edges)
    changed = frozenset(
        (entry.path, line)
        for entry in request.files
        for start, end in entry.changed or ()
        for line in range(start, end + 1)
    )
    return {
        **ledger.as_answer(),
        "modules": len(ledger.analysed),
        "imports": len(marked),
        **graph_facts(sorted(marked), changed),
    }


def scan(root: Path, search_path: SearchPath) -> tuple[set[Edge], set[str], set[str]]:
    """The imports between the modules of a search path.

    Returns:
        The imports, the paths with syntax errors, and all paths read.
    """
    file_of: dict[str, str] = {}
    packages: set[FoundPackage] = set()
    for name, (folder, modules) in search_path.packages.items():
        file_of |= modules
        spaces = {
            ".".join(module.split(".")[:depth]) for module in modules for depth in range(1, module.count(".") + 1)
        }
        found = frozenset(ModuleFile(Module(module), 0.0) for module in modules)
        packages.add(FoundPackage(name, str(root / folder), found, frozenset(spaces - modules.keys())))
    wanted = sorted(file for package in packages for file in package.module_files)

    def read(files: Collection[ModuleFile]) -> _Found:
        return scan_imports(
            files, found_packages=packages, include_external_packages=False, exclude_type_checking_imports=True
        )

    result, broken = _without_broken(wanted, read)
    edges = {
        Edge(file_of[source], file_of[target], file_of[source], found.line_number)
        for imports in result.values()
        for found in imports
        if (source := found.importer.name) in file_of
        and (target := found.imported.name) in file_of
        and not _is_front_page_of(file_of[target], file_of[source])
    }
    return edges, {file_of[file.module.name] for file in broken}, set(file_of.values())


def _is_front_page_of(target: str, source: str) -> bool:
    """Whether the target is a package that holds the source: it is loaded first anyway, so that is no cycle."""
    return target.endswith("__init__.py") and source.startswith(target.removesuffix("__init__.py"))


def _without_broken(
    files: list[ModuleFile], read: Callable[[Collection[ModuleFile]], _Found]
) -> tuple[_Found, list[ModuleFile]]:
    """Scan, and where one bad file makes the whole scan fail, halve until it stands alone."""
    result: _Found = {}
    broken: list[ModuleFile] = []
    pending = [files] if files else []
    while pending:
        part = pending.pop()
        try:
            result |= read(part)
        except BaseException as error:
            # Grimp's Rust half panics at a relative import that leaves the top-level package; the class of a panic
            # cannot be imported. Such a file reads well, and what it imports is outside.
            panic = type(error).__name__ == "PanicException"
            if not panic and not isinstance(error, (SourceSyntaxError, UnicodeError)):
                raise
            if len(part) > 1:
                pending += [part[: len(part) // 2], part[len(part) // 2 :]]
            elif not panic:
                broken += part
    return result, broken


def described(root: Path, edges: set[Edge]) -> set[Edge]:
    """Say of each import whether it stands inside a function, and where it ends."""
    wanted: dict[str, set[int]] = {}
    for edge in edges:
        wanted.setdefault(edge.path, set()).add(edge.line)
    # By file and first line of an import.
    lazy: set[tuple[str, int]] = set()
    ends: dict[tuple[str, int], int] = {}
    for path, numbers in sorted(wanted.items()):
        data = read_source(root, path)
        lines = data.split(b"\n")
        if not any(_needs_tree(lines[number - 1]) for number in numbers if number <= len(lines)):
            continue
        try:
            items = enclosing(captures(parse(path, "python", data), _IMPORTS), frozenset({"function"}))
        except Unparsable:
            continue
        for name, node, parent in items:
            if name == "import":
                ends[path, first_line(node)] = last_line(node)
                if parent is not None:
                    lazy.add((path, first_line(node)))
    return {
        Edge(edge.source, edge.target, edge.path, edge.line, place in lazy, ends.get(place, 0))
        for edge in edges
        for place in [(edge.path, edge.line)]
    }


def _needs_tree(line: bytes) -> bool:
    """Whether an import can be in a function or go on in the next line: the others need no second parse."""
    return line[:1].isspace() or b"(" in line or line.rstrip().endswith(b"\\")


if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path if entry]
    main(analyse)
