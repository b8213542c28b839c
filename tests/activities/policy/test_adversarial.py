"""The gate against everything that is not a fact: it allows nothing that was not shown. Both engines, one table."""

import json
from typing import Any

import pytest

from activities.experiment_ports import PolicyMalformed
from activities.policy.engine import RegoEngine
from activities.policy.policies import published
from models.gate import Outcome, PolicyName
from models.gate_answer import GateAnswer
from tests.activities.policy.facts import GOOD

REQUIRED = {
    "n": "samples",
    "accuracy": "accuracy",
    "error_rate": "error_rate",
    "cost_micro_usd": "cost",
    "baseline_cost_micro_usd": "baseline",
    "cost_increase": "cost_increase",
}
BOUNDS = [key for key in GOOD if key.endswith(("_low", "_high"))]
NO_NUMBERS = ["0.10", "NaN", "", True, False, [0.93], {"value": 0.93}]
OUT_OF_RANGE: dict[str, list[Any]] = {
    "n": [-1, 150.5, 1e308, 2**64 + 200, 10**30],
    "accuracy": [-0.5, 1.0000001, 93, 1e308, -1e308],
    "error_rate": [-1, 1.5, 1e308],
    "cost_micro_usd": [-1100, 1100.5, 2**53, 1e308],
    "baseline_cost_micro_usd": [-1, 0.5, 2**64 + 1000, 1e308],
    "cost_increase": [-1.0001, -1e308],
}


def unusable(values: int) -> list[tuple[dict[str, Any], set[str]]]:
    """Each fact that is missing, of another type or out of range, with so many bad values of each."""
    return [
        *[({key: None}, {f"{name}_missing"}) for key, name in REQUIRED.items()],
        *[({key: value}, {f"{name}_invalid"}) for key, name in REQUIRED.items() for value in NO_NUMBERS[:values]],
        *[
            ({key: bad}, {f"{REQUIRED[key]}_invalid"})
            for key, all_bad in OUT_OF_RANGE.items()
            for bad in all_bad[:values]
        ],
        *[({key: value}, {f"{key}_invalid"}) for key in BOUNDS for value in ("0.9", True)[:values]],
    ]


ALWAYS: list[tuple[dict[str, Any], set[str]]] = [
    ({"n": 99}, {"too_few_samples"}),
    ({"n": 1}, {"too_few_samples"}),
    ({"n": 0}, {"too_few_samples"}),
    ({"accuracy_low": 0.96, "accuracy_high": 0.89}, {"accuracy_contradictory", "accuracy_high_contradictory"}),
    ({"accuracy": 0.99}, {"accuracy_high_contradictory"}),
    ({"error_rate": 0.0}, {"error_rate_contradictory"}),
    ({"cost_increase_high": 0.05}, {"cost_increase_high_contradictory"}),
    ({"cost_micro_usd": 1000}, {"cost_increase_contradictory"}),
    ({"cost_micro_usd": 900}, {"cost_increase_contradictory"}),
    ({"baseline_cost_micro_usd": 0}, {"baseline_zero"}),
    ({"baseline_cost_micro_usd": 0, "cost_increase": None}, {"baseline_zero"}),
    ({"baseline_cost_micro_usd": None, "cost_increase": None}, {"baseline_missing"}),
]
"""Changes of good facts that say too little to either policy, and why."""


def free(baseline: int | None) -> dict[str, Any]:
    nothing = {"cost_micro_usd": 0, "cost_increase": 0, "cost_increase_low": None, "cost_increase_high": None}
    return {**nothing, "baseline_cost_micro_usd": baseline}


def alone(key: str, value: float) -> dict[str, Any]:
    return {key: value, f"{key}_low": None, f"{key}_high": None}


def bounds(key: str, low: float | None, value: float, high: float) -> dict[str, Any]:
    return {key: value, f"{key}_low": low, f"{key}_high": high}


