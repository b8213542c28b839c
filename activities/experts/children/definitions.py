"""Definitions of a file in any language."""

from activities.experts.children.definition import Definition
from activities.experts.children.definitions_c import c_definitions
from activities.experts.children.definitions_java import java_definitions
from activities.experts.children.definitions_python import python_definitions
from activities.experts.children.definitions_rust import rust_definitions
from activities.experts.children.definitions_script import script_definitions
from activities.experts.children.syntax import Parsed

_READERS = {
    "python": python_definitions,
    "javascript": script_definitions,
    "typescript": script_definitions,
    "tsx": script_definitions,
    "java": java_definitions,
    "rust": rust_definitions,
    "c": c_definitions,
    "cpp": c_definitions,
}


def definitions(parsed: Parsed) -> list[Definition]:
    """The modules, classes and functions of a file, in its order.

    Raises:
        Unparsable: the file took too long.
    """
    return _READERS[parsed.grammar](parsed)
