"""An answer that contradicts itself is none."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.gate_answer import GateAnswer

MORE = {"id": "too_few_samples", "metric": "n", "conclusive": False}
BAD = {"id": "accuracy_below", "metric": "accuracy", "conclusive": True}


def read(allow: Any, outcome: str, *deny: dict[str, Any]) -> GateAnswer:
    return GateAnswer.model_validate(
        {"allow": allow, "outcome": outcome, "deny": deny, "policy": "default", "revision": "r"}
    )


def test_coherent() -> None:
    assert read(True, "pass").allow
    assert not read(False, "fail", MORE, BAD).allow
    assert not read(False, "inconclusive", MORE).allow


@pytest.mark.parametrize(
    ("allow", "outcome", "deny"),
    [
        (True, "pass", [MORE]),
        (True, "pass", [BAD]),
        (True, "fail", [BAD]),
        (True, "inconclusive", [MORE]),
        (False, "pass", []),
        (False, "fail", []),
        (False, "fail", [MORE]),
        (False, "inconclusive", []),
        (False, "inconclusive", [BAD]),
    ],
)
def test_incoherent(allow: bool, outcome: str, deny: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        read(allow, outcome, *deny)


def test_a_long_list_of_reasons_is_none() -> None:
    with pytest.raises(ValidationError):
        read(False, "inconclusive", *[MORE] * 101)