PASS: set[str] = set()
DEFAULT: list[tuple[dict[str, Any], Outcome, set[str]]] = [
    ({}, Outcome.PASS, PASS),
    ({"n": 100}, Outcome.PASS, PASS),
    ({"n": 101}, Outcome.PASS, PASS),
    ({"allow": True, "deny": [], "Accuracy": 0.1, "policy": "none"}, Outcome.PASS, PASS),
    (dict.fromkeys(BOUNDS), Outcome.PASS, PASS),
    (alone("accuracy", 0.8500000000000001), Outcome.PASS, PASS),
    (alone("accuracy", 0.85), Outcome.FAIL, {"accuracy_below"}),
    (alone("accuracy", 0.8499999999999999), Outcome.FAIL, {"accuracy_below"}),
    (alone("accuracy", 0), Outcome.FAIL, {"accuracy_below"}),
    (alone("error_rate", 0), Outcome.PASS, PASS),
    (alone("error_rate", 0.0499999999999999), Outcome.PASS, PASS),
    (alone("error_rate", 0.05), Outcome.FAIL, {"error_rate_above"}),
    (alone("error_rate", 1), Outcome.FAIL, {"error_rate_above"}),
    (alone("cost_increase", 0.199999999999999), Outcome.PASS, PASS),
    (alone("cost_increase", 0.2), Outcome.FAIL, {"cost_increase_above"}),
    (alone("cost_increase", 1e308), Outcome.FAIL, {"cost_increase_above"}),
    ({**alone("cost_increase", -1), "cost_micro_usd": 0}, Outcome.PASS, PASS),
    (free(0), Outcome.PASS, PASS),
    (free(None), Outcome.PASS, PASS),
    ({**free(None), "cost_increase": None}, Outcome.INCONCLUSIVE, {"baseline_missing"}),
    ({**alone("accuracy", 0.1), "n": 99}, Outcome.INCONCLUSIVE, {"accuracy_below", "too_few_samples"}),
    ({**alone("accuracy", 0.1), "error_rate": "0"}, Outcome.INCONCLUSIVE, {"accuracy_below", "error_rate_invalid"}),
    ({**alone("accuracy", 0.1), "baseline_cost_micro_usd": None}, Outcome.FAIL, {"accuracy_below", "baseline_missing"}),
    (
        {**alone("accuracy", 0.1), **alone("error_rate", 0.5), **alone("cost_increase", 9)},
        Outcome.FAIL,
        {"accuracy_below", "error_rate_above", "cost_increase_above"},
    ),
]
STRICT: list[tuple[dict[str, Any], Outcome, set[str]]] = [
    ({}, Outcome.PASS, PASS),
    ({"n": 100}, Outcome.PASS, PASS),
    ({"accuracy_high": None, "error_rate_low": None, "cost_increase_low": None}, Outcome.PASS, PASS),
    *[({key: None}, Outcome.INCONCLUSIVE, {f"{key}_missing"}) for key in ("accuracy_low", "error_rate_high")],
    ({"cost_increase_high": None}, Outcome.INCONCLUSIVE, {"cost_increase_high_missing"}),
    (bounds("accuracy", 0.8500000000000001, 0.9, 0.95), Outcome.PASS, PASS),
    (bounds("accuracy", 0.85, 0.9, 0.95), Outcome.INCONCLUSIVE, {"accuracy_unproven"}),
    (bounds("accuracy", 0.7, 0.8, 0.8500000000000001), Outcome.INCONCLUSIVE, {"accuracy_unproven"}),
    (bounds("accuracy", 0.7, 0.8, 0.85), Outcome.FAIL, {"accuracy_below"}),
    (bounds("error_rate", 0, 0.01, 0.0499999999999999), Outcome.PASS, PASS),
    (bounds("error_rate", 0, 0.01, 0.05), Outcome.INCONCLUSIVE, {"error_rate_unproven"}),
    (bounds("error_rate", 0.049, 0.06, 0.1), Outcome.INCONCLUSIVE, {"error_rate_unproven"}),
    (bounds("error_rate", 0.05, 0.06, 0.1), Outcome.FAIL, {"error_rate_above"}),
    (bounds("cost_increase", 0, 0.1, 0.199999999999999), Outcome.PASS, PASS),
    (bounds("cost_increase", 0, 0.1, 0.2), Outcome.INCONCLUSIVE, {"cost_increase_unproven"}),
    (bounds("cost_increase", None, 0.3, 0.4), Outcome.INCONCLUSIVE, {"cost_increase_unproven"}),
    (bounds("cost_increase", 0.2, 0.3, 0.4), Outcome.FAIL, {"cost_increase_above"}),
    (free(0), Outcome.PASS, PASS),
    (free(None), Outcome.PASS, PASS),
    ({**bounds("accuracy", 0.05, 0.1, 0.2), "n": 99}, Outcome.INCONCLUSIVE, {"accuracy_unproven", "too_few_samples"}),
]
ROWS = [
    *[(PolicyName.DEFAULT, *row) for row in DEFAULT],
    *[(PolicyName.STRICT, *row) for row in STRICT],
    *[(PolicyName.DEFAULT, changes, Outcome.INCONCLUSIVE, ids) for changes, ids in unusable(99)],
    *[(PolicyName.STRICT, changes, Outcome.INCONCLUSIVE, ids) for changes, ids in unusable(1)],
    *[(policy, changes, Outcome.INCONCLUSIVE, ids) for policy in PolicyName for changes, ids in ALWAYS],
]


