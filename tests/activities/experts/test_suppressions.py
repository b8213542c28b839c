"""Suppression comments are found, and made ineffective without moving anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.experts.suppressions import EFFECTIVE, neutralised, suppressions

MARKERS = [
    "# noqa",
    "#noqa: S602",
    "# NOQA : E501",
    "# ruff: noqa",
    "# ruff: disable[S102]",
    "# flake8: noqa",
    "# nosec",
    "#nosec B602",
    "# pragma: allowlist secret",
    "# pragma: allowlist nextline secret",
    "// pragma: whitelist secret",
    "// ast-grep-ignore",
    "# ast-grep-ignore: some-rule",
    "#lizard forgives",
    "// #lizard forgive global",
    "/* GENERATED CODE */",
    "# complexipy: ignore",
]
REPORTED_ONLY = ["// NOSONAR", "// eslint-disable-next-line no-eval", "# pylint: disable=eval-used", "# nosemgrep"]

pieces = st.lists(st.one_of(st.sampled_from(MARKERS), st.text(max_size=12), st.just("\n")), max_size=12)


@pytest.mark.parametrize("marker", MARKERS)
def test_an_effective_marker_is_reported_and_broken(marker: str) -> None:
    text = f"first\nvalue = 1  {marker}\nlast"
    assert [line for line, _ in suppressions(text)] == [2]
    assert not EFFECTIVE.search(neutralised(text))


@pytest.mark.parametrize("marker", REPORTED_ONLY)
def test_a_marker_of_somebody_elses_tool_is_reported_and_left(marker: str) -> None:
    assert [line for line, _ in suppressions(f"x\n{marker}\n")] == [2]
    assert neutralised(marker) == marker


@pytest.mark.parametrize("text", ["noqa = 1", "the nosec option", "a lizard that forgot", "say('no comment')", ""])
def test_ordinary_text_is_neither(text: str) -> None:
    assert suppressions(text) == []
    assert neutralised(text) == text


@given(pieces)
def test_neutralising_moves_nothing(parts: list[str]) -> None:
    text = " ".join(parts)
    result = neutralised(text)
    assert len(result) == len(text)
    assert len(result.encode("utf-8", "replace")) == len(text.encode("utf-8", "replace"))
    assert [at for at, char in enumerate(result) if char == "\n"] == [
        at for at, char in enumerate(text) if char == "\n"
    ]
    assert neutralised(result) == result
