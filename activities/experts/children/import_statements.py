"""The imports that a file of JavaScript, TypeScript, Java, Rust, C or C++ states."""

import re
from dataclasses import dataclass

from tree_sitter import Node

from activities.experts.children.definition import Comments, field_text
from activities.experts.children.definitions_rust import is_test_module
from activities.experts.children.syntax import Parsed, captures, enclosing, first_line, last_line

_SCRIPT = {
    "import_statement": "import",
    "export_statement": "import",
    "call_expression": "call",
    "function_declaration": "scope",
    "function_expression": "scope",
    "arrow_function": "scope",
    "method_definition": "scope",
    "generator_function_declaration": "scope",
}
_JAVA = {"import_declaration": "import", "package_declaration": "package"}
_RUST = {
    "use_declaration": "use",
    "mod_item": "mod",
    "function_item": "scope",
    "attribute_item": "skip",
}
_C = {"preproc_include": "include"}
_TYPE_ONLY = re.compile(r"^(import|export)\s+type\b")
_USE_TOKEN = re.compile(r"[{},]|::|\*|\bas\s+\w+|[A-Za-z_]\w*|r#\w+")
MAX_USE_LENGTH = 20_000
MAX_USE_PATHS = 2_000


@dataclass(frozen=True, slots=True, order=True)
class Import:
    """One import as it is written."""

    target: str
    """A module specifier, a dotted or `::` path, or an include path; `package NAME` for Java's own package."""
    line: int
    lazy: bool = False
    type_only: bool = False
    end: int = 0
    """Last line of the statement."""


def imports_of(parsed: Parsed) -> list[Import]:
    """All imports of a file, in its order.

    Raises:
        Unparsable: the file took too long.
    """
    reader = {"java": _java, "rust": _rust, "c": _includes, "cpp": _includes}.get(parsed.grammar, _script)
    return reader(parsed)


def _script(parsed: Parsed) -> list[Import]:
    found: list[Import] = []
    for name, node, parent in enclosing(captures(parsed, _SCRIPT), frozenset({"scope"})):
        if name == "import":
            source = node.child_by_field_name("source")
            for child in node.named_children:
                if child.type == "import_require_clause":
                    source = child.child_by_field_name("source")
            if source is not None:
                head = parsed.data[node.start_byte : node.start_byte + 40].decode("utf-8", "replace")
                type_only = bool(_TYPE_ONLY.match(head))
                found.append(Import(_string(parsed, source), first_line(node), False, type_only, last_line(node)))
        elif name == "call" and (target := _required(parsed, node)):
            found.append(Import(target, first_line(node), lazy=parent is not None or not _is_require(node)))
    return found


def _is_require(node: Node) -> bool:
    function = node.child_by_field_name("function")
    return function is not None and function.type == "identifier"


def _required(parsed: Parsed, node: Node) -> str:
    """The module that `require("x")` or `import("x")` names."""
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or function.type not in ("identifier", "import"):
        return ""
    if function.type == "identifier" and parsed.text(function) != "require":
        return ""
    first = arguments.named_children[:1]
    return _string(parsed, first[0]) if first and first[0].type == "string" else ""


def _string(parsed: Parsed, node: Node) -> str:
    return parsed.text(node)[1:-1]


def _java(parsed: Parsed) -> list[Import]:
    found: list[Import] = []
    for name, node in captures(parsed, _JAVA):
        words = parsed.text(node).rstrip(";").split()[1:]
        static = words[:1] == ["static"]
        path = "".join(words[1:] if static else words)
        if name == "package":
            found.append(Import(f"package {path}", first_line(node)))
        elif path:
            found.append(Import(path.rsplit(".", 1)[0] if static else path, first_line(node)))
    return found


def _rust(parsed: Parsed) -> list[Import]:
    """The `use` paths that start in this crate; `super` inside an inline module means the file itself."""
    items = enclosing(captures(parsed, _RUST), frozenset({"mod", "scope"}))
    comments = Comments(parsed)
    depth: dict[int | None, int] = {None: 0}
    in_tests: dict[int | None, bool] = {None: False}
    found: list[Import] = []
    for position, (name, node, parent) in enumerate(items):
        if name == "skip":
            comments.skip(node)
            continue
        depth[position], in_tests[position] = depth[parent] + (name == "mod"), in_tests[parent]
        if name == "mod":
            in_tests[position] = in_tests[parent] or is_test_module(parsed, node, comments)
        if name != "use" or in_tests[parent]:
            continue
        for path in expand_use(field_text(parsed, node, "argument")):
            inner = depth[parent]
            while inner and path[:1] == ["super"]:
                path, inner = path[1:], inner - 1
            if path[:1] in (["crate"], ["super"]) or (path[:1] == ["self"] and not inner):
                found.append(Import("::".join(path), first_line(node), end=last_line(node)))
    return found


def expand_use(text: str) -> list[list[str]]:
    """The paths of a `use` tree: `a::{b, c::{d, self}}` is `a::b`, `a::c::d`, `a::c`."""
    found: list[list[str]] = []
    stack: list[list[str]] = []
    current: list[str] = []
    complete = False
    for token in _USE_TOKEN.findall(text[:MAX_USE_LENGTH]):
        if len(found) >= MAX_USE_PATHS:
            break
        if token == "{":
            stack.append(list(current))
            complete = False
        elif token in ",}":
            if complete:
                found.append(current)
            if token == "}":
                stack[-1:] = []
                complete = False
            else:
                current, complete = list(stack[-1]) if stack else [], False
        elif token == "::" or token.startswith("as "):
            continue
        elif token in ("*", "self") and current:
            complete = True
        else:
            current, complete = [*current, token], True
    if complete:
        found.append(current)
    return found


def _includes(parsed: Parsed) -> list[Import]:
    found: list[Import] = []
    for _, node in captures(parsed, _C):
        path = node.child_by_field_name("path")
        if path is not None and path.type in ("string_literal", "system_lib_string"):
            text = parsed.text(path).strip()
            if path.type == "string_literal" or "/" in text:
                found.append(Import(text[1:-1], first_line(node)))
    return found