async def asked(engine: RegoEngine, policy: PolicyName, document: Any) -> GateAnswer:
    """Ask about a document, or about a text as it is."""
    text = document if isinstance(document, str) else json.dumps(document)
    return (await engine.evaluate(published(policy), text.encode())).answer


def _named(value: object) -> str:
    """A row's part in its test's name, the same in every process."""
    return str(sorted(value) if isinstance(value, set) else value)[:60]  # pyright: ignore[reportUnknownArgumentType]


@pytest.mark.parametrize(("policy", "changes", "outcome", "ids"), ROWS, ids=_named)
async def test_table(
    engine: RegoEngine, policy: PolicyName, changes: dict[str, Any], outcome: Outcome, ids: set[str]
) -> None:
    answer = await asked(engine, policy, GOOD | changes)
    assert (answer.outcome, {denial.id for denial in answer.deny}) == (outcome, ids)
    assert answer.allow is (outcome is Outcome.PASS)


@pytest.mark.parametrize("policy", PolicyName)
async def test_absent_is_denied_as_null_is(engine: RegoEngine, policy: PolicyName) -> None:
    for key in ("n", "accuracy", "error_rate_high", "baseline_cost_micro_usd"):
        without = {name: value for name, value in GOOD.items() if name != key}
        assert await asked(engine, policy, without) == await asked(engine, policy, GOOD | {key: None})


@pytest.mark.parametrize("policy", PolicyName)
@pytest.mark.parametrize("document", [{}, [], None, '"x"', 1, True, [GOOD], {"input": GOOD}], ids=str)
async def test_what_is_no_set_of_facts_is_denied(engine: RegoEngine, policy: PolicyName, document: Any) -> None:
    answer = await asked(engine, policy, document)
    assert answer.outcome is Outcome.INCONCLUSIVE
    assert {f"{name}_missing" for name in set(REQUIRED.values()) - {"cost_increase"}} <= {d.id for d in answer.deny}


@pytest.mark.parametrize("policy", PolicyName)
@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "nan", "0x1", "01", "", "input", "data", "1e999"])
async def test_what_is_no_json_is_no_question(engine: RegoEngine, policy: PolicyName, literal: str) -> None:
    text = json.dumps(GOOD).replace('"accuracy": 0.93', f'"accuracy": {literal}')
    try:
        answer = await asked(engine, policy, text)
    except PolicyMalformed:
        return
    assert answer.allow is False


async def test_reasons_carry_the_numbers(engine: RegoEngine) -> None:
    answer = await asked(engine, PolicyName.DEFAULT, GOOD | alone("accuracy", 0.5))
    assert [denial.model_dump() for denial in answer.deny] == [
        {
            "id": "accuracy_below",
            "metric": "accuracy",
            "observed": 0.5,
            "bound": 0.85,
            "limit": "gt",
            "conclusive": True,
        }
    ]
