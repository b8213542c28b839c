"""The scoring script counts what it says it counts."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.expert import ExpertFinding, ExpertName, Severity
from models.weakness_families import cwe_matches, rule_matches
from tests.scoring.metrics import score, wilson_of
from tests.scoring.samples import lay_out, read_samples


def row(name: str, labelled: bool, code: str = "a\nb\nc\n") -> dict[str, object]:
    labels = [{"type": "t", "cwe": "CWE-78", "rule": "r", "line_start": 2, "line_end": 2}] if labelled else []
    scope = {"cwes": ["CWE-78"], "rules": ["r"]}
    return {"id": name, "language": "python", "filename": "x.py", "code": code, "labels": labels, "scope": scope}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    file = tmp_path / "security-made-up.jsonl"
    rows = [{**row(f"d-{n}-{n}", n < 2), "source": "secret_good.py"} for n in range(4)]
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def found(path: str, cwe: str = "CWE-78", line: int = 2) -> ExpertFinding:
    return ExpertFinding(
        expert=ExpertName.SECURITY,
        tool="bandit",
        rule="B602",
        kind="command-injection",
        cwe=cwe,
        severity=Severity.HIGH,
        confidence=0.5,
        path=path,
        line_start=line,
        line_end=line,
        message="m",
    )


def test_a_sample_counts_once_and_only_inside_its_scope(dataset: Path) -> None:
    hit, missed, wrong, clean = read_samples([dataset])
    findings = {
        hit.path: [found(hit.path), found(hit.path, line=3)],
        missed.path: [found(missed.path, cwe="CWE-22")],
        wrong.path: [found(wrong.path, cwe="CWE-88")],
        clean.path: [found(clean.path, cwe="CWE-502")],
    }
    result = score([hit, missed, wrong, clean], findings)
    assert (result.tp, result.fn, result.fp, result.tn) == (1, 1, 1, 1)
    assert (result.label_recall, result.label_precision) == (0.5, 1 / 3)


def test_no_findings_leave_precision_undefined(dataset: Path) -> None:
    result = score(read_samples([dataset]), {})
    assert (result.precision, result.recall, result.fpr) == (None, 0.0, 0.0)


def test_reviewers_see_nothing_that_tells_the_verdict(dataset: Path, tmp_path: Path) -> None:
    tree = lay_out(read_samples([dataset]), tmp_path / "tree")
    shown = [path.read_text() for path in tree.root.rglob("*.py")]
    assert shown == ["a\nb\nc\n"] * 4
    assert not [path for path in tree.root.rglob("*") if "good" in path.name]


def test_a_method_cut_out_of_its_class_still_parses(tmp_path: Path) -> None:
    file = tmp_path / "security-cut.jsonl"
    file.write_text(json.dumps(row("d-1-1", True, "    def f(self):\n        pass\n")))
    tree = lay_out(read_samples([file]), tmp_path / "tree")
    compile((tree.root / tree.manifest.files[0].path).read_text(), "x.py", "exec")


def test_wilson_interval_of_a_known_case() -> None:
    assert wilson_of(26, 150) == pytest.approx((0.1211, 0.2419), abs=1e-4)
    assert wilson_of(0, 0) is None


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_proportion(case: tuple[int, int]) -> None:
    hits, n = case
    bounds = wilson_of(hits, n)
    assert bounds is not None
    assert 0 <= bounds[0] <= hits / n + 1e-9
    assert hits / n - 1e-9 <= bounds[1] <= 1


def test_families_and_rules() -> None:
    assert cwe_matches("CWE-1333", "CWE-730")
    assert not cwe_matches("CWE-79", "CWE-89")
    assert not cwe_matches(None, "CWE-89")
    assert rule_matches("B006", "whatever", "B006")
    assert rule_matches("py-x", "mutable-default-argument", "B006")
    assert rule_matches("py-x", "ignored-return-value", "py/ignored-return-value")
    assert not rule_matches("py-x", "resource-leak", "B006")
