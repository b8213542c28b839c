"""What a definition is, the same for every language, and the comment that stands above one."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from tree_sitter import Node

from activities.experts.children.syntax import Parsed, first_line, last_line

_EMPTY_LINE_BELOW = re.compile(rb"[ \t\r]*\n[ \t\r]*\n")
TRIVIAL_LINES = 3
"""A body this short says itself what it does."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A module, class or function, with what its documentation and its signature say."""

    kind: Literal["module", "class", "function"]
    name: str
    line: int
    """Line of the definition itself, from 1."""
    end_line: int
    body_line: int
    """First line that runs when it is called; in Python the `def` line runs when the module is loaded."""
    public: bool
    trivial: bool = False
    parameters: tuple[str, ...] = ()
    any_parameter: bool = False
    """The signature takes names it does not list (keyword arguments, destructuring), so no documented name is wrong."""
    returns: bool | None = None
    """Whether it gives back a value; None where the code does not tell."""
    doc: str | None = None
    doc_line: int = 0


@dataclass(slots=True)
class Comments:
    """Finds the comment that belongs to a definition: the one that ends on the line above it."""

    parsed: Parsed
    _by_last: dict[int, Node] = field(default_factory=dict[int, Node])
    _skipped: dict[int, int] = field(default_factory=dict[int, int])
    """Last line to first line of what may stand between a comment and its definition: attributes, template heads."""

    def add(self, node: Node) -> None:
        """Learn a comment; one that follows code on its line belongs to that code."""
        start = self.parsed.data.rfind(b"\n", 0, node.start_byte) + 1
        if not self.parsed.data[start : node.start_byte].strip():
            self._by_last[last_line(node)] = node

    def skip(self, node: Node) -> None:
        """Learn an attribute or a template head."""
        self._skipped[last_line(node)] = first_line(node)

    def attributes_above(self, line: int) -> int:
        """The first line of the attributes that stand directly above a line, or the line itself."""
        while line - 1 in self._skipped and self._skipped[line - 1] < line:
            line = self._skipped[line - 1]
        return line

    def above(self, line: int) -> tuple[str, int] | None:
        """The text of the comment above a line and the line it starts on; adjoining line comments are one comment."""
        line = self.attributes_above(line)
        last = self._by_last.get(line - 1) or self._apart(line - 2)
        if last is None:
            return None
        block = [last]
        while self._is_line(block[-1]) and (above := self._by_last.get(first_line(block[-1]) - 1)) is not None:
            if not self._is_line(above):
                break
            block.append(above)
        text = "\n".join(self.parsed.text(node).rstrip("\n") for node in reversed(block))
        return text, first_line(block[-1])

    def _apart(self, line: int) -> Node | None:
        """A comment for documentation tools that ends on a line with an empty one below it: they accept that too."""
        node = self._by_last.get(line)
        if node is None or self.parsed.data[node.start_byte : node.start_byte + 3] != b"/**":
            return None
        return node if _EMPTY_LINE_BELOW.match(self.parsed.data, node.end_byte) else None

    def _is_line(self, node: Node) -> bool:
        return self.parsed.data[node.start_byte : node.start_byte + 2] == b"//"


def field_text(parsed: Parsed, node: Node, name: str) -> str:
    """The text of a field of a node, empty if it has none."""
    child = node.child_by_field_name(name)
    return parsed.text(child) if child is not None else ""


def body_lines(node: Node | None) -> int:
    """Lines between the braces of a body, or of a body without braces."""
    if node is None:
        return 0
    inner = node.named_children
    return last_line(inner[-1]) - first_line(inner[0]) + 1 if inner else 0


def first_body_line(node: Node | None, otherwise: int) -> int:
    """The line of the first statement of a body."""
    inner = node.named_children if node is not None else []
    return first_line(inner[0]) if inner else otherwise


class Spans:
    """Answers whether any of a set of positions lies in a span; for marks that a query found all over a file."""

    def __init__(self, starts: Iterable[int]) -> None:
        """Keep the positions."""
        self._starts = sorted(starts)

    def within(self, node: Node) -> bool:
        """Whether a position lies inside a node."""
        place = bisect_left(self._starts, node.start_byte)
        return place < len(self._starts) and self._starts[place] < node.end_byte
