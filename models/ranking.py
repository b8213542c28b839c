"""How the candidates of a route are put in order: one coarse comparison after the other, no clock and no chance."""

from dataclasses import dataclass

from models.provider import ModelTier
from models.quota import NEAR_LIMIT
from models.review import ReviewProfile
from models.routing import Candidate, RoutingInputs, RoutingPolicy, Strategy

CHEAP_BELOW = 0.3
"""A task with a lower score is for the cheap tier."""
POWERFUL_ABOVE = 0.7
"""A task with a higher score is for the powerful tier."""

LATENCY_STEPS_MS = (2_000, 5_000, 10_000, 20_000, 40_000, 80_000)
"""Answers within one step count as equally fast."""
_UNMEASURED = len(LATENCY_STEPS_MS) // 2

PRIOR_SUCCESSES = 3
PRIOR_FAILURES = 1
"""A Beta prior: who was never asked counts as good for three answers of four, and four real answers weigh as much."""
_SUCCESS_STEPS = 10
_QUALITY_STEPS = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """What one strategy says of one candidate."""

    place: int
    """Coarse, 0 is best: equal places let the next strategy speak."""
    score: float
    """For people, 0 worst to 1 best."""


def wanted_tier(complexity: float) -> ModelTier:
    """The tier that fits a task: below 0.3 cheap, above 0.7 powerful, between them (both ends included) balanced."""
    if complexity < CHEAP_BELOW:
        return ModelTier.CHEAP
    return ModelTier.POWERFUL if complexity > POWERFUL_ABOVE else ModelTier.BALANCED


def near_quota(inputs: RoutingInputs) -> bool:
    """Whether so much of a quota is used that cheaper tiers come first, whatever the task needs."""
    return inputs.quota_pressure >= NEAR_LIMIT


def standing(strategy: Strategy, candidate: Candidate, inputs: RoutingInputs) -> Standing:
    """What a strategy says of a candidate; it depends on no other candidate."""
    match strategy:
        case Strategy.COMPLEXITY:
            distance = abs(candidate.tier.rank - wanted_tier(inputs.complexity).rank)
            return Standing(distance, 1 - distance / 2)
        case Strategy.HEALTH:
            return _health(candidate)
        case Strategy.COST:
            return _cost(candidate)
        case Strategy.LATENCY:
            return _by_profile(candidate, inputs.policy.profile)
        case Strategy.SUCCESS_RATE:
            return _success(candidate)


def order(candidate: Candidate, inputs: RoutingInputs) -> tuple[int | float | str, ...]:
    """Sort key of a candidate, smallest first; every two candidates compare, in any order they come.

    First what no strategy may overrule: the last resort is last, the user's own list of providers, the quality floor.
    Then the strategies. A user's own key comes before the platform's keys of the same tier, so it is compared before
    the first strategy that looks inside a tier; near the limit of a quota the cheaper tier comes before all but health.
    """
    policy = inputs.policy
    key: list[int | float | str] = [
        candidate.last_resort,
        _preference(candidate, policy),
        candidate.quality < policy.quality_floor,
    ]
    thrift = candidate.tier.rank if near_quota(inputs) else 0
    places = [standing(strategy, candidate, inputs).place for strategy in policy.strategies]
    after_health = _leading(policy.strategies, frozenset({Strategy.HEALTH}))
    after_tiers = _leading(policy.strategies, frozenset({Strategy.HEALTH, Strategy.COMPLEXITY}))
    key += places[:after_health]
    key.append(thrift)
    key += places[after_health:after_tiers]
    key.append(not candidate.own_key)
    key += places[after_tiers:]
    key += [-candidate.quality, candidate.expected_micro_usd, candidate.worst_case_micro_usd or 0]
    key += [candidate.provider_name, candidate.key_id or "", candidate.provider_id]
    return tuple(key)


def _leading(strategies: tuple[Strategy, ...], kind: frozenset[Strategy]) -> int:
    """How many strategies at the head are of a kind."""
    return next((at for at, each in enumerate(strategies) if each not in kind), len(strategies))


def _preference(candidate: Candidate, policy: RoutingPolicy) -> int:
    return policy.providers.index(candidate.provider_name) if candidate.provider_name in policy.providers else 0


def _health(candidate: Candidate) -> Standing:
    if not candidate.healthy:
        return Standing(2, 0.0)
    return Standing(1, 0.5) if candidate.cooling_seconds > 0 else Standing(0, 1.0)


def _cost(candidate: Candidate) -> Standing:
    """Steps of at most a quarter of the price, in whole numbers: cheaper by less is left to the next strategy."""
    price = candidate.expected_micro_usd
    exponent = price.bit_length()
    fraction = price >> (exponent - 3) & 3 if exponent >= 3 else price & 3
    # A tenth of a dollar per call scores a half.
    return Standing(exponent * 4 + fraction, round(1 / (1 + price / 100_000), 4))


def _by_profile(candidate: Candidate, profile: ReviewProfile) -> Standing:
    """Speed matters to who waits, price to a batch, and quality to who asked for it."""
    if profile is ReviewProfile.BATCH:
        return _cost(candidate)
    if profile is ReviewProfile.QUALITY:
        return Standing(_QUALITY_STEPS - int(candidate.quality * _QUALITY_STEPS), round(candidate.quality, 4))
    p50, p95 = candidate.latency_p50_ms, candidate.latency_p95_ms
    measured = [each for each in (p50, p95) if each is not None]
    if not measured:
        place = _UNMEASURED
    else:
        # The mean of the two: a provider with a fast half and a slow tail is neither fast nor slow.
        typical = sum(measured) / len(measured)
        place = sum(typical > step for step in LATENCY_STEPS_MS)
    return Standing(place, round(1 - place / len(LATENCY_STEPS_MS), 4))


def _success(candidate: Candidate) -> Standing:
    failures = candidate.failures + PRIOR_FAILURES
    calls = candidate.successes + candidate.failures + PRIOR_SUCCESSES + PRIOR_FAILURES
    return Standing(failures * _SUCCESS_STEPS // calls, round(1 - failures / calls, 4))
