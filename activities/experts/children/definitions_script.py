"""Definitions of a JavaScript or TypeScript file."""

import re

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
    "comment": "comment",
    "decorator": "skip",
    "export_statement": "export",
    "export_specifier": "specifier",
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "class_declaration": "class",
    "method_definition": "method",
    "variable_declarator": "variable",
    "assignment_expression": "assignment",
    "arrow_function": "scope",
    "function_expression": "scope",
    "generator_function": "scope",
    "return_statement": "value",
}
_TYPED = {"abstract_class_declaration": "class"}
_CONTAINERS = frozenset({"export", "function", "class", "method", "variable", "assignment", "scope"})
_CALLABLE = frozenset({"arrow_function", "function_expression", "generator_function"})
_EXPORTS = re.compile(r"^(module\.)?exports(\.[A-Za-z_$][\w$]*)?$")
_MAX_TARGET = 200
"""Characters of an assignment's left side worth reading."""
_Item = tuple[str, Node, int | None]


def script_definitions(parsed: Parsed) -> list[Definition]:
    """The classes and functions of the file; exported ones are public."""
    wanted = _WANTED if parsed.grammar == "javascript" else _WANTED | _TYPED
    items = enclosing(captures(parsed, wanted), _CONTAINERS)
    comments = Comments(parsed)
    for name, node, _ in items:
        if name == "comment":
            comments.add(node)
        elif name == "skip":
            comments.skip(node)
    exported = _exported(parsed, items)
    valued = {items[p][1].id for name, node, p in items if name == "value" and p is not None and node.named_children}
    public: dict[int | None, bool] = {}
    found: list[Definition] = []
    for position, (name, node, parent) in enumerate(items):
        if name not in ("function", "class", "method", "variable", "assignment"):
            continue
        made = _named(parsed, name, node)
        if made is None:
            continue
        title, target = made
        outer = items[parent] if parent is not None else None
        public[position] = _is_public(parsed, name, node, title, outer, exported, public.get(parent, False))
        top = outer[1] if outer is not None and outer[0] == "export" else node
        found.append(_definition(parsed, title, node, target, first_line(top), public[position], valued, comments))
    return found


def _named(parsed: Parsed, name: str, node: Node) -> tuple[str, Node] | None:
    """The name a definition goes by and the node with its parameters and body."""
    if name in ("function", "class", "method"):
        return field_text(parsed, node, "name") or "default", node
    target = node.child_by_field_name("value" if name == "variable" else "right")
    if target is None or target.type not in _CALLABLE:
        return None
    left = node.child_by_field_name("name" if name == "variable" else "left")
    if left is None or left.type not in ("identifier", "member_expression"):
        return None
    return parsed.text(left)[-_MAX_TARGET:].rsplit(".", 1)[-1], target


def _exported(parsed: Parsed, items: list[_Item]) -> set[str]:
    """Names that leave the file by `export { a }`, `module.exports = a` or `app = module.exports = {}`."""
    names: set[str] = set()
    for name, node, parent in items:
        if name == "specifier":
            names.add(field_text(parsed, node, "name"))
        if name != "assignment":
            continue
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None or not _EXPORTS.match(parsed.text(left)[:_MAX_TARGET]):
            continue
        if right.type == "identifier":
            names.add(parsed.text(right))
        elif right.type == "object":
            names.update(parsed.text(c) for c in right.named_children if c.type == "shorthand_property_identifier")
        while parent is not None and items[parent][0] in ("variable", "assignment"):
            _, outer, parent = items[parent]
            alias = outer.child_by_field_name("name") or outer.child_by_field_name("left")
            if alias is not None and alias.type == "identifier":
                names.add(parsed.text(alias))
    return names


def _is_public(
    parsed: Parsed, name: str, node: Node, title: str, outer: _Item | None, exported: set[str], within: bool
) -> bool:
    if title.startswith(("_", "#")):
        return False
    if name == "method":
        modifier = any(c.type == "accessibility_modifier" and parsed.text(c) != "public" for c in node.children)
        return within and title != "constructor" and not modifier
    if name == "assignment":
        left = parsed.text(node.child_by_field_name("left") or node)[:_MAX_TARGET]
        return outer is None and (bool(_EXPORTS.match(left)) or left.split(".", 1)[0] in exported)
    if outer is not None:
        return outer[0] == "export"
    return title in exported


def _definition(
    parsed: Parsed,
    title: str,
    node: Node,
    target: Node,
    line: int,
    public: bool,
    valued: set[int],
    comments: Comments,
) -> Definition:
    body = target.child_by_field_name("body")
    doc = comments.above(line)
    is_class = "class" in node.type
    names, any_name = ((), True) if is_class else _parameters(parsed, target)
    if b"arguments" in parsed.data[target.start_byte : target.end_byte]:
        any_name = True
    return Definition(
        "class" if is_class else "function",
        title,
        first_line(node),
        last_line(node),
        first_body_line(body, last_line(node)),
        public,
        body_lines(body) <= TRIVIAL_LINES,
        names,
        any_name,
        None if is_class else _returns(parsed, target, body, valued),
        doc[0] if doc else None,
        doc[1] if doc else 0,
    )


def _returns(parsed: Parsed, target: Node, body: Node | None, valued: set[int]) -> bool | None:
    if target.id in valued or (body is not None and body.type != "statement_block"):
        return True
    head = parsed.data[target.start_byte : body.start_byte if body is not None else target.end_byte]
    if body is None or b"async" in head or b"*" in head or body_lines(body) <= 1:
        return None
    return False


def _parameters(parsed: Parsed, node: Node) -> tuple[tuple[str, ...], bool]:
    single = node.child_by_field_name("parameter")
    if single is not None:
        return (parsed.text(single),), False
    names: list[str] = []
    any_name = False
    listed = node.child_by_field_name("parameters")
    for child in listed.named_children if listed is not None else ():
        inner = child.child_by_field_name("pattern") or child.child_by_field_name("left") or child
        if inner.type == "rest_pattern" and inner.named_children:
            inner = inner.named_children[0]
        if inner.type == "identifier":
            names.append(parsed.text(inner))
        elif inner.type in ("object_pattern", "array_pattern", "assignment_pattern"):
            any_name = True
    return tuple(names), any_name
