"""Definitions of a Python file."""

from pathlib import PurePosixPath

from tree_sitter import Node

from activities.experts.children.definition import TRIVIAL_LINES, Definition, body_lines, field_text
from activities.experts.children.syntax import Parsed, captures, enclosing, first_line, last_line

_WANTED = {
    "function_definition": "function",
    "class_definition": "class",
    "decorated_definition": "decorated",
    "return_statement": "value",
    "yield": "value",
}
_CONTAINERS = frozenset({"function", "class", "decorated"})
_UNDOCUMENTED = ("overload", "override", ".setter", ".deleter", ".getter")


def python_definitions(parsed: Parsed) -> list[Definition]:
    """The module, its classes and functions, in the order of the file."""
    items = enclosing(captures(parsed, _WANTED), _CONTAINERS)
    valued = {
        parent for name, node, parent in items if name == "value" and (node.type == "yield" or node.named_children)
    }
    visible: dict[int | None, bool] = {None: True}
    decorators: dict[int | None, list[str]] = {None: []}
    in_class: dict[int | None, bool] = {None: False}
    found: list[Definition] = []
    for position, (name, node, parent) in enumerate(items):
        if name == "value":
            continue
        if name == "decorated":
            visible[position], in_class[position] = visible[parent], in_class[parent]
            decorators[position] = [parsed.text(child) for child in node.children if child.type == "decorator"]
            continue
        public = visible[parent] and not field_text(parsed, node, "name").startswith("_")
        decorators[position] = []
        visible[position], in_class[position] = public and name == "class", name == "class"
        marks = decorators[parent]
        if name == "class":
            found.append(_class(parsed, node, public))
        else:
            found.append(_function(parsed, node, public, position in valued, in_class[parent], marks))
    return [_module(parsed, any(item.public for item in found)), *found]


def _module(parsed: Parsed, public: bool) -> Definition:
    doc, line = _docstring(parsed, parsed.root)
    name = PurePosixPath(parsed.path).stem
    trivial = name.startswith("__") or not public
    return Definition("module", name, 1, 1, 1, not name.startswith("_"), trivial, doc=doc, doc_line=line)


def _class(parsed: Parsed, node: Node, public: bool) -> Definition:
    body = node.child_by_field_name("body")
    doc, line = _docstring(parsed, body)
    name = field_text(parsed, node, "name")
    trivial = body_lines(body) <= TRIVIAL_LINES
    return Definition(
        "class",
        name,
        first_line(node),
        last_line(node),
        _body_line(body, node),
        public,
        trivial,
        doc=doc,
        doc_line=line,
    )


def _function(
    parsed: Parsed, node: Node, public: bool, gives_value: bool, method: bool, decorators: list[str]
) -> Definition:
    body = node.child_by_field_name("body")
    doc, line = _docstring(parsed, body)
    static = any("staticmethod" in mark for mark in decorators)
    names, any_name = _parameters(parsed, node.child_by_field_name("parameters"))
    trivial = body_lines(body) <= TRIVIAL_LINES or any(mark.endswith(_UNDOCUMENTED) for mark in decorators)
    return Definition(
        "function",
        field_text(parsed, node, "name"),
        first_line(node),
        last_line(node),
        _body_line(body, node),
        public,
        trivial,
        names[1:] if method and not static else names,
        any_name,
        True if gives_value else (None if decorators or _is_stub(body) else False),
        doc,
        line,
    )


def _body_line(body: Node | None, node: Node) -> int:
    statements = body.named_children if body is not None else []
    if statements and _string_of(statements[0]) is not None:
        statements = statements[1:] or statements
    return first_line(statements[0]) if statements else last_line(node)


def _is_stub(body: Node | None) -> bool:
    """Whether a body only says that something else has to do the work."""
    statements = [child for child in body.named_children if child.type != "comment"] if body is not None else []
    real = [child for child in statements if _string_of(child) is None]
    if len(real) > 1:
        return False
    return all(child.type in ("pass_statement", "raise_statement", "expression_statement") for child in real)


def _string_of(statement: Node) -> Node | None:
    if statement.type == "string":
        return statement
    if statement.type != "expression_statement" or not statement.named_children:
        return None
    first = statement.named_children[0]
    return first if first.type in ("string", "concatenated_string") else None


def _docstring(parsed: Parsed, body: Node | None) -> tuple[str | None, int]:
    for child in body.named_children if body is not None else ():
        if child.type == "comment":
            continue
        string = _string_of(child)
        if string is None:
            return None, 0
        return _unquoted(parsed.text(string)), first_line(string)
    return None, 0


def _unquoted(literal: str) -> str:
    """The text between the quotes; escapes do not matter for what we look for, so nothing is evaluated."""
    plain = literal.lstrip("rRuUbBfF")
    quote = plain[:3] if plain[:3] in ('"""', "'''") else plain[:1]
    return plain[len(quote) : -len(quote)] if quote and plain.endswith(quote) else plain


def _parameters(parsed: Parsed, node: Node | None) -> tuple[tuple[str, ...], bool]:
    names: list[str] = []
    any_name = False
    for child in node.named_children if node is not None else ():
        inner = child.child_by_field_name("name") or child
        if child.type == "typed_parameter" and child.named_children:
            inner = child.named_children[0]
        if inner.type in ("list_splat_pattern", "dictionary_splat_pattern"):
            any_name = any_name or inner.type == "dictionary_splat_pattern"
            inner = inner.named_children[0] if inner.named_children else inner
        if inner.type == "identifier":
            names.append(parsed.text(inner))
    return tuple(names), any_name
