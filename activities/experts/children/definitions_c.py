"""Definitions and declarations of a C or C++ file."""

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
    "function_definition": "function",
    "declaration": "declaration",
    "struct_specifier": "struct",
}
_CPP_WANTED = {
    "class_specifier": "class",
    "namespace_definition": "namespace",
    "template_parameter_list": "skip",
    "field_declaration": "field",
    "access_specifier": "access",
    "lambda_expression": "lambda",
}
_CONTAINERS = frozenset({"function", "struct", "class", "namespace", "lambda"})
_MAX_DECLARATOR_DEPTH = 40
_IDENTIFIER = re.compile(r"^[A-Za-z_]\w*$")


def c_definitions(parsed: Parsed) -> list[Definition]:
    """The types, functions and function declarations of the file; `static` and anonymous ones are not public."""
    items = enclosing(captures(parsed, _WANTED | (_CPP_WANTED if parsed.grammar == "cpp" else {})), _CONTAINERS)
    comments = Comments(parsed)
    for name, node, _ in items:
        if name == "comment":
            comments.add(node)
        elif name == "skip":
            comments.skip(node)
    open_to_all: dict[int | None, bool] = {None: True}
    """Per container whether what comes next in it can be reached from outside."""
    found: list[Definition] = []
    for position, (name, node, parent) in enumerate(items):
        visible = open_to_all.get(parent, False)
        if name == "access":
            open_to_all[parent] = parsed.text(node).startswith("public")
        elif name == "namespace":
            open_to_all[position] = visible and node.child_by_field_name("name") is not None
        elif name in ("struct", "class") and node.child_by_field_name("body") is not None:
            open_to_all[position] = visible and name == "struct"
            if _IDENTIFIER.match(field_text(parsed, node, "name")):
                found.append(_type(parsed, node, visible, comments))
        elif name in ("function", "declaration", "field"):
            made = _function(parsed, node, visible, comments)
            if made is not None and (parent is None or items[parent][0] not in ("function", "lambda")):
                found.append(made)
    return found


def _type(parsed: Parsed, node: Node, visible: bool, comments: Comments) -> Definition:
    body = node.child_by_field_name("body")
    line = first_line(node)
    doc = comments.above(line)
    return Definition(
        "class",
        field_text(parsed, node, "name"),
        line,
        last_line(node),
        first_body_line(body, line),
        visible,
        body_lines(body) <= TRIVIAL_LINES,
        any_parameter=True,
        doc=doc[0] if doc else None,
        doc_line=doc[1] if doc else 0,
    )


def _function(parsed: Parsed, node: Node, visible: bool, comments: Comments) -> Definition | None:
    declarator, pointer = _function_declarator(node)
    if declarator is None:
        return None
    name = field_text(parsed, declarator, "declarator").rsplit("::", 1)[-1].strip()
    if declarator.has_error or not _IDENTIFIER.match(name) or name == "main":
        return None  # a destructor, an operator, or a macro that the grammar took for something else
    body = node.child_by_field_name("body")
    names, any_name = _parameters(parsed, declarator)
    kind = node.child_by_field_name("type")
    doc = comments.above(first_line(node))
    static = any(c.type == "storage_class_specifier" and parsed.text(c) == "static" for c in node.children)
    deleted = any(c.type in ("default_method_clause", "delete_method_clause") for c in node.children)
    return Definition(
        "function",
        name,
        first_line(declarator),
        last_line(node),
        first_body_line(body, last_line(node)),
        visible and not (static and not parsed.path.endswith((".h", ".hh", ".hpp", ".hxx", ".ipp"))),
        deleted or (body is not None and body_lines(body) <= TRIVIAL_LINES),
        names,
        any_name,
        kind is not None and (pointer or parsed.text(kind) != "void"),
        doc[0] if doc else None,
        doc[1] if doc else 0,
    )


def _function_declarator(node: Node) -> tuple[Node | None, bool]:
    """The function declarator inside pointers and references, and whether there was one of those."""
    current, pointer = node.child_by_field_name("declarator"), False
    for _ in range(_MAX_DECLARATOR_DEPTH):
        if current is None or current.type == "function_declarator":
            break
        pointer = pointer or current.type in ("pointer_declarator", "reference_declarator")
        if current.type == "reference_declarator":
            current = current.named_children[-1] if current.named_children else None
        else:
            current = current.child_by_field_name("declarator")
    if current is None or current.type != "function_declarator":
        return None, pointer
    inner = current.child_by_field_name("declarator")
    named = inner is not None and inner.type in ("identifier", "field_identifier", "qualified_identifier")
    return (current if named else None), pointer


def _parameters(parsed: Parsed, declarator: Node) -> tuple[tuple[str, ...], bool]:
    names: list[str] = []
    any_name = False
    listed = declarator.child_by_field_name("parameters")
    for child in listed.named_children if listed is not None else ():
        if child.type not in ("parameter_declaration", "optional_parameter_declaration"):
            any_name = any_name or child.type != "comment"
            continue
        inner = child.child_by_field_name("declarator")
        for _ in range(_MAX_DECLARATOR_DEPTH):
            if inner is None or inner.type == "identifier":
                break
            inner = inner.child_by_field_name("declarator") or (
                inner.named_children[-1] if inner.named_children else None
            )
        if inner is not None:
            names.append(parsed.text(inner))
        elif field_text(parsed, child, "type") != "void" or child.child_by_field_name("declarator") is not None:
            any_name = True  # a parameter without a name may be documented under any
    return tuple(names), any_name
