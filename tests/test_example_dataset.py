"""The datasets that ship with Conclave are what their README says: labelled right, and silent about their labels."""

import ast
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from activities.experts.children.syntax import parse
from models.dataset import SampleLine
from models.kinds import KIND_OF_CWE
from models.source import Language, language_of

FOLDER = Path(__file__).parents[1] / "examples" / "dataset"


def samples_of(name: str) -> list[SampleLine]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [SampleLine.model_validate_json(line) for line in text.splitlines()]


DEMO, HARD = samples_of("conclave-demo.jsonl"), samples_of("conclave-hard.jsonl")
SAMPLES = [*DEMO, *HARD]
LANGUAGES = (Language.PYTHON, Language.JAVASCRIPT, Language.JAVA, Language.RUST, Language.CPP)
DOCUMENTATION = {"missing-docs", "stale-docs"}
PERFORMANCE = {
    "await-in-loop", "blocking-call", "blocking-call-in-async", "constant-work-in-loop", "dom-update-in-loop",
    "invariant-in-loop", "list-search-in-loop", "list-shift-in-loop", "n-plus-one", "needless-copy", "quadratic-loop",
    "query-in-loop", "regex-creation-in-loops", "sorted-for-extreme", "string-append-in-loop", "text-grown-in-loop",
}  # fmt: skip
TELL_TALE = re.compile(
    r"(?<![a-z])(good|bad|safe|flaw(ed)?|vuln(erab\w*)?|insecure\w*|exploit\w*|malicious\w*|cwe|correct|incorrect|wrong"
    r"|fix(ed|me)?|todo)(?![a-z])",
    re.IGNORECASE,
)
RUST_CONVENTION = "// SAFETY:"
"""What Rust code says above an `unsafe` block, rightly or not."""


def expert_of(sample: SampleLine) -> str:
    """Whom a sample is for, by what it was checked for."""
    rules = set(sample.scope.rules)
    if not rules:
        return "security"
    return "documentation" if rules <= DOCUMENTATION else "performance" if rules <= PERFORMANCE else "quality"


def test_there_is_enough_of_everything() -> None:
    assert len(DEMO) >= 150
    assert sum(sample.clean for sample in DEMO) * 3 >= len(DEMO)
    languages = Counter(sample.language for sample in DEMO)
    assert all(languages[language] >= 25 for language in LANGUAGES)


@pytest.mark.parametrize("expert", ["security", "quality", "performance", "documentation"])
def test_an_expert_has_samples_of_both_sorts_in_all_languages(expert: str) -> None:
    samples = [sample for sample in DEMO if expert_of(sample) == expert]
    assert {sample.language for sample in samples} >= set(LANGUAGES)
    assert sum(sample.clean for sample in samples) >= 5
    assert sum(len(sample.labels) for sample in samples) >= 8


def test_nothing_is_told_twice() -> None:
    assert len({sample.id for sample in SAMPLES}) == len(SAMPLES)
    assert len({sample.code for sample in SAMPLES}) == len(SAMPLES)


def test_no_group_is_in_both_files() -> None:
    """Else one file would show the other half of a pair that is measured in the other."""
    assert not {sample.group for sample in DEMO} & {sample.group for sample in HARD}


def test_every_sample_parses() -> None:
    for sample in SAMPLES:
        assert language_of(sample.filename) is sample.language, sample.id
        assert not parse(sample.filename, sample.language, sample.code.encode()).root.has_error, sample.id
        if sample.language is Language.PYTHON:
            compile(sample.code, sample.filename, "exec", flags=ast.PyCF_ONLY_AST)


def test_labels_point_at_code_and_lie_in_the_scope() -> None:
    for sample in SAMPLES:
        lines = sample.code.splitlines()
        assert not sample.scope.open, sample.id
        for label in sample.labels:
            assert label.line_end <= len(lines), sample.id
            assert lines[label.line_start - 1].strip(), sample.id
            assert lines[label.line_end - 1].strip(), sample.id
            assert label.cwe in sample.scope.cwes or label.type in sample.scope.rules, sample.id
            assert sample.scope.rules or label.type == KIND_OF_CWE[label.cwe or ""], sample.id


def test_a_sample_does_not_give_its_verdict_away() -> None:
    for sample in SAMPLES:
        assert re.fullmatch(rf"(demo|hard)-{sample.language}-\d{{3}}", sample.id)
        shown = sample.code.replace(RUST_CONVENTION, "")
        assert TELL_TALE.search(f"{sample.filename}\n{shown}") is None, sample.id


def test_every_sample_is_our_own() -> None:
    assert {(sample.source, sample.licence) for sample in SAMPLES} == {("written for conclave", "Apache-2.0")}


def test_the_order_does_not_give_verdicts_away() -> None:
    """Numbers follow a hash of the code; else twins, or all clean samples, would stand in a row."""
    changes = sum(one.clean is not other.clean for one, other in pairwise(DEMO))
    assert changes > len(DEMO) / 3
