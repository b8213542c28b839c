"""Definitions are found by indentation and braces alone, and nothing in hostile code makes that slow."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.source import Language
from models.spans import enclosing_spans, innermost

PYTHON = '''\
import os

@cache
@other(
    1,
)
def first(
    a,
):
    """Doc.

Not indented, but inside a string.
def neither():
    """
    return a


class Big:
    x = 1

    def inner(self):
        if self.x:
            return "def no(): {"
        # a comment
    # at another depth

    async def last(self):
        pass

y = 2
'''

SCRIPT = """\
import x from 'x';

/** Doc. */
export function first(a, b) {
  if (a) {
    return "}";  // }
  }
  for (let i = 0; i < 3; i++) { call(`} ${a}`); }
}

class Big extends Base {
  method(a) {
    return { a: 1, b: { c: 2 } };
  }
}

const arrow = async (a) => {
  await a;
};

const data = { a: 1 };
"""

JAVA = """\
package a;

class Big<T> {
    @Override
    public void first(
            int a)
            throws Bad {
        try { go(); } catch (Bad e) { stop(); }
        char c = '{';
    }
    int x;
}
"""

RUST = """\
impl<'a> Big<'a> {
    fn first(&'a self) -> &'a str {
        match self.x { _ => "{" }
    }
}
"""

C = """\
#include <a.h>
struct point { int x; };
static int first(int a)
{
    while (a) { a--; }
    return a;
}
"""


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        (Language.PYTHON, PYTHON, [(3, 15), (18, 28), (21, 23), (27, 28)]),
        (Language.JAVASCRIPT, SCRIPT, [(3, 9), (11, 15), (12, 14), (17, 19)]),
        (Language.TYPESCRIPT, SCRIPT, [(3, 9), (11, 15), (12, 14), (17, 19)]),
        (Language.JAVA, JAVA, [(3, 12), (4, 10)]),
        (Language.RUST, RUST, [(1, 5), (2, 4)]),
        (Language.C, C, [(2, 2), (3, 7)]),
        (Language.OTHER, "def a():\n  x\n", []),
        (Language.PYTHON, "", []),
        (Language.C, "}}}}{{{{", []),
        (Language.JAVA, "class A {\n  void f() {\n", [(1, 2), (2, 2)]),
    ],
)
def test_definitions(language: Language, text: str, wanted: list[tuple[int, int]]) -> None:
    assert list(enclosing_spans(language, text.splitlines())) == wanted


def test_the_innermost_definition_counts() -> None:
    spans = enclosing_spans(Language.PYTHON, PYTHON.splitlines())
    found = innermost(spans, len(PYTHON.splitlines()))
    assert (found[22], found[19], found[1]) == ((21, 23), (18, 28), None)


LANGUAGES = st.sampled_from(Language)
PIECES = st.sampled_from(
    ["def f():", "class A {", "    ", "\t", "{", "}", "(", ")", ";", '"', "'", '"""', "'''", "`", "/*", "*/", "//", "#",
     "\\", "=>", "if (x) {", "@d", "x", "\n", "\n", "\r", "\u2028"]
)  # fmt: skip


@given(LANGUAGES, st.lists(PIECES, max_size=60).map("".join))
def test_spans_lie_in_the_file(language: Language, text: str) -> None:
    lines = text.split("\n")
    for start, end in enclosing_spans(language, lines):
        assert 1 <= start <= end <= len(lines)


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)).map(lambda pair: (min(pair), max(pair)))))
def test_the_innermost_span_is_the_shortest_that_holds_the_line(spans: list[tuple[int, int]]) -> None:
    found = innermost(spans, 10)
    for line in range(1, 11):
        lengths = [end - start for start, end in spans if start <= line <= end]
        span = found[line]
        assert (None if span is None else span[1] - span[0]) == min(lengths, default=None)


@pytest.mark.parametrize("language", [Language.PYTHON, Language.JAVASCRIPT, Language.JAVA, Language.RUST, Language.CPP])
@pytest.mark.parametrize(
    "piece",
    ['\\"', '"', "'", "`", "/*", '"""', "{", "}", "(", ")", "def f():\n", " " * 50 + "def f():\n", "f() {\n", "*/"],
)  # fmt: skip
def test_hostile_text_is_read_in_linear_time(language: Language, piece: str) -> None:
    text = piece * (150_000 // len(piece))
    started = time.perf_counter()
    enclosing_spans(language, text.split("\n"))
    assert time.perf_counter() - started < 3
