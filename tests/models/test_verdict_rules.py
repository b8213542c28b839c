"""The stated rules of the Version Control AI."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.stats.bounds import one_sided
from models.gate import GateInput
from models.gate_facts import gate_facts
from models.measure import Metrics
from models.verdict import AiVerdict, Verdict
from models.verdict_rules import ruled
from tests.activities.stats.made import metrics_of
from tests.models.test_gate_facts import BAR

GOOD = {"samples": 500, "right": 470, "clean": 200, "false_alarms": 4}


def facts_of(metrics: Metrics, baseline: int | None = 0, **changes: Any) -> GateInput:
    bar = BAR.model_copy(update={"samples": metrics.quality.counts.samples})
    return gate_facts("e" * 32, bar, metrics, one_sided(metrics), baseline).model_copy(update=changes)


def verdict(facts: dict[str, Any] | None = None, **counts: int) -> AiVerdict:
    metrics = metrics_of(**(GOOD | counts))
    return ruled(metrics, facts_of(metrics, **(facts or {})))


def test_good_numbers_pass_and_say_why() -> None:
    word = verdict()
    assert (word.verdict, word.judged_by) == (Verdict.PASS, "rules")
    assert word.confidence >= 0.95
    assert word.reasons[0] == "Accuracy 0.940 (0.920 to 0.955, n 500) is above 0.85."
    assert word.reasons[1].startswith("Error rate 0.000 (0.000 to 0.006, n 500) is below 0.05")


@pytest.mark.parametrize(
    ("counts", "facts", "expected", "reason"),
    [
        ({"right": 400}, {}, "fail", "is below 0.85"),
        ({"right": 430}, {}, "manual_review", "is not clearly above or below 0.85"),
        ({"errors": 60}, {}, "fail", "is above 0.05"),
        ({"errors": 22}, {}, "manual_review", "is not clearly above or below 0.05"),
        ({"samples": 99, "right": 99, "clean": 40}, {}, "manual_review", "Only 99 samples"),
        ({"clean": 29, "false_alarms": 0}, {}, "manual_review", "Only 29 clean samples"),
        ({"false_alarms": 21}, {}, "manual_review", "False alarms on 21 of 200 clean samples (10.5%)"),
        ({"false_alarms": 20}, {}, "pass", ""),
        ({"partial": 26}, {}, "manual_review", "26 of 500 reports are partial"),
        ({}, {"cost_increase": None}, "manual_review", "The cost cannot be compared"),
        ({}, {"cost_increase": 0.1, "cost_increase_high": 0.2}, "manual_review", "costs +10.0%, not clearly"),
        ({}, {"cost_increase": 0.1, "cost_increase_high": None}, "manual_review", "costs +10.0%, not clearly"),
        ({}, {"cost_increase": 0.3, "cost_increase_low": 0.2, "cost_increase_high": 0.4}, "fail", "costs +30.0%"),
        ({}, {"accuracy_low": None}, "manual_review", "Accuracy was not measured"),
        ({}, {"error_rate_high": None}, "manual_review", "The error rate was not measured"),
    ],
)
def test_each_rule(counts: dict[str, int], facts: dict[str, Any], expected: str, reason: str) -> None:
    word = verdict(facts, **counts)
    assert word.verdict == expected
    assert any(reason in each for each in word.reasons)


def test_what_fails_is_not_saved_by_what_is_unclear() -> None:
    word = verdict(right=300, errors=22, clean=10, false_alarms=0)
    assert word.verdict == Verdict.FAIL
    assert len(word.reasons) == 1


def test_the_nearer_the_threshold_the_surer_that_people_must_look() -> None:
    at, near = verdict(right=425), verdict(right=435)
    assert at.confidence == 1.0
    assert 0.1 < near.confidence < 1.0


@settings(deadline=None)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), *[st.integers(0, n)] * 3)))
def test_any_counts_give_a_verdict_and_no_pass_below_the_bar(case: tuple[int, int, int, int]) -> None:
    samples, right, errors, clean = case
    metrics = metrics_of(samples, right=right, errors=errors, clean=clean)
    word = ruled(metrics, facts_of(metrics))
    assert word.reasons
    if word.verdict is Verdict.PASS:
        assert samples >= 100
        assert right / samples > 0.85
        assert errors / samples < 0.05
