"""Code that is not what it looks like is told of, in every language; ordinary text is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.experts.analysers.deceptive_text import DeceptiveTextAnalyser, deceptions
from models.source import language_of
from tests.activities.experts.own import analyse, source

BIDI = "\u202e"


def rules(path: str, text: str) -> list[tuple[int, str]]:
    return list(deceptions(text, language_of(path)))


@pytest.mark.parametrize("path", ["a.py", "a.js", "a.ts", "A.java", "a.rs", "a.c", "a.cpp"])
def test_characters_that_reorder_a_line(path: str) -> None:
    assert rules(path, f"x\ny {BIDI} z\n") == [(2, "bidirectional-control")]


@pytest.mark.parametrize("line", [r"// \u000a run();", r"// \uuu000D run();", r"/* \u002a\u002f run(); /* */"])
def test_escapes_that_end_a_comment_in_java(line: str) -> None:
    assert rules("A.java", f"class A {{\n{line}\n}}\n") == [(2, "escaped-line-end")]
    assert rules("a.js", line) == []


@pytest.mark.parametrize("codec", ["utf_7", "unicode_escape", "raw-unicode-escape", "rot13", "punycode", "x"])
def test_encodings_in_which_python_reads_something_else(codec: str) -> None:
    assert rules("a.py", f"#!/usr/bin/python\n# -*- coding: {codec} -*-\nx = 1\n") == [(2, "misleading-encoding")]
    assert rules("a.py", f"x = 1\ny = 2\n# coding: {codec}\n") == []


@pytest.mark.parametrize("codec", ["utf-8", "UTF8", "utf_8_sig", "latin-1", "ascii", "cp1252", "iso-8859-15"])
def test_ordinary_encodings(codec: str) -> None:
    assert rules("a.py", f"# vim: set fileencoding={codec} :\nx = 1\n") == []


@given(st.text(st.characters(exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\\")))
def test_ordinary_text_in_any_script(text: str) -> None:
    assert rules("a.js", text) == rules("A.java", text) == []


async def test_the_finding_stands_in_its_line(tmp_path) -> None:
    tree = source(tmp_path, {"a.rs": f"fn main() {{}}\n// x{BIDI}\n", "notes.txt": BIDI})
    (found,) = (await analyse(DeceptiveTextAnalyser(), tree)).findings
    assert (found.path, found.line_start, found.kind, found.cwe) == ("a.rs", 2, "deceptive-text", "CWE-1007")
