"""Syntax trees of untrusted files: which grammar, how much of the file was understood, and no file takes for ever."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import tree_sitter_c
import tree_sitter_cpp
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_rust
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

PARSED_LANGUAGES = frozenset({"python", "javascript", "typescript", "java", "rust", "c", "cpp"})
SECONDS_PER_FILE = 5.0
"""A 512 KiB file of ordinary code takes well under a second; only a made-up one takes longer."""
MAX_ERROR_SHARE = 0.2
"""Share of a file's bytes in error nodes above which what is left says too little about the file."""


class Unparsable(Exception):
    """A file that gave no usable tree."""

    def __init__(self, reason: str) -> None:
        """Keep the ledger's reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file and its tree."""

    path: str
    grammar: str
    data: bytes
    root: Node
    deadline: float

    def text(self, node: Node) -> str:
        """The source text of a node."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")


@cache
def _language(grammar: str) -> Language:
    pointers = {
        "python": tree_sitter_python.language,
        "javascript": tree_sitter_javascript.language,
        "typescript": tree_sitter_typescript.language_typescript,
        "tsx": tree_sitter_typescript.language_tsx,
        "java": tree_sitter_java.language,
        "rust": tree_sitter_rust.language,
        "c": tree_sitter_c.language,
        "cpp": tree_sitter_cpp.language,
    }
    return Language(pointers[grammar]())


def grammar_of(path: str, language: str) -> str:
    """The grammar for a file: TypeScript with JSX has one of its own."""
    return "tsx" if language == "typescript" and path.lower().endswith(".tsx") else language


def parse(path: str, language: str, data: bytes) -> Parsed:
    """Parse one file.

    Raises:
        Unparsable: it took too long, or too much of it is not in the language.
    """
    grammar = grammar_of(path, language)
    deadline = time.monotonic() + SECONDS_PER_FILE
    parser = Parser(_language(grammar))

    def chunk(offset: int, _point: object) -> bytes:
        return data[offset : offset + 65536]

    def expired(_offset: int, _has_error: bool) -> bool:
        return time.monotonic() > deadline

    try:
        root = parser.parse(chunk, progress_callback=expired).root_node
    except ValueError as error:
        raise Unparsable("timeout") from error
    if root.type == "ERROR" or error_share(root) > MAX_ERROR_SHARE:
        raise Unparsable("parse_error")
    return Parsed(path, grammar, data, root, deadline)


def error_share(root: Node) -> float:
    """Share of the bytes that lie in error nodes."""
    if not root.has_error or root.end_byte == root.start_byte:
        return 0.0
    lost, pending = 0, [root]
    while pending:
        node = pending.pop()
        if node.type == "ERROR":
            lost += node.end_byte - node.start_byte
        else:
            pending.extend(child for child in node.children if child.has_error)
    return lost / (root.end_byte - root.start_byte)


def captures(parsed: Parsed, wanted: Mapping[str, str]) -> list[tuple[str, Node]]:
    """The nodes of the wanted types, with the name each type goes by, in the order of the file, outer before inner.

    A walk of our own and not a query: a query's time grows with the square of the nesting, and the only way to stop one
    (its progress callback) crashes the interpreter in tree-sitter 0.26.

    Raises:
        Unparsable: the walk took too long over this file.
    """
    cursor, found, steps = parsed.root.walk(), list[tuple[str, Node]](), 0
    while True:
        steps += 1
        if steps % 4096 == 0 and time.monotonic() > parsed.deadline:
            raise Unparsable("timeout")
        node = cursor.node
        if node is not None and (name := wanted.get(node.type)) is not None and node.is_named:
            found.append((name, node))
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return found


def enclosing(nodes: Iterable[tuple[str, Node]], containers: frozenset[str]) -> list[tuple[str, Node, int | None]]:
    """For each captured node the position, in the same list, of the innermost captured container around it.

    Asking a node for its parent costs a walk from the root each time; a sweep over sorted nodes does not.
    """
    result: list[tuple[str, Node, int | None]] = []
    stack: list[tuple[int, int]] = []
    for position, (name, node) in enumerate(nodes):
        while stack and stack[-1][0] < node.end_byte:
            stack.pop()
        result.append((name, node, stack[-1][1] if stack else None))
        if name in containers:
            stack.append((node.end_byte, position))
    return result


def first_line(node: Node) -> int:
    """The line a node starts on, from 1."""
    return node.start_point[0] + 1


def last_line(node: Node) -> int:
    """The last line a node has text on, from 1: some grammars count the line break as part of a node."""
    row, column = node.end_point
    return max(row if column == 0 else row + 1, first_line(node))
