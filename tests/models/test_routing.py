"""Whom to ask first, who comes after, and who may not be asked at all."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.provider import ModelTier
from models.ranking import wanted_tier
from models.review import ReviewProfile
from models.route import LONGEST_CHAIN, refusal, route
from models.routing import DEFAULT_STRATEGIES, Candidate, RouteDecision, RoutingInputs, RoutingPolicy, Strategy

CHEAP, BALANCED, POWERFUL = ModelTier


def candidate(name: str, tier: ModelTier = BALANCED, *, key: str | None = "platform", **more: Any) -> Candidate:
    known: dict[str, Any] = {
        "quality": 0.6,
        "context_tokens": 100_000,
        "worst_case_micro_usd": 50_000,
        "expected_micro_usd": 10_000,
    }
    return Candidate(
        provider_id=f"id-{name}", provider_name=name, key_id=key and f"{name}-{key}", tier=tier, **(known | more)
    )


def inputs(*candidates: Candidate, **more: Any) -> RoutingInputs:
    policy = {"strategies", "profile", "providers", "quality_floor"}
    known: dict[str, Any] = {"complexity": 0.5, "input_tokens": 5_000, "budget_micro_usd": 1_000_000}
    rest = {name: value for name, value in more.items() if name not in policy}
    return RoutingInputs(
        policy=RoutingPolicy(**{name: value for name, value in more.items() if name in policy}),
        candidates=candidates,
        **(known | rest),
    )


def names(decision: RouteDecision) -> list[str]:
    return [stop.provider_name for stop in decision.chain]


def asked(*candidates: Candidate, **more: Any) -> list[str]:
    return names(route(inputs(*candidates, **more)))


def test_the_example_of_the_specification() -> None:
    decision = route(
        inputs(
            candidate("codellama", CHEAP, key=None, last_resort=True, quality=0.3, worst_case_micro_usd=0),
            candidate("gpt-3.5-turbo", CHEAP),
            candidate("claude-3-sonnet", BALANCED),
            candidate("gpt-4", POWERFUL, key="mine", own_key=True, worst_case_micro_usd=400_000),
            complexity=0.9,
        )
    )
    assert names(decision) == ["gpt-4", "claude-3-sonnet", "gpt-3.5-turbo", "codellama"]
    assert [stop.degraded for stop in decision.chain] == [False, False, False, True]
    assert [stop.own_key for stop in decision.chain] == [True, False, False, False]
    first, last = decision.chain[0], decision.chain[-1]
    assert {"own-key", "tier-match"} <= set(first.reasons)
    assert {"last-resort", "free"} <= set(last.reasons)
    assert first.scores["complexity"] == 1.0
    assert first.worst_case_micro_usd == 400_000


@pytest.mark.parametrize(
    ("complexity", "tier"),
    [(0.0, CHEAP), (0.29, CHEAP), (0.3, BALANCED), (0.7, BALANCED), (0.71, POWERFUL), (1.0, POWERFUL)],
)
def test_the_tier_follows_the_complexity(complexity: float, tier: ModelTier) -> None:
    assert wanted_tier(complexity) is tier
    all_tiers = [candidate(each.value, each) for each in ModelTier]
    assert asked(*all_tiers, complexity=complexity)[0] == tier.value


def test_the_nearest_tier_stands_in() -> None:
    assert asked(candidate("cheap", CHEAP), candidate("balanced", BALANCED), complexity=0.9) == ["balanced", "cheap"]


@pytest.mark.parametrize("ill", [{"healthy": False}, {"cooling_seconds": 20.0}])
def test_the_unhealthy_come_last_but_are_not_given_up(ill: dict[str, Any]) -> None:
    assert asked(candidate("ill", expected_micro_usd=1, **ill), candidate("well")) == ["well", "ill"]


def test_who_cools_down_comes_before_who_is_ill() -> None:
    assert asked(candidate("ill", healthy=False), candidate("cooling", cooling_seconds=9.0)) == ["cooling", "ill"]


def test_the_cheaper_of_a_tier_comes_first() -> None:
    assert asked(candidate("dear", expected_micro_usd=20_000, quality=0.9), candidate("cheap")) == ["cheap", "dear"]


def test_the_same_price_within_a_quarter_leaves_it_to_the_next_strategy() -> None:
    slow = candidate("slow", latency_p50_ms=30_000, latency_p95_ms=60_000, expected_micro_usd=10_000)
    fast = candidate("fast", latency_p50_ms=900, latency_p95_ms=2_000, expected_micro_usd=10_200)
    assert asked(slow, fast) == ["fast", "slow"]


def test_cheap_is_no_merit_below_the_quality_floor() -> None:
    bad = candidate("bad", CHEAP, quality=0.2, expected_micro_usd=1)
    good = candidate("good", POWERFUL, quality=0.8, expected_micro_usd=90_000)
    decision = route(inputs(bad, good, strategies=(Strategy.COST,)))
    assert names(decision) == ["good", "bad"]
    assert "below-quality-floor" in decision.chain[1].reasons
    assert asked(bad, good, strategies=(Strategy.COST,), quality_floor=0.1) == ["bad", "good"]


@pytest.mark.parametrize(("pressure", "first"), [(0.79, "powerful"), (0.8, "cheap"), (1.0, "cheap")])
def test_near_the_limit_of_the_quota_cheaper_tiers_come_first_whatever_the_task(pressure: float, first: str) -> None:
    all_tiers = [candidate(each.value, each) for each in ModelTier]
    decision = route(inputs(*all_tiers, complexity=0.9, quota_pressure=pressure))
    assert names(decision)[0] == first
    assert ("near-quota" in decision.chain[0].reasons) is (first == "cheap")


def test_near_the_limit_the_ill_still_come_last() -> None:
    cheap, dear = candidate("cheap", CHEAP, healthy=False), candidate("dear", POWERFUL)
    assert asked(cheap, dear, quota_pressure=0.9) == ["dear", "cheap"]


FAST_AND_DEAR = candidate("fast", latency_p50_ms=1_000, latency_p95_ms=1_500, expected_micro_usd=90_000, quality=0.5)
SLOW_AND_CHEAP = candidate("slow", latency_p50_ms=20_000, latency_p95_ms=50_000, expected_micro_usd=1_000, quality=0.4)
GOOD = candidate("good", latency_p50_ms=9_000, latency_p95_ms=9_000, expected_micro_usd=40_000, quality=0.95)


@pytest.mark.parametrize(
    ("profile", "order"),
    [
        (ReviewProfile.INTERACTIVE, ["fast", "good", "slow"]),
        (ReviewProfile.BATCH, ["slow", "good", "fast"]),
        (ReviewProfile.QUALITY, ["good", "fast", "slow"]),
    ],
)
def test_the_profile_says_what_latency_is_traded_for(profile: ReviewProfile, order: list[str]) -> None:
    chain = asked(FAST_AND_DEAR, SLOW_AND_CHEAP, GOOD, strategies=(Strategy.LATENCY,), profile=profile)
    assert chain == order


def test_who_was_never_measured_is_neither_fast_nor_slow() -> None:
    unmeasured = candidate("unmeasured")
    slow = candidate("slow", latency_p50_ms=45_000, latency_p95_ms=60_000)
    assert asked(slow, unmeasured, FAST_AND_DEAR, strategies=(Strategy.LATENCY,)) == ["fast", "unmeasured", "slow"]


def test_a_slow_tail_counts() -> None:
    steady = candidate("steady", latency_p50_ms=8_000, latency_p95_ms=9_000)
    tail = candidate("tail", latency_p50_ms=4_000, latency_p95_ms=70_000)
    assert asked(tail, steady, strategies=(Strategy.LATENCY,)) == ["steady", "tail"]


def test_good_answers_count_and_one_failure_is_not_the_end() -> None:
    proven = candidate("proven", successes=95, failures=5)
    new = candidate("new")
    unlucky = candidate("unlucky", failures=1)
    failing = candidate("failing", successes=10, failures=40)
    chain = asked(failing, unlucky, new, proven, strategies=(Strategy.SUCCESS_RATE,))
    assert chain == ["proven", "new", "unlucky", "failing"]
    # The same count of failures weighs less when there were many answers.
    often = candidate("often", successes=400, failures=40)
    assert asked(failing, often, strategies=(Strategy.SUCCESS_RATE,)) == ["often", "failing"]


def test_the_first_strategy_decides_and_the_next_only_where_it_is_undecided() -> None:
    cheap = candidate("cheap", expected_micro_usd=100, failures=9)
    good = candidate("good", expected_micro_usd=90_000, successes=9)
    assert asked(cheap, good, strategies=(Strategy.COST, Strategy.SUCCESS_RATE)) == ["cheap", "good"]
    assert asked(cheap, good, strategies=(Strategy.SUCCESS_RATE, Strategy.COST)) == ["good", "cheap"]


@pytest.mark.parametrize("strategies", [DEFAULT_STRATEGIES, (), *((each,) for each in Strategy)])
def test_a_users_own_key_goes_before_the_platforms_and_both_stay(strategies: tuple[Strategy, ...]) -> None:
    platform = candidate("gpt", key="platform")
    own = candidate("gpt", key="mine", own_key=True)
    decision = route(inputs(platform, own, strategies=strategies))
    assert [stop.key_id for stop in decision.chain] == ["gpt-mine", "gpt-platform"]


def test_a_users_own_key_goes_before_better_platform_offers_of_the_same_tier_only() -> None:
    own = candidate("own", BALANCED, key="mine", own_key=True, expected_micro_usd=90_000, failures=5)
    same = candidate("same", BALANCED, expected_micro_usd=100, successes=90)
    fitting = candidate("fitting", POWERFUL)
    assert asked(same, own, complexity=0.5) == ["own", "same"]
    assert asked(same, own, fitting, complexity=0.9) == ["fitting", "own", "same"]


def test_an_own_key_that_has_to_wait_gives_way() -> None:
    own = candidate("gpt", key="mine", own_key=True, cooling_seconds=30.0)
    assert [stop.key_id for stop in route(inputs(own, candidate("gpt"))).chain] == ["gpt-platform", "gpt-mine"]


def test_a_list_of_providers_is_kept_to_in_its_order() -> None:
    decision = route(
        inputs(
            candidate("a", CHEAP, expected_micro_usd=1),
            candidate("b", POWERFUL, healthy=False, expected_micro_usd=99_000),
            candidate("c", BALANCED),
            providers=("b", "a"),
            quota_pressure=0.95,
        )
    )
    assert names(decision) == ["b", "a"]
    assert [(each.provider_name, each.reason) for each in decision.refused] == [("c", "not_wanted")]
    assert "preferred" in decision.chain[0].reasons


def test_the_last_resort_is_last_even_when_it_is_wanted_first() -> None:
    local = candidate("local", key=None, last_resort=True, quality=0.9, expected_micro_usd=0)
    ill = candidate("ill", healthy=False, quality=0.1)
    assert asked(local, ill, providers=("local", "ill")) == ["ill", "local"]


@pytest.mark.parametrize(
    ("known", "more", "reason"),
    [
        ({"worst_case_micro_usd": None}, {}, "price_unknown"),
        ({}, {"budget_micro_usd": 49_999}, "over_budget"),
        ({}, {"headroom_micro_usd": 49_999}, "over_quota"),
        ({}, {"input_tokens": 100_001}, "context_too_small"),
        ({}, {"providers": ("another",)}, "not_wanted"),
        ({}, {"budget_micro_usd": 50_000, "headroom_micro_usd": 50_000, "input_tokens": 100_000}, None),
        ({"worst_case_micro_usd": 0}, {"budget_micro_usd": 0, "headroom_micro_usd": 0}, None),
        ({"worst_case_micro_usd": 0}, {"headroom_micro_usd": -5}, None),
        ({"worst_case_micro_usd": None}, {"budget_micro_usd": 0, "headroom_micro_usd": 0}, "price_unknown"),
    ],
)
def test_who_is_refused_and_why(known: dict[str, Any], more: dict[str, Any], reason: str | None) -> None:
    only = candidate("only", **known)
    asked_for = inputs(only, **more)
    decision = route(asked_for)
    assert refusal(only, asked_for) == reason
    assert [each.reason for each in decision.refused] == ([] if reason is None else [reason])
    assert len(decision.chain) == (reason is None)


def test_a_long_list_is_cut_and_keeps_its_last_resort() -> None:
    many = [candidate(f"p{number:02}") for number in range(12)]
    local = candidate("local", key=None, last_resort=True)
    decision = route(inputs(local, *many))
    assert names(decision) == [f"p{number:02}" for number in range(LONGEST_CHAIN - 1)] + ["local"]
    assert {each.reason for each in decision.refused} == {"chain_full"}
    assert len(decision.refused) == 13 - LONGEST_CHAIN


def test_equals_are_ordered_by_quality_then_price_then_name() -> None:
    best = candidate("z", quality=0.61)
    cheaper = candidate("y", expected_micro_usd=9_900)
    chain = asked(candidate("b"), candidate("a"), cheaper, best, strategies=())
    assert chain == ["z", "y", "a", "b"]


def test_nobody_to_ask_is_an_empty_chain() -> None:
    assert route(inputs()) == RouteDecision(inputs=inputs())


money = st.integers(0, 200_000)
measured = st.none() | st.floats(0, 100_000)
strategies = st.lists(st.sampled_from(list(Strategy)), max_size=5, unique=True).map(tuple)
provider_names = st.sampled_from(["a", "b", "c", "d", "e", "f"])


@st.composite
def any_candidates(draw: st.DrawFn) -> tuple[Candidate, ...]:
    """Tier, quality and health are a provider's; price, cooling and counts differ by key."""
    found: list[Candidate] = []
    for name in draw(st.lists(provider_names, max_size=6, unique=True)):
        shared: dict[str, Any] = {
            "quality": draw(st.floats(0, 1)),
            "last_resort": draw(st.booleans()),
            "healthy": draw(st.booleans()),
            "context_tokens": draw(st.integers(1, 20_000)),
        }
        tier = draw(st.sampled_from(list(ModelTier)))
        for key, own in draw(
            st.lists(
                st.sampled_from([(None, False), ("p", False), ("m1", True), ("m2", True)]), max_size=3, unique=True
            )
        ):
            known: dict[str, Any] = {
                "own_key": own,
                "worst_case_micro_usd": draw(st.none() | money),
                "expected_micro_usd": draw(money),
                "cooling_seconds": draw(st.sampled_from([0.0, 1.0, 500.0])),
                "latency_p50_ms": draw(measured),
                "latency_p95_ms": draw(measured),
                "successes": draw(st.integers(0, 50)),
                "failures": draw(st.integers(0, 50)),
            }
            found.append(candidate(name, tier, key=key, **shared, **known))
    return tuple(found)


