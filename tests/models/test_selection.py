"""Who reviews, and who may spend how much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.expert import ExpertName as E
from models.selection import Purse, select_experts, split_budget
from models.source import Evidence

WEIGHTS = st.dictionaries(st.sampled_from(list(E)), st.floats(0, 100), min_size=1)


@pytest.mark.parametrize(
    ("score", "evidence", "expected"),
    [
        (0.0, (), {E.QUALITY, E.META}),
        (0.29, (), {E.QUALITY, E.META}),
        (0.3, (), {E.QUALITY, E.DEPENDENCY, E.META}),
        (0.7, (), {E.QUALITY, E.DEPENDENCY, E.META}),
        (0.71, (), set(E)),
        (0.1, (Evidence.SECURITY_CONSTRUCTS,), {E.QUALITY, E.META, E.SECURITY}),
        (0.1, (Evidence.COVERAGE, Evidence.PROFILE), {E.QUALITY, E.META, E.TEST, E.PERFORMANCE}),
        (0.5, (Evidence.PUBLIC_API_CHANGED,), {E.QUALITY, E.DEPENDENCY, E.META, E.DOCUMENTATION}),
    ],
)
def test_auto_follows_complexity_and_evidence(score: float, evidence: tuple[Evidence, ...], expected: set[E]) -> None:
    assert set(select_experts("auto", score=score, evidence=evidence, models_routed=True)) == expected


def test_without_a_model_all_seven_run() -> None:
    assert select_experts("auto", score=0.0, evidence=(), models_routed=False) == tuple(E)


def test_a_list_overrides_and_comes_in_the_panels_order() -> None:
    assert select_experts((E.META, E.SECURITY), score=1, evidence=(), models_routed=True) == (E.SECURITY, E.META)


@given(st.integers(0, 10**12), WEIGHTS)
def test_shares_add_up_to_the_budget_and_follow_the_weights(total: int, weights: dict[E, float]) -> None:
    shares = split_budget(total, weights)
    assert sum(shares.values()) == total
    assert all(share >= 0 for share in shares.values())
    for one in weights:
        for other in weights:
            if weights[one] > weights[other]:
                assert shares[one] >= shares[other]


@given(st.integers(0, 10**9), WEIGHTS, st.lists(st.tuples(st.sampled_from(list(E)), st.floats(0, 1), st.booleans())))
def test_a_purse_never_spends_more_than_it_was_given(
    total: int, weights: dict[E, float], calls: list[tuple[E, float, bool]]
) -> None:
    purse, spent = Purse(total, weights), 0
    for expert, share, keep in calls:
        drawn = purse.draw(expert)
        cost = int(drawn * share)
        spent += cost
        purse.give_back(drawn, cost, expert if keep else None)
    for expert in E:
        purse.release(expert)
    assert spent + purse.pool == total


def test_a_purse_refuses_a_bill_over_what_was_drawn() -> None:
    purse = Purse(100, {E.SECURITY: 1})
    with pytest.raises(ValueError, match="spent more"):
        purse.give_back(purse.draw(E.SECURITY), 101)
