"""Child program: public definitions that no test file so much as names."""

import re
from typing import Any

from activities.experts.children.definition import Definition
from activities.experts.children.definitions import definitions
from activities.experts.children.places import family_of, is_support, is_test
from activities.experts.children.protocol import Ledger, Request, main, read_source
from activities.experts.children.syntax import Parsed, Unparsable, captures, parse

MAX_ITEMS = 100
_WORD = re.compile(rb"[A-Za-z_$][\w$]*")


def analyse(request: Request) -> dict[str, Any]:
    """Collect the words of all tests per language family, then look for the names of the product in them."""
    ledger = Ledger()
    words: dict[str, set[bytes]] = {}
    public: list[tuple[str, str, list[Definition]]] = []
    for entry in request.files:
        family = family_of(entry.language)
        data = read_source(request.root, entry.path)
        if is_test(entry.path):
            words.setdefault(family, set()).update(_WORD.findall(data))
            ledger.analysed.append(entry.path)
            continue
        try:
            parsed = parse(entry.path, entry.language, data)
            if family == "rust" and (inline := inline_tests(parsed)):
                words.setdefault(family, set()).update(_WORD.findall(inline))
            public.append((entry.path, family, testable(entry.path, definitions(parsed))))
            ledger.analysed.append(entry.path)
        except Unparsable as error:
            ledger.failed[entry.path] = error.reason
    files = [
        fact
        for path, family, items in public
        if family in words and items and (fact := untested_facts(path, items, words[family])) is not None
    ]
    return {**ledger.as_answer(), "files": files}


def inline_tests(parsed: Parsed) -> bytes:
    """The text of a Rust file's test modules."""
    modules = [node for _, node in captures(parsed, {"mod_item": "mod"})]
    return b"\n".join(
        parsed.data[node.start_byte : node.end_byte]
        for node in modules
        if (name := node.child_by_field_name("name")) is not None and parsed.text(name) in ("tests", "test")
    )


def testable(path: str, items: list[Definition]) -> list[Definition]:
    """Public functions and classes with something in them to test."""
    if is_support(path) or path.endswith((".pyi", ".d.ts")):
        return []
    return [item for item in items if item.public and not item.trivial and item.kind != "module"]


def untested_facts(path: str, items: list[Definition], words: set[bytes]) -> dict[str, Any] | None:
    """The definitions of a file that the words of the tests do not hold, or None if they hold all."""
    names = [item for item in items if item.name.encode() not in words]
    if not names:
        return None
    return {
        "path": path,
        "public": len(items),
        "unnamed": [[item.name, item.line, item.end_line] for item in names[:MAX_ITEMS]],
        "unnamed_count": len(names),
    }


if __name__ == "__main__":
    main(analyse)
