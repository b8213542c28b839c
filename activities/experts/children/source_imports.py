"""Child program: import graphs of the languages other than Python, one per language family."""

from collections import defaultdict
from typing import Any

from activities.experts.children.import_graph import Edge, graph_facts
from activities.experts.children.import_resolution import RustModules, java_package, resolve_include, resolve_script
from activities.experts.children.import_statements import Import, imports_of
from activities.experts.children.places import PathIndex, family_of, is_test
from activities.experts.children.protocol import Ledger, Request, main, read_source
from activities.experts.children.syntax import Unparsable, parse

_FACTS = ("cycles", "hubs", "violations")
_Statements = dict[str, list[Import]]


def analyse(request: Request) -> dict[str, Any]:
    """Read the imports of every file and apply the rules to each family's graph."""
    ledger = Ledger()
    stated: dict[str, _Statements] = defaultdict(dict)
    for entry in request.files:
        try:
            found = imports_of(parse(entry.path, entry.language, read_source(request.root, entry.path)))
            stated[family_of(entry.language)][entry.path] = found
            ledger.analysed.append(entry.path)
        except Unparsable as error:
            ledger.failed[entry.path] = error.reason
    changed = frozenset(
        (entry.path, line)
        for entry in request.files
        for start, end in entry.changed or ()
        for line in range(start, end + 1)
    )
    answer: dict[str, Any] = {**ledger.as_answer(), "modules": len(ledger.analysed), "imports": 0}
    answer |= {name: [] for name in _FACTS}
    for family in sorted(stated):
        edges, layers = _EDGES[family](stated[family])
        answer["imports"] += len(layers)
        facts = graph_facts(edges, changed, layers=layers)
        for name in _FACTS:
            answer[name] += facts[name]
    return answer


def _script_edges(stated: _Statements) -> tuple[list[Edge], list[Edge]]:
    paths = frozenset(stated)
    edges = [
        Edge(path, target, path, item.line, item.lazy, item.end)
        for path, items in stated.items()
        for item in items
        if not item.type_only and (target := resolve_script(path, item.target, paths)) is not None
    ]
    return edges, edges


def _c_edges(stated: _Statements) -> tuple[list[Edge], list[Edge]]:
    paths, index = frozenset(stated), PathIndex(stated)
    edges = [
        Edge(path, target, path, item.line)
        for path, items in stated.items()
        for item in items
        if (target := resolve_include(path, item.target, paths, index)) is not None
    ]
    return edges, edges


def _rust_edges(stated: _Statements) -> tuple[list[Edge], list[Edge]]:
    modules = RustModules(stated)
    edges = [
        Edge(path, target, path, item.line, end=item.end)
        for path, items in stated.items()
        for item in items
        if (target := modules.resolve(path, item.target)) is not None and not _holds(target, path)
    ]
    return edges, edges


def _holds(parent: str, path: str) -> bool:
    """Whether a module is an ancestor of another: `use super::x` is how a module is written, not a dependency."""
    folder, _, name = parent.rpartition("/")
    if name in ("mod.rs", "lib.rs", "main.rs"):
        return path.startswith(folder + "/") or not folder
    return path.startswith(parent.removesuffix(".rs") + "/")


def _java_edges(stated: _Statements) -> tuple[list[Edge], list[Edge]]:
    """Between packages for cycles (inside a package nothing is imported), between files for layers."""
    package_of = {
        path: item.target.removeprefix("package ")
        for path, items in stated.items()
        for item in items
        if item.target.startswith("package ")
    }
    packages = {package: path for path, package in sorted(package_of.items(), reverse=True) if not is_test(path)}
    file_of = {
        f"{package}.{path.rpartition('/')[2].removesuffix('.java')}": path for path, package in package_of.items()
    }
    between, layers = list[Edge](), list[Edge]()
    for path, items in stated.items():
        for item in items:
            if path not in package_of or item.target.startswith("package "):
                continue
            if item.target in file_of:
                layers.append(Edge(path, file_of[item.target], path, item.line))
            target = java_package(item.target, packages)
            if target is not None and not is_test(path):
                between.append(Edge(package_of[path], target, path, item.line))
    return between, layers


_EDGES = {"script": _script_edges, "c": _c_edges, "rust": _rust_edges, "java": _java_edges}

if __name__ == "__main__":
    main(analyse)
