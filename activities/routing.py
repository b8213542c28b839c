"""Whom to ask: what is known of every provider, put before the rules of `models.routing`, and the decision kept."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from activities.ports import Material, ModelFailed
from activities.provider_ports import (
    HealthStore,
    KeyVault,
    Limiter,
    ModelQuestion,
    PriceBook,
    PriceUnknown,
    Providers,
    ProviderUnknown,
    Quota,
    Routes,
    Traffic,
)
from activities.shared_reads import SharedReads
from models.call import POSTURE, CallFailure, Posture, TokenUsage, is_quality
from models.health import Health
from models.opinion import Consultation, Rejection
from models.pricing import PriceSheet, asked_for, cost_micro_usd, worst_case_micro_usd
from models.provider import PLATFORM, Provider, ProviderKey, ProviderKind
from models.question_size import QuestionSize, question_size
from models.quota import QuotaState, seconds_until_reset
from models.route import route
from models.routing import Candidate, RouteDecision, RouteStop, RoutingInputs, RoutingPolicy

LIKELY_OUTPUT_TOKENS = 800
"""What an expert's answer usually takes; only for ranking by cost, never for setting money aside."""

Place = tuple[Provider, ProviderKey | None]


@dataclass(frozen=True, slots=True)
class Routed:
    """One place of a route, ready to be asked."""

    decision: RouteDecision
    position: int
    provider: Provider
    sheet: PriceSheet
    quota: QuotaState
    """The user's, now: the decision may be days old."""

    @property
    def stop(self) -> RouteStop:
        return self.decision.chain[self.position]

    @property
    def following(self) -> Sequence[RouteStop]:
        """The rest of the chain."""
        return self.decision.chain[self.position + 1 :]

    def further(self, posture: Posture) -> int | None:
        """Places down the chain to whom to ask next: for `next_provider`, keys of this one are passed over."""
        for distance, stop in enumerate(self.following, start=1):
            if posture is not Posture.NEXT_PROVIDER or stop.provider_id != self.stop.provider_id:
                return distance
        return None

    @property
    def bounds(self) -> PriceSheet:
        """The prices that our calls can meet."""
        return _bounds(self.provider, self.sheet)

    def worst_case_micro_usd(self, question: ModelQuestion) -> int:
        """Most that a question can cost here: no tokeniser makes more tokens than there are bytes."""
        return worst_case_micro_usd(self.bounds, question.input_token_bound, question.max_output_tokens)

    def failed(
        self, code: CallFailure, spent_micro_usd: int = 0, *, retry_after_seconds: float | None = None
    ) -> ModelFailed:
        """The failure of a call here, with its posture and the way on."""
        posture = POSTURE[code]
        return ModelFailed(
            Rejection.INVALID_OUTPUT if is_quality(code) else Rejection.PROVIDER_ERROR,
            spent_micro_usd,
            code=code,
            posture=posture,
            retry_after_seconds=retry_after_seconds,
            further=self.further(Posture.NEXT_KEY if posture is Posture.NEXT_KEY else Posture.NEXT_PROVIDER),
        )


class Errand(Protocol):
    """What a route depends on, besides the size of the question."""

    @property
    def owner(self) -> str: ...
    @property
    def policy(self) -> RoutingPolicy: ...
    @property
    def complexity(self) -> float: ...
    @property
    def budget_micro_usd(self) -> int: ...
    @property
    def max_output_tokens(self) -> int: ...


