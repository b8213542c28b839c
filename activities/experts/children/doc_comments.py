"""What a documentation comment says about parameters and return value, in the styles that are in use."""

import re
from dataclasses import dataclass

MAX_DOC_LINES = 500
_NAME = r"[A-Za-z_$][\w$]*"
_TAG = re.compile(r"[@\\](param|arg|argument)\b(?:\[(?:in|out|in,\s*out|out,\s*in)\])?\s*(.*)", re.IGNORECASE)
_RETURN_TAG = re.compile(r"[@\\](returns?|retval|result)\b\s*(.*)")
_TAG_NAME = re.compile(rf"\[?\s*(<{_NAME}>|{_NAME}(?:\s*,\s*{_NAME})*)(\S?)")
_INHERITS = re.compile(
    r"@inheritdoc|\{@inheritDoc\}|[@\\]copydoc|@override|@overload|@callback|@typedef", re.IGNORECASE
)
_NO_VALUE = re.compile(r"^\{?\s*((void|undefined|none|null|never)\b|promise<\s*(void|undefined)\s*>)", re.IGNORECASE)
_SPHINX = re.compile(rf"^\s*:(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?\*{{0,2}}({_NAME})\s*:")
_SPHINX_RETURN = re.compile(r"^\s*:returns?\s*:\s*(.*)")
_GOOGLE_PARAMETERS = re.compile(r"^(Args|Arguments|Parameters|Params):\s*$")
_GOOGLE_RETURN = re.compile(r"^(Returns|Return):\s*(.*)$")
_GOOGLE_ENTRY = re.compile(rf"^(\*{{0,2}}{_NAME}(?:\s*,\s*\*{{0,2}}{_NAME})*)\s*(?:\([^)]*\))?\s*:(?!:)")
_NUMPY_ENTRY = re.compile(rf"^(\*{{0,2}}{_NAME}(?:\s*,\s*\*{{0,2}}{_NAME})*)\s*(?::.*)?$")
_RULE = re.compile(r"^-{3,}\s*$")
_RUST_HEADING = re.compile(r"^#+\s*(Arguments|Parameters|Args)\s*$", re.IGNORECASE)
_RUST_ENTRY = re.compile(rf"^\s*[*+-]\s+`(?:mut\s+)?({_NAME})`")


@dataclass(frozen=True, slots=True)
class Documented:
    """What a comment documents."""

    parameters: tuple[tuple[str, int], ...] = ()
    """Names with the line inside the comment, from 0."""
    returns: int | None = None
    """The line that documents a return value."""
    inherits: bool = False
    """The text comes from elsewhere, or is about something else than the definition below it."""


def documented(doc: str, language: str) -> Documented:
    """Read a comment; what it does not say in a known style is not said."""
    lines = doc.split("\n")[:MAX_DOC_LINES]
    if language == "python":
        return _python(lines)
    if language == "rust":
        return _rust([re.sub(r"^\s*(///?!?|//!|/?\*+/?)\s?", "", line) for line in lines])
    return _tagged(lines)


def is_doc_comment(doc: str, language: str) -> bool:
    """Whether a comment is written for documentation tools."""
    return language == "python" or doc.startswith(("/**", "///", "//!", "/*!"))


def _tagged(lines: list[str]) -> Documented:
    """JSDoc, Javadoc and Doxygen."""
    found: list[tuple[str, int]] = []
    returns: int | None = None
    for number, line in enumerate(lines):
        if match := _TAG.search(line):
            name = _TAG_NAME.match(_without_type(match.group(2)))
            # `@param options.name` tells of a property, not of a parameter
            if name and name.group(2) not in (".", "["):
                found.extend((part.strip(), number) for part in name.group(1).split(","))
        elif (match := _RETURN_TAG.search(line)) and returns is None and not _NO_VALUE.match(match.group(2)):
            returns = number
    return Documented(tuple(found), returns, bool(_INHERITS.search("\n".join(lines))))


def _without_type(text: str) -> str:
    """The rest of a tag after a `{type}`, whose braces may be nested."""
    if not text.startswith("{"):
        return text
    depth = 0
    for position, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return text[position + 1 :].lstrip()
    return ""


def _rust(lines: list[str]) -> Documented:
    found: list[tuple[str, int]] = []
    inside = False
    for number, line in enumerate(lines):
        if line.lstrip().startswith("#"):
            inside = bool(_RUST_HEADING.match(line.strip()))
        elif inside and (match := _RUST_ENTRY.match(line)):
            found.append((match.group(1), number))
    return Documented(tuple(found))


def _python(lines: list[str]) -> Documented:
    """Sphinx, Google and NumPy style."""
    found: list[tuple[str, int]] = []
    returns: int | None = None
    for number, line in enumerate(lines):
        text = line.strip()
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if match := _SPHINX.match(line):
            found.append((match.group(1), number))
        elif match := _SPHINX_RETURN.match(line):
            returns = number if returns is None and not _NO_VALUE.match(match.group(1)) else returns
        elif _GOOGLE_PARAMETERS.match(text):
            found.extend(_section(lines, number, _GOOGLE_ENTRY, deeper=True))
        elif match := _GOOGLE_RETURN.match(text):
            returns = number if not _NO_VALUE.match(match.group(2) or following) else returns
        elif text == "Parameters" and _RULE.match(following):
            found.extend(_section(lines, number + 1, _NUMPY_ENTRY, deeper=False))
        elif text == "Returns" and _RULE.match(following):
            value = lines[number + 2].strip() if number + 2 < len(lines) else ""
            returns = number if not _NO_VALUE.match(value) else returns
    return Documented(tuple(found), returns)


def _section(lines: list[str], heading: int, entry: re.Pattern[str], *, deeper: bool) -> list[tuple[str, int]]:
    """The entries of a section: its lines of least indentation, up to the next heading."""
    base = _indent(lines[heading])
    found: list[tuple[str, int]] = []
    level: int | None = None
    for number in range(heading + 1, len(lines)):
        line = lines[number]
        if not line.strip():
            continue
        indent = _indent(line)
        if indent < base or (deeper and indent == base):
            break
        if not deeper and number + 1 < len(lines) and _RULE.match(lines[number + 1].strip()):
            break
        level = indent if level is None else level
        if indent != level:
            continue
        match = entry.match(line.strip())
        if match is None:
            if not deeper:
                break
            continue
        found.extend((name.strip().lstrip("*"), number) for name in match.group(1).split(","))
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
