"""Definitions of a Rust file."""

from tree_sitter import Node

from activities.experts.children.definition import (
    TRIVIAL_LINES,
    Comments,
    Definition,
    body_lines,
    field_text,
    first_body_line,
)
from activities.experts.children.syntax import Parsed, captures, enclosing, first_line, last_line

_WANTED = {
    "line_comment": "comment",
    "block_comment": "comment",
    "attribute_item": "skip",
    "function_item": "function",
    "function_signature_item": "function",
    "struct_item": "type",
    "enum_item": "type",
    "union_item": "type",
    "trait_item": "trait",
    "impl_item": "impl",
    "mod_item": "mod",
}
_CONTAINERS = frozenset({"function", "trait", "impl", "mod"})


def rust_definitions(parsed: Parsed) -> list[Definition]:
    """The types, traits and functions of the file; `pub` ones are public, those of a test module are left out."""
    items = enclosing(captures(parsed, _WANTED), _CONTAINERS)
    comments = Comments(parsed)
    for name, node, _ in items:
        if name == "comment":
            comments.add(node)
        elif name == "skip":
            comments.skip(node)
    public: dict[int | None, bool] = {None: True}
    in_tests: dict[int | None, bool] = {None: False}
    found: list[Definition] = []
    for position, (name, node, parent) in enumerate(items):
        if name in ("comment", "skip"):
            continue
        outer = items[parent][0] if parent is not None else ""
        visible = public[parent] and outer != "function" and (outer == "trait" or _is_pub(parsed, node))
        in_tests[position] = in_tests[parent] or (name == "mod" and is_test_module(parsed, node, comments))
        if name == "impl":
            public[position] = public[parent] and node.child_by_field_name("trait") is None
            continue
        public[position] = visible
        if name != "mod" and not in_tests[position]:
            found.append(_definition(parsed, name, node, visible, comments))
    return found


def _is_pub(parsed: Parsed, node: Node) -> bool:
    return any(c.type == "visibility_modifier" and parsed.text(c) == "pub" for c in node.children[:4])


def is_test_module(parsed: Parsed, node: Node, comments: Comments) -> bool:
    """Whether an inline module is compiled for tests only."""
    line = first_line(node)
    above = comments.attributes_above(line)
    lines = parsed.data.split(b"\n", line)[above - 1 : line - 1] if above < line else []
    return field_text(parsed, node, "name") in ("tests", "test") or any(b"cfg(test)" in text for text in lines)


def _definition(parsed: Parsed, name: str, node: Node, visible: bool, comments: Comments) -> Definition:
    body = node.child_by_field_name("body")
    doc = comments.above(first_line(node))
    is_function = name == "function"
    names, any_name = _parameters(parsed, node) if is_function else ((), True)
    return Definition(
        "function" if is_function else "class",
        field_text(parsed, node, "name"),
        first_line(node),
        last_line(node),
        first_body_line(body, last_line(node)),
        visible,
        body_lines(body) <= TRIVIAL_LINES and name != "trait",
        names,
        any_name,
        node.child_by_field_name("return_type") is not None if is_function else None,
        doc[0] if doc else None,
        doc[1] if doc else 0,
    )


def _parameters(parsed: Parsed, node: Node) -> tuple[tuple[str, ...], bool]:
    names: list[str] = []
    any_name = False
    listed = node.child_by_field_name("parameters")
    for child in listed.named_children if listed is not None else ():
        if child.type != "parameter":
            continue
        pattern = child.child_by_field_name("pattern")
        if pattern is not None and pattern.type == "identifier":
            names.append(parsed.text(pattern))
        else:
            any_name = True
    return tuple(names), any_name
