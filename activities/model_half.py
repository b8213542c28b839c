"""The model halves of the experts: route, set aside, ask, keep and book, read."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from activities.ports import CallIdentity, Material, ModelFailed
from activities.provider_ports import (
    AnswerSeal,
    CallFailed,
    HealthStore,
    KeyUnknown,
    KeyUnreadable,
    KeyVault,
    Limiter,
    ModelAnswer,
    ModelQuestion,
    ModelWire,
    ProviderBusy,
    Quota,
    QuotaExceeded,
    RateLimits,
)
from activities.questions import Prepared, TooExpensive, prepared
from activities.routing import Routed, Router
from models.call import POSTURE, Billing, CallFailure, Posture
from models.health import KEY_IS_BAD
from models.kept_answer import KeptAnswer
from models.model_findings import AnswerInvalid, findings_of
from models.opinion import Consultation, Opinion, Rejection
from models.pricing import cost_micro_usd
from models.provider import KeyState
from models.reservation import Hold, Reservation, ReservationKey, Settlement
from models.traffic import cooldown_seconds

SPENT_KEY_RESTS_SECONDS = 3600.0
"""How long a key is left alone whose owner has reached a limit at the provider that names no end."""


class RoutedModels:
    """The port `ModelHalf`: one question, at most one paid call, whatever crashes."""

    def __init__(
        self,
        router: Router,
        wire: ModelWire,
        keys: KeyVault,
        quota: Quota,
        limiter: Limiter,
        health: HealthStore,
        seal: AnswerSeal,
    ) -> None:
        self._router = router
        self._wire = wire
        self._keys = keys
        self._quota = quota
        self._limiter = limiter
        self._health = health
        self._seal = seal

    async def consult(self, question: Consultation, call: CallIdentity, material: Material) -> Opinion:
        kept = await self._kept(question, call)
        if kept is None:
            kept = await self._ask(question, call, material)
        try:
            answer = findings_of(question.expert, kept.text, material.lines, kept.prompt_version, kept.shown)
        except AnswerInvalid:
            raise ModelFailed(
                Rejection.INVALID_OUTPUT,
                kept.cost_micro_usd,
                code=CallFailure.SCHEMA_VIOLATION,
                posture=POSTURE[CallFailure.SCHEMA_VIOLATION],
                further=kept.further,
            ) from None
        return Opinion(
            findings=answer.findings,
            dropped=answer.dropped,
            confidence=answer.confidence,
            spent_micro_usd=kept.cost_micro_usd,
            provider=kept.provider,
            last_resort=kept.last_resort,
            further=kept.further,
            unseen=kept.unseen,
        )

    async def _kept(self, question: Consultation, call: CallIdentity) -> KeptAnswer | None:
        """The answer that an earlier try of this call was given, and that is paid."""
        stored = await self._quota.answer(call.workflow_id, question.expert, question.attempt)
        if stored is None:
            return None
        return KeptAnswer.model_validate_json(self._seal.unseal(stored.sealed, _purpose(question, call)))

    async def _ask(self, question: Consultation, call: CallIdentity, material: Material) -> KeptAnswer:
        """Route, then ask whom the route names; every failure says where to go on."""
        identity = ReservationKey(
            workflow_id=call.workflow_id, step=question.expert, attempt=question.attempt, delivery=call.delivery
        )
        await self._quota.abandon_earlier(identity)
        routed = await self._router.routed(question, material)
        ready = self._prepared(question, material, routed)
        hold = self._hold(question, identity, routed, ready.question)
        try:
            async with self._limiter.slot(routed.provider, routed.stop.key_id, ready.estimated_tokens):
                reservation = await self._quota.reserve(hold)
                answer = await self._call(reservation, routed, ready.question)
                return await self._keep(reservation, routed, ready, answer, _purpose(question, call))
        except ProviderBusy as busy:
            raise routed.failed(CallFailure.BUSY, retry_after_seconds=busy.retry_after_seconds) from None
        except QuotaExceeded as spent:
            raise ModelFailed(
                Rejection.QUOTA_EXCEEDED,
                code=CallFailure.QUOTA_EXCEEDED,
                retry_after_seconds=spent.retry_after_seconds,
            ) from None

    @staticmethod
    def _prepared(question: Consultation, material: Material, routed: Routed) -> Prepared:
        room = routed.headroom_micro_usd
        budget = question.budget_micro_usd if room is None else min(question.budget_micro_usd, room)
        try:
            return prepared(question, material, routed.provider, routed.bounds, budget)
        except TooExpensive:
            raise ModelFailed(Rejection.BUDGET_SPENT, further=routed.further(Posture.NEXT_PROVIDER)) from None

    @staticmethod
    def _hold(question: Consultation, identity: ReservationKey, routed: Routed, sent: ModelQuestion) -> Hold:
        """What to set aside: the worst case of this call, and of those that follow it down the chain if it fails."""
        own = routed.worst_case_micro_usd(sent)
        limit = question.budget_micro_usd
        following = [each.worst_case_micro_usd for each in routed.following if each.worst_case_micro_usd <= limit]
        return Hold(
            key=identity,
            user_id=question.owner,
            review_id=question.review_id,
            expert=question.expert,
            provider_id=routed.provider.id,
            key_id=routed.stop.key_id,
            amount_micro_usd=max([own, *following]),
            price=routed.sheet.model_dump(mode="json"),
        )

    async def _call(self, reservation: Reservation, routed: Routed, sent: ModelQuestion) -> ModelAnswer:
        """The one request; whatever becomes of it, the reservation says so."""
        began = time.monotonic()
        dispatched = False
        try:
            async with self._opened(routed) as key:
                await self._quota.dispatch(reservation)
                dispatched = True
                answer = await self._wire.ask(routed.provider, key, sent)
        except CallFailed as error:
            await asyncio.shield(self._book_failure(reservation, routed, error, began))
            raise AssertionError("unreachable") from None
        except (KeyUnknown, KeyUnreadable):
            await self._quota.release(reservation, CallFailure.KEY_UNREADABLE)
            raise routed.failed(CallFailure.KEY_UNREADABLE) from None
        except BaseException:
            # Cancelled, or a part of ours is down: what left us may have been answered.
            code = CallFailure.TIMEOUT if dispatched else CallFailure.QUOTA_UNAVAILABLE
            close = self._quota.leave_unknown if dispatched else self._quota.release
            await asyncio.shield(close(reservation, code))
            raise
        await self._limiter.note(routed.provider.id, answer.latency_ms, None, answer.limits, routed.stop.key_id)
        await self._health.note_passive(routed.provider.id, None, answer.latency_ms)
        return answer

    @asynccontextmanager
    async def _opened(self, routed: Routed) -> AsyncGenerator[bytearray | None, None]:
        if routed.stop.key_id is None:
            yield None
            return
        async with self._keys.opened(routed.stop.key_id, routed.provider) as key:
            yield key

    async def _book_failure(self, reservation: Reservation, routed: Routed, error: CallFailed, began: float) -> None:
        """Book a call that gave nothing usable, tell the others of it, and say where to go on.

        Raises:
            ModelFailed: always.
        """
        spent = 0
        if error.billing is Billing.FREE:
            await self._quota.release(reservation, error.failure)
        elif error.billing is Billing.USED and error.usage is not None:
            spent = cost_micro_usd(routed.sheet, error.usage)
            settlement = Settlement(usage=error.usage, cost_micro_usd=spent, useful=False)
            await self._quota.settle(reservation, settlement, None)
        else:
            # Until it is resolved it counts as if all of it were gone.
            spent = reservation.hold.amount_micro_usd
            await self._quota.leave_unknown(reservation, error.failure)
        await self._tell(routed, error, round((time.monotonic() - began) * 1000))
        raise routed.failed(error.failure, spent, retry_after_seconds=error.retry_after_seconds)

    async def _tell(self, routed: Routed, error: CallFailed, latency_ms: int) -> None:
        """What other calls should know: of the provider, or of the key alone."""
        provider_id, key_id = routed.provider.id, routed.stop.key_id
        await self._limiter.note(provider_id, latency_ms, error.failure, RateLimits(), key_id, error.http_status)
        await self._health.note_passive(provider_id, error.failure, latency_ms, error.http_status)
        if error.failure in KEY_IS_BAD and key_id is not None:
            await self._keys.set_state(key_id, KeyState.INVALID, error.failure)
            return
        rest = cooldown_seconds(error.failure, error.retry_after_seconds)
        if error.failure is CallFailure.SPEND_LIMIT:
            rest = error.retry_after_seconds or SPENT_KEY_RESTS_SECONDS
        if rest is not None:
            await self._limiter.cool(provider_id, key_id, rest)

    async def _keep(
        self, reservation: Reservation, routed: Routed, ready: Prepared, answer: ModelAnswer, purpose: bytes
    ) -> KeptAnswer:
        """Store the answer and book its cost, in one transaction, before anything else can go wrong."""
        kept = KeptAnswer(
            text=answer.text,
            cost_micro_usd=cost_micro_usd(routed.sheet, answer.usage),
            provider=routed.provider.name,
            last_resort=routed.stop.degraded,
            further=routed.further(Posture.NEXT_PROVIDER),
            prompt_version=ready.prompt_version,
            shown=dict(ready.shown),
            unseen=ready.unseen,
        )
        sealed = self._seal.seal(kept.model_dump_json().encode(), purpose)
        settlement = Settlement(usage=answer.usage, cost_micro_usd=kept.cost_micro_usd)
        await asyncio.shield(self._quota.settle(reservation, settlement, sealed))
        return kept


def _purpose(question: Consultation, call: CallIdentity) -> bytes:
    """What a kept answer is for: it opens as the answer to no other question."""
    return f"answer/{call.workflow_id}/{question.expert}/{question.attempt}".encode()
