"""Where definitions begin and end, found by indentation or braces alone.

Cheap and rough on purpose: code under review is hostile, and whoever asks a model must not parse it. Linear in the
text, no recursion. A wrong span shows a model more or less code than was meant; it never decides anything else.
"""

import heapq
import re
from collections.abc import Sequence

from models.source import Language

Span = tuple[int, int]
"""First and last line, from 1, both included."""

_PYTHON_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?' + r"|'''(?:[^'\\]|\\.|'(?!''))*+(?:''')?"
    r'|"(?:[^"\\\n]|\\.)*+"?' + r"|'(?:[^'\\\n]|\\.)*+'?"
    r"|\#[^\n]*+",
    re.DOTALL,
)
_PYTHON_HEAD = re.compile(r"(?:async[ \t]+def|def|class)\b")

_COMMENTS = r"//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?"
_STRING = r'"(?:[^"\\\n]|\\.)*+"?'
_TEXT = r"'(?:[^'\\\n]|\\.)*+'?"
_TEMPLATE = r"`(?:[^`\\]|\\.)*+`?"
_CHARACTER = r"'(?:\\[^\n']{1,10}|[^\\'\n])'"
"""A quote that closes at once: in Rust one alone begins the name of a lifetime."""
_DIRECTIVE = r"\#(?:[^\n\\]|\\.)*+"
"""Of C's preprocessor; it ends what stood before."""
_MARKS = r"[{}();\n]"
_SCRIPT_TOKEN = re.compile("|".join((_COMMENTS, _STRING, _TEXT, _TEMPLATE, _MARKS)), re.DOTALL)
_BRACE_TOKEN = re.compile("|".join((_COMMENTS, _STRING, _CHARACTER, _MARKS)), re.DOTALL)
_C_TOKEN = re.compile("|".join((_COMMENTS, _STRING, _CHARACTER, _DIRECTIVE, _MARKS)), re.DOTALL)
_TOKENS = {
    Language.JAVASCRIPT: _SCRIPT_TOKEN,
    Language.TYPESCRIPT: _SCRIPT_TOKEN,
    Language.JAVA: _BRACE_TOKEN,
    Language.RUST: _BRACE_TOKEN,
    Language.C: _C_TOKEN,
    Language.CPP: _C_TOKEN,
}

_CONTROL = re.compile(
    r"(?:\}?[ \t\n]*)(?:else|if|for|while|do|switch|try|catch|finally|match|loop|return|with|synchronized)\b"
)
_CALLABLE = re.compile(r"\)[^()]*$|=>[ \t\n]*$")
_TYPE = re.compile(r"\b(?:class|struct|interface|enum|union|impl|trait|mod|namespace|record|fn|function)\b")
_HEAD_CHARACTERS = 2_000
"""Longest head of a definition that is looked at."""
_HEAD_LINES = 12
"""Lines above a brace that may belong to its head: annotations, parameters."""


def enclosing_spans(language: Language, lines: Sequence[str]) -> tuple[Span, ...]:
    """Functions, methods and types of a file, by where they begin.

    Args:
        language: of the file; one that is not known has no spans.
        lines: its text, without line ends.
    """
    if language is Language.OTHER:
        return ()
    found = _by_indentation(lines) if language is Language.PYTHON else _by_braces(language, lines)
    return tuple(sorted(found))


def innermost(spans: Sequence[Span], total: int) -> list[Span | None]:
    """The shortest span that holds each line from 1 to `total`; item 0 stands for no line."""
    starting = sorted((span for span in spans if span[0] <= total), reverse=True)
    open_: list[tuple[int, Span]] = []
    found: list[Span | None] = [None]
    for line in range(1, total + 1):
        while starting and starting[-1][0] <= line:
            span = starting.pop()
            heapq.heappush(open_, (span[1] - span[0], span))
        while open_ and open_[0][1][1] < line:
            heapq.heappop(open_)
        found.append(open_[0][1] if open_ else None)
    return found


def _inside_strings(text: str) -> set[int]:
    """Lines that begin inside a string; what stands there says nothing about indentation."""
    inside: set[int] = set()
    line, reached = 1, 0
    for token in _PYTHON_TOKEN.finditer(text):
        line += text.count("\n", reached, token.start())
        ends = token[0].count("\n")
        inside.update(range(line + 1, line + ends + 1))
        line += ends
        reached = token.end()
    return inside


def _by_indentation(lines: Sequence[str]) -> list[Span]:
    inside = _inside_strings("\n".join(lines))
    found: list[Span] = []
    open_: list[tuple[int, int]] = []  # indentation and first line of each definition not yet ended
    decorated: int | None = None
    last = 0
    for number, line in enumerate(lines, 1):
        code = line.lstrip(" \t\f")
        if number in inside or not code or code.startswith("#"):
            last = number if number in inside else last
            continue
        indent = len(line.expandtabs(8)) - len(code.expandtabs(8)) if "\t" in line else len(line) - len(code)
        broken = code.startswith((")", "]", "}"))  # the end of a head that was broken over lines
        if not broken:
            while open_ and indent <= open_[-1][0]:
                found.append((open_.pop()[1], last))
        if code.startswith("@"):
            decorated = decorated or number
        elif _PYTHON_HEAD.match(code):
            open_.append((indent, decorated or number))
            decorated = None
        elif indent == 0 and not broken:
            decorated = None
        last = number
    return found + [(start, last) for _, start in open_]


def _by_braces(language: Language, lines: Sequence[str]) -> list[Span]:
    text = "\n".join(lines)
    found: list[Span] = []
    open_: list[tuple[int | None, int]] = []  # per block not yet closed: first line, if a definition; brackets around
    line, head, head_line, brackets = 1, 0, 1, 0
    for token in _TOKENS[language].finditer(text):
        mark = token[0]
        if mark == "{":
            open_.append((_first_line(text, head, token.start(), head_line, line), brackets))
            brackets = 0
        elif mark == "}" and open_:
            start, brackets = open_.pop()
            if start is not None:
                found.append((start, line))
        elif mark in ("(", ")"):
            brackets = max(0, brackets + (1 if mark == "(" else -1))
        line += mark.count("\n")
        # Between the brackets of `for (;;)` a semicolon ends nothing.
        if mark in ("{", "}") or (mark == ";" and not brackets) or mark.startswith("#"):
            head, head_line = token.end(), line
    return found + [(start, len(lines)) for start, _ in open_ if start is not None]


def _first_line(text: str, head: int, brace: int, head_line: int, line: int) -> int | None:
    """Where the definition whose body a brace opens begins; None when the block is no definition."""
    start = max(head, brace - _HEAD_CHARACTERS)
    said = text[start:brace]
    code = said.strip()
    if not code or _CONTROL.match(code):
        return None
    if not _TYPE.search(code) and not _CALLABLE.search(code):
        return None
    blank = said[: len(said) - len(said.lstrip())]
    first = (head_line if start == head else line) + blank.count("\n")
    return max(first, line - _HEAD_LINES)