any_inputs = st.builds(
    RoutingInputs,
    policy=st.builds(
        RoutingPolicy,
        strategies=strategies,
        profile=st.sampled_from(list(ReviewProfile)),
        providers=st.lists(provider_names, max_size=4, unique=True).map(tuple),
        quality_floor=st.floats(0, 1),
    ),
    complexity=st.floats(0, 1),
    input_tokens=st.integers(0, 20_000),
    budget_micro_usd=money,
    headroom_micro_usd=st.none() | money,
    quota_pressure=st.floats(0, 1),
    candidates=any_candidates(),
)
Place = tuple[str, str | None]


def by_place(situation: RoutingInputs) -> dict[Place, Candidate]:
    return {(each.provider_name, each.key_id): each for each in situation.candidates}


def in_order(decision: RouteDecision) -> list[Candidate]:
    """The candidates of the chain."""
    known = by_place(decision.inputs)
    return [known[stop.provider_name, stop.key_id] for stop in decision.chain]


@given(any_inputs)
def test_everybody_is_in_the_chain_or_refused_with_a_reason(situation: RoutingInputs) -> None:
    decision = route(situation)
    chain = [(stop.provider_name, stop.key_id) for stop in decision.chain]
    refused = [(each.provider_name, each.key_id) for each in decision.refused]
    assert sorted(map(str, chain + refused)) == sorted(map(str, by_place(situation)))
    assert len(chain) <= LONGEST_CHAIN
    known = by_place(situation)
    assert all(refusal(known[place], situation) is None for place in chain)
    for each in decision.refused:
        reason = refusal(known[each.provider_name, each.key_id], situation)
        assert each.reason == (reason or "chain_full")
        assert reason is not None or len(chain) == LONGEST_CHAIN


