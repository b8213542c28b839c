"""The question about an experiment, and its answer."""

import json
from typing import Any, cast

import pytest

from models.answer import AnswerInvalid
from models.verdict import Verdict
from models.verdict_prompt import RESPONSE_SCHEMA, told, verdict_of
from tests.activities.stats.made import metrics_of
from tests.models.test_verdict_rules import facts_of

GOOD = {"reasons": ["Accuracy 0.9 is above 0.85."], "verdict": "pass", "confidence": 0.9}


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        parts = cast(Any, value)
        return [leaf for each in (parts.values() if isinstance(value, dict) else parts) for leaf in leaves(each)]
    return [value]


def test_a_model_is_shown_numbers_and_nothing_else() -> None:
    metrics = metrics_of(200, right=180, clean=50)
    shown = json.loads(told(metrics, facts_of(metrics)))
    assert shown["accuracy"][0] == 0.9
    assert shown["counts"]["clean"] == 50
    assert all(leaf is None or isinstance(leaf, int | float) for leaf in leaves(shown))


def test_an_answer_is_read_with_its_reasons_cleaned() -> None:
    said = verdict_of(json.dumps(GOOD | {"reasons": ["a\x1b[31m\u202eb", " ", *["r"] * 20]}), "acme")
    assert (said.verdict, said.confidence, said.judged_by) == (Verdict.PASS, 0.9, "acme")
    assert said.reasons[0] == "ab"
    assert len(said.reasons) == 7


@pytest.mark.parametrize(
    "answer",
    [
        "pass",
        "{}",
        json.dumps(GOOD | {"verdict": "approve"}),
        json.dumps(GOOD | {"verdict": True}),
        json.dumps(GOOD | {"confidence": 1.01}),
        json.dumps(GOOD | {"confidence": "0.9"}),
        json.dumps(GOOD | {"confidence": None}),
        json.dumps(GOOD | {"reasons": "good"}),
        json.dumps(GOOD | {"reasons": [1]}),
        json.dumps(GOOD | {"allow": True}),
        '{"reasons": [], "verdict": "fail", "verdict": "pass", "confidence": 1}',
        '{"reasons": [], "verdict": "pass", "confidence": NaN}',
    ],
)
def test_whatever_is_not_by_the_schema_is_not_used(answer: str) -> None:
    with pytest.raises(AnswerInvalid):
        verdict_of(answer, "acme")


def test_the_schema_names_every_field() -> None:
    assert RESPONSE_SCHEMA["required"] == list(RESPONSE_SCHEMA["properties"]) == list(GOOD)
