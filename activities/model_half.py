"""The model halves of the experts: route, set aside, ask, keep and book, read."""

import time
from datetime import UTC, datetime

from activities.call_surroundings import Surroundings, finished, mark_of
from activities.key_ports import KeyServiceRefused
from activities.ports import CallIdentity, KeyServiceUnavailable, Material, ModelFailed
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
    ReservationClosed,
)
from activities.questions import Prepared, TooExpensive, WindowTooSmall, prepared
from activities.routing import Routed, Router
from models.call import POSTURE, Billing, CallFailure, Posture
from models.kept_answer import KeptAnswer
from models.model_findings import AnswerInvalid, findings_of
from models.opinion import Consultation, Opinion, Rejection
from models.pricing import cost_micro_usd
from models.quota import seconds_until_reset
from models.reservation import Hold, Reservation, ReservationKey, ReservationState, Settlement


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
        self._quota = quota
        self._seal = seal
        self._near = Surroundings(keys, limiter, health)

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
            async with self._near.place(routed, ready.estimated_tokens):
                reservation = await self._reserved(hold)
                answer = await self._call(reservation, routed, ready.question)
                # What is paid is kept before anybody is told: a cancellation or a crash would lose it.
                kept = await self._keep(reservation, routed, ready, answer, _purpose(question, call))
                await self._near.answered(routed, answer)
                return kept
        except ProviderBusy as busy:
            raise routed.failed(CallFailure.BUSY, retry_after_seconds=busy.retry_after_seconds) from None
        except QuotaExceeded as spent:
            raise ModelFailed(
                Rejection.QUOTA_EXCEEDED,
                code=CallFailure.QUOTA_EXCEEDED,
                retry_after_seconds=spent.retry_after_seconds,
            ) from None

    async def _reserved(self, hold: Hold) -> Reservation:
        """Money set aside for this call alone.

        Raises:
            ReservationClosed: an earlier run of the same workflow (it was reset, or started anew) got further with
                it: what that run sent may be billed, and its entry pays for nothing else.
        """
        reservation = await self._quota.reserve(hold)
        if reservation.state is not ReservationState.RESERVED:
            await self._quota.leave_unknown(reservation, CallFailure.TIMEOUT)
            raise ReservationClosed
        return reservation

    @staticmethod
    def _prepared(question: Consultation, material: Material, routed: Routed) -> Prepared:
        """The question, as large as budget and quota allow."""
        room = routed.quota.headroom_micro_usd
        budget = question.budget_micro_usd if room is None else min(question.budget_micro_usd, room)
        further = routed.further(Posture.NEXT_PROVIDER)
        try:
            return prepared(question, material, routed.provider, routed.sheet, budget)
        except WindowTooSmall:
            raise routed.failed(CallFailure.CONTEXT_TOO_LONG) from None
        except TooExpensive:
            if budget == question.budget_micro_usd or further is not None:
                raise ModelFailed(Rejection.BUDGET_SPENT, further=further) from None
        try:
            affordable = prepared(question, material, routed.provider, routed.sheet, question.budget_micro_usd)
        except TooExpensive:
            raise ModelFailed(Rejection.BUDGET_SPENT) from None
        least = min(routed.stop.worst_case_micro_usd, routed.worst_case_micro_usd(affordable.question))
        wait = seconds_until_reset(routed.quota, datetime.now(UTC), least)
        raise ModelFailed(Rejection.QUOTA_EXCEEDED, code=CallFailure.QUOTA_EXCEEDED, retry_after_seconds=wait)

    @staticmethod
    def _hold(question: Consultation, identity: ReservationKey, routed: Routed, sent: ModelQuestion) -> Hold:
        """What to set aside: the worst case of this call.

        Each place further down the chain sets aside its own before it is asked. Theirs is not in this one: a call
        whose outcome stays unknown is booked at what was set aside, and cannot have cost what another place takes.
        """
        return Hold(
            key=identity,
            user_id=question.owner,
            review_id=question.review_id,
            expert=question.expert,
            provider_id=routed.provider.id,
            key_id=routed.stop.key_id,
            amount_micro_usd=routed.worst_case_micro_usd(sent),
            price=routed.sheet.model_dump(mode="json"),
        )

    async def _call(self, reservation: Reservation, routed: Routed, sent: ModelQuestion) -> ModelAnswer:
        """The one request; whatever becomes of it, the reservation says so."""
        began = time.monotonic()
        dispatched = False
        mark = b""
        try:
            async with self._near.opened(routed) as key:
                mark = mark_of(key)
                await self._quota.dispatch(reservation)
                dispatched = True
                return await self._wire.ask(routed.provider, key, sent)
        except CallFailed as error:
            spent = await finished(self._book_failure(reservation, routed, error))
            await self._near.failed(
                reservation.hold.user_id, routed, error, round((time.monotonic() - began) * 1000), mark
            )
            raise routed.failed(error.failure, spent, retry_after_seconds=error.retry_after_seconds) from None
        except (KeyUnknown, KeyUnreadable, KeyServiceRefused):
            await self._quota.release(reservation, CallFailure.KEY_UNREADABLE)
            raise routed.failed(CallFailure.KEY_UNREADABLE) from None
        except ReservationClosed:
            # Whoever ended it knows more: giving it back could hide a call that is billed.
            raise
        except BaseException as error:
            # Cancelled, or a part of ours is down: what left us may have been answered.
            kek = isinstance(error, KeyServiceUnavailable)
            before = CallFailure.KEK_UNAVAILABLE if kek else CallFailure.QUOTA_UNAVAILABLE
            code = CallFailure.TIMEOUT if dispatched else before
            close = self._quota.leave_unknown if dispatched else self._quota.release
            await finished(close(reservation, code))
            raise

    async def _book_failure(self, reservation: Reservation, routed: Routed, error: CallFailed) -> int:
        """Book a call that gave nothing usable; returns what it counts for in micro-USD."""
        if error.billing is Billing.FREE:
            await self._quota.release(reservation, error.failure)
            return 0
        if error.billing is Billing.USED and error.usage is not None:
            spent = cost_micro_usd(routed.sheet, error.usage)
            settlement = Settlement(usage=error.usage, cost_micro_usd=spent, useful=False)
            await self._quota.settle(reservation, settlement, None)
            return spent
        # Until it is resolved it counts as if all of it were gone.
        await self._quota.leave_unknown(reservation, error.failure)
        return reservation.hold.amount_micro_usd

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
        await finished(self._quota.settle(reservation, settlement, sealed))
        return kept


def _purpose(question: Consultation, call: CallIdentity) -> bytes:
    """What a kept answer is for: it opens as the answer to no other question."""
    return f"answer/{call.workflow_id}/{question.expert}/{question.attempt}".encode()