@given(any_inputs)
def test_nobody_in_the_chain_can_break_budget_or_quota(situation: RoutingInputs) -> None:
    for stop in route(situation).chain:
        assert stop.worst_case_micro_usd <= situation.budget_micro_usd
        if situation.headroom_micro_usd is not None:
            assert stop.worst_case_micro_usd <= situation.headroom_micro_usd


@given(any_inputs)
def test_a_decision_is_made_again_from_what_was_recorded(situation: RoutingInputs) -> None:
    decision = route(situation)
    stored = RouteDecision.model_validate_json(decision.model_dump_json())
    assert stored == decision
    assert route(stored.inputs) == decision


@given(any_inputs, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(situation: RoutingInputs, shuffler: Any) -> None:
    shuffled = list(situation.candidates)
    shuffler.shuffle(shuffled)
    other = route(situation.model_copy(update={"candidates": tuple(shuffled)}))
    assert (other.chain, other.refused) == (route(situation).chain, route(situation).refused)


@given(any_inputs)
def test_last_resorts_end_the_chain_and_are_marked(situation: RoutingInputs) -> None:
    decision = route(situation)
    marked = [stop.degraded for stop in decision.chain]
    assert marked == sorted(marked)
    assert marked == [each.last_resort for each in in_order(decision)]


@given(any_inputs)
def test_an_own_key_is_asked_before_the_platforms_of_the_same_kind(situation: RoutingInputs) -> None:
    """Same tier, and neither worse in what is allowed to overrule it: health, the floor, the user's own list."""
    ranked = in_order(route(situation))
    for position, later in enumerate(ranked):
        for earlier in ranked[:position]:
            alike = (
                earlier.tier is later.tier
                and earlier.last_resort is later.last_resort
                and (earlier.quality < situation.policy.quality_floor)
                is (later.quality < situation.policy.quality_floor)
                and (earlier.healthy, earlier.cooling_seconds > 0) == (later.healthy, later.cooling_seconds > 0)
                and not situation.policy.providers
            )
            assert not (alike and later.own_key and not earlier.own_key)


@given(any_inputs)
def test_by_default_nobody_ill_is_asked_before_somebody_well(situation: RoutingInputs) -> None:
    policy = RoutingPolicy(quality_floor=0.0)
    ranked = [each for each in in_order(route(situation.model_copy(update={"policy": policy}))) if not each.last_resort]
    well = [each.healthy and each.cooling_seconds == 0 for each in ranked]
    assert well == sorted(well, reverse=True)


@given(any_inputs, money)
def test_more_money_never_takes_anybody_out(situation: RoutingInputs, more: int) -> None:
    richer = situation.model_copy(
        update={
            "budget_micro_usd": situation.budget_micro_usd + more,
            "headroom_micro_usd": None if situation.headroom_micro_usd is None else situation.headroom_micro_usd + more,
        }
    )
    for each in situation.candidates:
        assert refusal(each, situation) is not None or refusal(each, richer) is None


def place_of(wanted: Candidate, situation: RoutingInputs) -> int:
    """Where somebody is in the chain; behind it for who is not."""
    ranked = [(each.provider_name, each.key_id) for each in in_order(route(situation))]
    mine = (wanted.provider_name, wanted.key_id)
    return ranked.index(mine) if mine in ranked else LONGEST_CHAIN


@given(any_inputs, money)
@settings(max_examples=150)
def test_a_lower_price_never_moves_anybody_back(situation: RoutingInputs, less: int) -> None:
    for chosen in situation.candidates:
        cheaper = chosen.model_copy(update={"expected_micro_usd": max(0, chosen.expected_micro_usd - less)})
        others = tuple(each for each in situation.candidates if each is not chosen)
        after = situation.model_copy(update={"candidates": (*others, cheaper)})
        assert place_of(cheaper, after) <= place_of(chosen, situation)
