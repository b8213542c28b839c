"""Which finding may stand for which label."""

from typing import Any

import pytest

from models.dataset import Scope
from models.matching import claim_of, fit, in_scope
from models.review import PanelFinding
from tests.activities.stats.made import claim, finding, label


@pytest.mark.parametrize(
    ("line", "to", "exact"),
    [(5, 5, True), (1, 9, True), (7, 7, False), (3, 3, False), (8, 8, None), (2, 2, None)],
    ids=["on it", "around it", "two below", "two above", "three below", "three above"],
)
def test_a_finding_may_be_two_lines_off(line: int, to: int, exact: bool | None) -> None:
    found = fit(claim(line, to), label(5))
    assert (found.exact if found else None) is exact


@pytest.mark.parametrize(
    ("changes", "of_label", "may"),
    [
        ({"cwe": "CWE-88"}, {}, True),
        ({"cwe": "CWE-89", "kind": "sql-injection"}, {}, False),
        ({"cwe": None}, {}, True),
        ({"cwe": None, "kind": "shell-use"}, {}, False),
        ({"cwe": None, "kind": "shell-use"}, {"rule": "B602"}, True),
        ({"cwe": None, "kind": "unused-import"}, {"type": "style/f401", "cwe": None, "rule": "F401"}, True),
        ({"cwe": None, "kind": "unused-import"}, {"type": "style/unused-import", "cwe": None}, True),
        ({"kind": "style"}, {"type": "style/unused-import", "cwe": None}, False),
    ],
    ids=["family", "other weakness", "kind", "neither", "tool's rule", "rule of the kind", "category", "only category"],
)
def test_it_has_to_name_the_same_weakness(changes: dict[str, Any], of_label: dict[str, Any], may: bool) -> None:
    assert (fit(claim(5, **changes), label(5, **of_label)) is not None) is may


def test_of_two_that_may_match_the_closer_fits_better() -> None:
    same, family = fit(claim(5), label(5)), fit(claim(5, cwe="CWE-88"), label(5))
    wide = fit(claim(1, 9), label(5))
    assert same and family and wide
    assert same.closeness == 1.0
    assert family.closeness < same.closeness
    assert wide.closeness < same.closeness


@pytest.mark.parametrize(
    ("cwes", "rules", "inside"),
    [((), (), True), (("CWE-78",), (), True), (("CWE-89",), (), False), ((), ("B602",), True), ((), ("F401",), False)],
)
def test_findings_outside_what_a_sample_was_checked_for_say_nothing(
    cwes: tuple[str, ...], rules: tuple[str, ...], inside: bool
) -> None:
    assert in_scope(claim(), Scope(cwes=cwes, rules=rules)) is inside


def test_what_only_meta_says_is_about_the_review() -> None:
    assert claim_of(PanelFinding.model_validate(finding(expert="meta"))) is None
    found = claim_of(PanelFinding.model_validate(finding()))
    assert found == claim()
