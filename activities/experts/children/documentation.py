"""Child program: which public definitions have no documentation, and which documentation contradicts the signature."""

from collections import Counter
from typing import Any

from activities.experts.children.definition import Definition
from activities.experts.children.definitions import definitions
from activities.experts.children.doc_comments import documented, is_doc_comment
from activities.experts.children.places import is_support, is_test
from activities.experts.children.protocol import Ledger, Request, main, read_source
from activities.experts.children.syntax import Unparsable, parse

MAX_ITEMS = 200
"""Definitions told per file and rule."""
MAX_NAMES = 20
HEADERS = (".h", ".hh", ".hpp", ".hxx", ".ipp")


def analyse(request: Request) -> dict[str, Any]:
    """Read every file; in C and C++ what a header declares is documented there or nowhere."""
    ledger, files = Ledger(), list[dict[str, Any]]()
    found: dict[str, list[Definition]] = {}
    languages = {entry.path: entry.language for entry in request.files}
    for entry in request.files:
        try:
            parsed = parse(entry.path, entry.language, read_source(request.root, entry.path))
            found[entry.path] = definitions(parsed)
            ledger.analysed.append(entry.path)
        except Unparsable as error:
            ledger.failed[entry.path] = error.reason
    declared = {item.name for path, items in found.items() if path.endswith(HEADERS) for item in items}
    for path in sorted(found):
        public = public_definitions(path, languages[path], found[path], declared)
        missing = [item for item in public if item.doc is None]
        if all(item.kind == "module" for item in missing):
            missing = []  # what is in a file with documented contents needs no second telling
        stale = [fact for item in found[path] for fact in contradictions(item, languages[path])]
        if missing or stale:
            files.append(
                {
                    "path": path,
                    "public": len(public),
                    "missing": [[item.kind, item.name, item.line, item.end_line] for item in missing[:MAX_ITEMS]],
                    "missing_count": len(missing),
                    "stale": stale[:MAX_ITEMS],
                }
            )
    return {**ledger.as_answer(), "files": files}


def public_definitions(path: str, language: str, items: list[Definition], declared: set[str]) -> list[Definition]:
    """The definitions of a file that other code is meant to use and that do not explain themselves."""
    if is_test(path) or is_support(path) or path.endswith((".pyi", ".d.ts")):
        return []
    in_header = path.endswith(HEADERS)
    overloads = Counter(item.name for item in items if item.doc is not None)
    return [
        item
        for item in items
        if item.public
        and not item.trivial
        and (language not in ("c", "cpp") or in_header or item.name not in declared)
        # one documented overload speaks for the others
        and (item.doc is not None or item.kind == "class" or not overloads[item.name])
    ]


def contradictions(item: Definition, language: str) -> list[dict[str, Any]]:
    """Where the documentation of a function and its signature differ."""
    if item.kind != "function" or item.doc is None or not is_doc_comment(item.doc, language):
        return []
    said = documented(item.doc, language)
    if said.inherits:
        return []
    result: list[dict[str, Any]] = []
    names = set(item.parameters)
    if not item.any_parameter:
        unknown = [(name, offset) for name, offset in said.parameters if name not in names]
        if unknown:
            places = [item.doc_line + offset for _, offset in unknown]
            result.append(_fact("unknown-parameter", item, [name for name, _ in unknown], min(places), max(places)))
        told = {name for name, _ in said.parameters}
        missing = [name for name in item.parameters if name not in told and _needs_words(name)]
        if said.parameters and missing and told & names:
            result.append(_fact("missing-parameter", item, missing, item.line, item.line))
    if said.returns is not None and item.returns is False:
        line = item.doc_line + said.returns
        result.append(_fact("return-without-value", item, [], line, line))
    return result


def _needs_words(name: str) -> bool:
    return not name.startswith(("_", "<")) and name not in ("args", "kwargs", "self", "cls")


def _fact(rule: str, item: Definition, names: list[str], first: int, last: int) -> dict[str, Any]:
    return {
        "rule": rule,
        "name": item.name,
        "names": list(dict.fromkeys(names))[:MAX_NAMES],
        "start": min(first, item.line),
        "end": max(last, item.line),
    }


if __name__ == "__main__":
    main(analyse)
