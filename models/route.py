"""Which providers are asked for one expert, in which order: pure, total, and the same for the same inputs."""

from models.ranking import near_quota, order, standing, wanted_tier
from models.routing import Candidate, RefusedCandidate, RouteDecision, RouteStop, RoutingInputs, Strategy
from models.wire import Slug

LONGEST_CHAIN = 8
"""Places of a fallback chain; who would come after them is refused as `chain_full`."""


def route(inputs: RoutingInputs) -> RouteDecision:
    """The fallback chain for one expert, with everything that went into it.

    Every candidate is either in the chain or refused with a reason, never both and never neither. The chain is empty
    when nobody may be asked. It does not depend on the order of the candidates.

    Args:
        inputs: the candidates and what is known of the task; kept in the decision, so that `route(decision.inputs)`
            is the decision again.
    """
    refused: list[RefusedCandidate] = []
    admitted: list[Candidate] = []
    for candidate in sorted(inputs.candidates, key=_identity):
        reason = refusal(candidate, inputs)
        if reason is None:
            admitted.append(candidate)
        else:
            refused.append(_refused(candidate, reason))
    ranked = sorted(admitted, key=lambda candidate: order(candidate, inputs))
    kept, dropped = _capped(ranked)
    refused += [_refused(candidate, "chain_full") for candidate in dropped]
    chain = tuple(_stop(candidate, inputs) for candidate in kept)
    return RouteDecision(inputs=inputs, chain=chain, refused=tuple(refused))


def refusal(candidate: Candidate, inputs: RoutingInputs) -> Slug | None:
    """Why a candidate may not be asked at all, or None.

    The first that holds of: `not_wanted`, `price_unknown`, `context_too_small`, `over_budget`, `over_quota`. A call
    that cannot cost anything needs neither budget nor quota.
    """
    wanted = inputs.policy.providers
    price = candidate.worst_case_micro_usd
    if wanted and candidate.provider_name not in wanted:
        return "not_wanted"
    if price is None:
        return "price_unknown"
    if inputs.input_tokens > candidate.context_tokens:
        return "context_too_small"
    if price > inputs.budget_micro_usd:
        return "over_budget"
    if inputs.headroom_micro_usd is not None and price > max(inputs.headroom_micro_usd, 0):
        return "over_quota"
    return None


def _identity(candidate: Candidate) -> tuple[str, str, str]:
    return (candidate.provider_name, candidate.key_id or "", candidate.provider_id)


def _refused(candidate: Candidate, reason: Slug) -> RefusedCandidate:
    return RefusedCandidate(provider_name=candidate.provider_name, key_id=candidate.key_id, reason=reason)


def _capped(ranked: list[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """The best, and the rest; the best last resort keeps the last place, however many come before it."""
    kept, dropped = ranked[:LONGEST_CHAIN], ranked[LONGEST_CHAIN:]
    resort = next((candidate for candidate in dropped if candidate.last_resort), None)
    if resort is None or any(candidate.last_resort for candidate in kept):
        return kept, dropped
    displaced = kept[-1]
    others = [candidate for candidate in dropped if candidate is not resort]
    return [*kept[:-1], resort], [displaced, *others]


def _stop(candidate: Candidate, inputs: RoutingInputs) -> RouteStop:
    # Only candidates with a known price are admitted.
    worst_case = candidate.worst_case_micro_usd or 0
    return RouteStop(
        provider_id=candidate.provider_id,
        provider_name=candidate.provider_name,
        key_id=candidate.key_id,
        own_key=candidate.own_key,
        tier=candidate.tier,
        worst_case_micro_usd=worst_case,
        degraded=candidate.last_resort,
        scores={each.value: standing(each, candidate, inputs).score for each in inputs.policy.strategies},
        reasons=_reasons(candidate, inputs),
    )


def _reasons(candidate: Candidate, inputs: RoutingInputs) -> tuple[Slug, ...]:
    """What moved it up or down, for people who ask why."""
    policy = inputs.policy
    said = {
        "last-resort": candidate.last_resort,
        "preferred": bool(policy.providers),
        "own-key": candidate.own_key,
        "tier-match": Strategy.COMPLEXITY in policy.strategies
        and candidate.tier is wanted_tier(inputs.complexity)
        and not near_quota(inputs),
        "near-quota": near_quota(inputs),
        "below-quality-floor": candidate.quality < policy.quality_floor,
        "unhealthy": not candidate.healthy,
        "cooling": candidate.cooling_seconds > 0,
        "unmeasured": candidate.latency_p50_ms is None and candidate.latency_p95_ms is None,
        "free": candidate.worst_case_micro_usd == 0,
    }
    return tuple(reason for reason, holds in said.items() if holds)
