"""Definitions of a Java file."""

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
    "class_declaration": "type",
    "enum_declaration": "type",
    "record_declaration": "type",
    "interface_declaration": "interface",
    "annotation_type_declaration": "interface",
    "method_declaration": "method",
    "constructor_declaration": "method",
    "lambda_expression": "lambda",
}
_CONTAINERS = frozenset({"type", "interface", "method", "lambda"})


def java_definitions(parsed: Parsed) -> list[Definition]:
    """The types and methods of the file; public ones, inside public ones only, are public."""
    items = enclosing(captures(parsed, _WANTED), _CONTAINERS)
    comments = Comments(parsed)
    for name, node, _ in items:
        if name == "comment":
            comments.add(node)
    public: dict[int | None, bool] = {None: True}
    found: list[Definition] = []
    for position, (name, node, parent) in enumerate(items):
        if name in ("comment", "lambda"):
            public[position] = False
            continue
        modifiers = _modifiers(parsed, node)
        outer = items[parent][0] if parent is not None else ""
        open_to_all = "public" in modifiers or (outer == "interface" and "private" not in modifiers)
        visible = public[parent] and outer not in ("method", "lambda") and open_to_all
        public[position] = visible and name != "method"
        found.append(_definition(parsed, name, node, visible, modifiers, comments))
    return found


def _modifiers(parsed: Parsed, node: Node) -> list[str]:
    for child in node.children:
        if child.type == "modifiers":
            return [parsed.text(modifier)[:80] for modifier in child.children]
    return []


def _definition(
    parsed: Parsed, name: str, node: Node, visible: bool, modifiers: list[str], comments: Comments
) -> Definition:
    body = node.child_by_field_name("body")
    doc = comments.above(first_line(node))
    is_method = name == "method"
    title = node.child_by_field_name("name")
    kind = node.child_by_field_name("type")
    overrides = any(modifier.startswith("@Override") for modifier in modifiers)
    return Definition(
        "function" if is_method else "class",
        field_text(parsed, node, "name"),
        first_line(title) if title is not None else first_line(node),
        last_line(node),
        first_body_line(body, last_line(node)),
        visible,
        overrides or (body is not None and body_lines(body) <= TRIVIAL_LINES),
        _parameters(parsed, node),
        not is_method,
        None if not is_method else kind is not None and kind.type != "void_type",
        doc[0] if doc else None,
        doc[1] if doc else 0,
    )


def _parameters(parsed: Parsed, node: Node) -> tuple[str, ...]:
    """Parameters, and type parameters in angle brackets as Javadoc writes them."""
    names: list[str] = []
    listed = node.child_by_field_name("parameters")
    for child in listed.named_children if listed is not None else ():
        if child.type == "formal_parameter":
            names.append(field_text(parsed, child, "name"))
        elif child.type == "spread_parameter":
            names.extend(field_text(parsed, c, "name") for c in child.named_children if c.type == "variable_declarator")
    typed = node.child_by_field_name("type_parameters")
    for child in typed.named_children if typed is not None else ():
        names.extend(f"<{parsed.text(c)}>" for c in child.named_children if c.type in ("type_identifier", "identifier"))
    return tuple(names)
