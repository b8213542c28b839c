"""Models and analysers have one word for one thing."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.experts import kinds as of_analysers
from models.kinds import KIND_OF_CWE
from models.model_findings import TOOL
from models.model_kinds import (
    _KIND_OF_NAME,  # pyright: ignore[reportPrivateUsage]
    KNOWN_KINDS,
    cwe_of,
    kind_of_type,
    usual_cwe,
)

EXPERTS = Path(of_analysers.__file__).parent


def test_known_kinds_are_what_the_analysers_report() -> None:
    texts = [path.read_text() for suffix in ("py", "yml") for path in EXPERTS.rglob(f"*.{suffix}")]
    words = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+|[a-z]+", "\n".join(texts)))
    assert KNOWN_KINDS - frozenset(KIND_OF_CWE.values()) <= words


def test_other_names_lead_to_known_kinds_and_are_none_themselves() -> None:
    assert set(_KIND_OF_NAME.values()) <= KNOWN_KINDS
    assert not set(_KIND_OF_NAME) & KNOWN_KINDS


@pytest.mark.parametrize(
    ("said", "cwe", "kind"),
    [
        ("sql-injection", None, "sql-injection"),
        ("SQL Injection", None, "sql-injection"),
        ("sql_injection", "CWE-79", "sql-injection"),
        ("Cross-Site Scripting", None, "xss"),
        ("Hard-coded credentials", None, "hardcoded-secret"),
        ("weak hash", None, "weak-cryptography"),
        ("N+1 query", None, "n-plus-one"),
        ("Directory traversal", "CWE-22", "path-traversal"),
        ("user input reaches the shell", "CWE-78", "command-injection"),
        ("contract mismatch", None, "contract-mismatch"),
        ("contract mismatch", "CWE-20", "contract-mismatch"),
        ("", None, "other"),
        ("💥 --- ", None, "other"),
        ("x" * 500, None, "x" * 60),
    ],
)
def test_what_models_call_it_becomes_the_panels_word(said: str, cwe: str | None, kind: str) -> None:
    assert kind_of_type(said, cwe) == kind


@pytest.mark.parametrize(
    ("said", "cwe"),
    [
        ("CWE-89", "CWE-89"),
        ("cwe-089", "CWE-89"),
        ("CWE 89: SQL Injection", "CWE-89"),
        ("89", "CWE-89"),
        (" CWE-1333 ", "CWE-1333"),
        ("CWE-0", None),
        ("CWE-999999", None),
        ("none", None),
        ("", None),
        (None, None),
        ("A03:2021", None),
    ],
)
def test_cwe_numbers_are_read_however_they_are_written(said: str | None, cwe: str | None) -> None:
    assert cwe_of(said) == cwe


def test_a_kind_gets_its_usual_number_and_that_number_means_the_kind() -> None:
    assert usual_cwe("sql-injection") == "CWE-89"
    assert usual_cwe("hardcoded-secret") == "CWE-798"
    assert usual_cwe("contract-mismatch") is None
    for kind in set(KIND_OF_CWE.values()):
        assert KIND_OF_CWE[usual_cwe(kind) or ""] == kind


@given(st.text(), st.none() | st.text())
def test_any_words_make_a_slug_that_fits_a_rule_name(said: str, cwe: str | None) -> None:
    kind = kind_of_type(said, cwe_of(cwe))
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", kind)
    assert len(f"{TOOL}/review-1/{kind}") <= 120