class Router:
    """Decides once per expert and review; later questions of the same expert go down the same chain."""

    def __init__(
        self,
        providers: Providers,
        keys: KeyVault,
        prices: PriceBook,
        quota: Quota,
        limiter: Limiter,
        health: HealthStore,
        routes: Routes,
    ) -> None:
        self._provider = SharedReads[str, Provider](providers.get)
        self._active = SharedReads[None, list[Provider]](lambda _: providers.active())
        self._keys = SharedReads[str, list[ProviderKey]](lambda owner: keys.usable([owner, PLATFORM]))
        self._prices = prices
        self._quota = quota
        self._limiter = limiter
        self._health = SharedReads[None, dict[str, Health]](lambda _: health.all())
        self._routes = routes

    async def usable(self, owner: str) -> list[Place]:
        """Providers that a user may ask, each with every key that opens it."""
        providers, keys = await asyncio.gather(self._active(None), self._keys(owner))
        return [place for provider in providers for place in _places(provider, keys, owner)]

    async def routed(self, question: Consultation, material: Material) -> Routed:
        """The place of the route that a question is for.

        Raises:
            ModelFailed: nobody is left to ask.
        """
        decided = self._routes.decided(question.review_id, question.expert)
        decision, quota = await asyncio.gather(decided, self._quota.state(question.owner))
        if decision is None:
            decision = await self._decide(question, material, quota)
        if question.route_position >= len(decision.chain):
            raise ModelFailed(Rejection.NO_PROVIDER, code=CallFailure.NO_ROUTE, posture=Posture.STOP)
        stop = decision.chain[question.route_position]
        try:
            provider = await self._provider(stop.provider_id)
            sheet = self._prices.sheet(provider)
        except (ProviderUnknown, PriceUnknown):
            raise ModelFailed(
                Rejection.PROVIDER_ERROR,
                code=CallFailure.NO_ROUTE,
                posture=Posture.NEXT_PROVIDER,
                further=1 if question.route_position + 1 < len(decision.chain) else None,
            ) from None
        return Routed(decision, question.route_position, provider, sheet, quota)

    async def places(self, errand: Errand, size: QuestionSize) -> list[Routed]:
        """Whom to ask a question that belongs to no review, in order; the decision is not recorded.

        Raises:
            ModelFailed: nobody.
        """
        quota = await self._quota.state(errand.owner)
        decision = await self._chain(errand, size, quota)
        found = [await self._provider(stop.provider_id) for stop in decision.chain]
        return [
            Routed(decision, position, provider, self._prices.sheet(provider), quota)
            for position, provider in enumerate(found)
        ]

    async def _decide(self, question: Consultation, material: Material, quota: QuotaState) -> RouteDecision:
        decision = await self._chain(question, question_size(material.manifest, material.lines), quota)
        return await self._routes.record(question.review_id, question.expert, decision)

    async def _chain(self, errand: Errand, size: QuestionSize, quota: QuotaState) -> RouteDecision:
        """Whom to ask, by what is known now.

        Raises:
            ModelFailed: nobody. It is not kept: money or providers may be there the next time.
        """
        places, health = await asyncio.gather(self.usable(errand.owner), self._health(None))
        traffic = await self._limiter.traffic([_of(place) for place in places])
        candidates = tuple(
            self._candidate(place, errand, size, health.get(place[0].id), traffic.get(_of(place), Traffic()))
            for place in places
        )
        inputs = RoutingInputs(
            policy=errand.policy,
            complexity=errand.complexity,
            input_tokens=size.least_tokens,
            budget_micro_usd=errand.budget_micro_usd,
            headroom_micro_usd=quota.headroom_micro_usd,
            quota_pressure=quota.pressure,
            candidates=candidates,
        )
        decision = route(inputs)
        if not decision.chain:
            raise _nobody(decision, quota)
        return decision

    def _candidate(
        self, place: Place, errand: Errand, size: QuestionSize, health: Health | None, traffic: Traffic
    ) -> Candidate:
        """All that the rules may know of one place."""
        provider, key = place
        longest = min(errand.max_output_tokens, provider.max_output_tokens)
        try:
            sheet = self._prices.sheet(provider)
        except PriceUnknown:
            worst, expected = None, 0
        else:
            worst = worst_case_micro_usd(_bounds(provider, sheet), size.least_bytes, longest)
            likely = TokenUsage(input=size.least_tokens, output=min(longest, LIKELY_OUTPUT_TOKENS))
            expected = cost_micro_usd(sheet, likely)
        return Candidate(
            provider_id=provider.id,
            provider_name=provider.name,
            key_id=None if key is None else key.id,
            own_key=key is not None and key.owner == errand.owner,
            tier=provider.tier,
            quality=provider.quality,
            last_resort=provider.last_resort,
            context_tokens=max(provider.context_tokens - longest, 1),
            worst_case_micro_usd=worst,
            expected_micro_usd=expected,
            healthy=health is None or health.is_healthy,
            cooling_seconds=traffic.cooling_seconds,
            latency_p50_ms=traffic.latency_p50_ms,
            latency_p95_ms=traffic.latency_p95_ms,
            successes=traffic.successes,
            failures=traffic.failures,
        )


def _bounds(provider: Provider, sheet: PriceSheet) -> PriceSheet:
    """Prices that our calls can meet: all ask for the standard tier, and Anthropic caches only what it is asked to."""
    return asked_for(sheet, caches=provider.kind is not ProviderKind.ANTHROPIC)


def _places(provider: Provider, keys: Iterable[ProviderKey], owner: str) -> list[Place]:
    """A provider with every key that a user may open it with; the platform's only where it serves everybody."""
    if not provider.needs_key:
        return [(provider, None)] if provider.is_platform_provided else []
    fitting = [key for key in keys if key.provider_id == provider.id]
    return [(provider, key) for key in fitting if key.owner == owner or provider.is_platform_provided]


def _of(place: Place) -> tuple[str, str | None]:
    provider, key = place
    return provider.id, None if key is None else key.id


def _nobody(decision: RouteDecision, quota: QuotaState) -> ModelFailed:
    """Why there is no chain: the quota, the budget, or nobody at all."""
    reasons = {each.reason for each in decision.refused}
    if "over_quota" in reasons:
        # Of those alone that the quota is in the way of: another's price is no reason to wait, or not to.
        dear = {(each.provider_name, each.key_id) for each in decision.refused if each.reason == "over_quota"}
        candidates = decision.inputs.candidates
        costs = [each.worst_case_micro_usd or 0 for each in candidates if (each.provider_name, each.key_id) in dear]
        wait = seconds_until_reset(quota, datetime.now(UTC), min(costs))
        return ModelFailed(Rejection.QUOTA_EXCEEDED, code=CallFailure.QUOTA_EXCEEDED, retry_after_seconds=wait)
    if "over_budget" in reasons:
        return ModelFailed(Rejection.BUDGET_SPENT, code=CallFailure.NO_ROUTE, posture=Posture.STOP)
    return ModelFailed(Rejection.NO_PROVIDER, code=CallFailure.NO_ROUTE, posture=Posture.STOP)
