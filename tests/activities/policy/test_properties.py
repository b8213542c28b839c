"""Random facts: what passes is what was shown, in the words of another language."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.policy.policies import published
from activities.policy.regopy_engine import RegopyEngine
from models.gate import PolicyName

ODD = st.sampled_from([None, "0.9", True, False, -2, 1.5, 1e308])


NAMES = ("n", "accuracy", "error_rate", "cost_micro_usd", "baseline_cost_micro_usd", "cost_increase")


def near(least: float, most: float) -> st.SearchStrategy[Any]:
    return st.floats(least, most).map(lambda value: round(value, 3))


def documents(odd: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Facts around the thresholds, each now and then something else."""
    return st.fixed_dictionaries(
        {
            "n": st.integers(98, 120) | odd,
            "accuracy": near(0.84, 1) | odd,
            "error_rate": near(0, 0.06) | odd,
            "cost_micro_usd": st.integers(990, 1300) | st.just(0) | odd,
            "baseline_cost_micro_usd": st.just(1000) | odd,
            "cost_increase": near(-0.1, 0.3) | st.just(0) | odd,
        }
    )


def shown(facts: dict[str, Any]) -> bool:
    """Whether facts show the literal thresholds."""
    if any(isinstance(value, bool | str) for value in facts.values()):
        return False
    n, accuracy, errors, cost, baseline, increase = (facts[name] for name in NAMES)
    if None in (n, accuracy, errors, cost, increase):
        return False
    if not (100 <= n <= 10**9 and n % 1 == 0 and 0.85 < accuracy <= 1 and 0 <= errors < 0.05 and -1 <= increase < 0.2):
        return False
    if cost == increase == 0 and not baseline:
        return True
    if baseline is None or not (0 < baseline < 2**53 > cost >= 0) or baseline % 1 or cost % 1:
        return False
    return (increase > 0) == (cost > baseline) and (increase < 0) == (cost < baseline)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(documents(ODD) | documents(st.nothing()))
async def test_what_passes_was_shown(facts: dict[str, Any]) -> None:
    found = await RegopyEngine().evaluate(published(PolicyName.DEFAULT), json.dumps(facts).encode())
    assert found.answer.allow is shown(facts)
