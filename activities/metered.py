"""One question to one model with money set aside before and booked after, whatever crashes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from activities.call_surroundings import Surroundings, finished, mark_of
from activities.key_ports import KeyServiceRefused
from activities.ports import KeyServiceUnavailable, ModelFailed
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
from activities.routing import Routed
from models.call import Billing, CallFailure
from models.opinion import Rejection
from models.pricing import cost_micro_usd
from models.reservation import Hold, Reservation, ReservationKey, ReservationState, Settlement
from models.wire import Wire

Kept = TypeVar("Kept", bound=Wire)


@dataclass(frozen=True, slots=True)
class Account:
    """On whose account a question is asked, and the identity of what is paid."""

    key: ReservationKey
    owner: str
    """The user who pays."""
    review_id: str | None = None
    expert: str | None = None
    """Who asks, for the books."""

    @property
    def purpose(self) -> bytes:
        """What a kept answer is for: it opens as the answer to no other question."""
        return f"answer/{self.key.workflow_id}/{self.key.step}/{self.key.attempt}".encode()


class MeteredModels:
    """Asks whom a route names, at most once and for at most what was set aside."""

    def __init__(
        self,
        wire: ModelWire,
        keys: KeyVault,
        quota: Quota,
        limiter: Limiter,
        health: HealthStore,
        seal: AnswerSeal,
    ) -> None:
        self._wire = wire
        self._quota = quota
        self._seal = seal
        self._near = Surroundings(keys, limiter, health)

    async def resumed(self, account: Account, kind: type[Kept]) -> Kept | None:
        """The answer that an earlier try of this question was given; else what such tries left open is closed."""
        key = account.key
        stored = await self._quota.answer(key.workflow_id, key.step, key.attempt)
        if stored is not None:
            return kind.model_validate_json(self._seal.unseal(stored.sealed, account.purpose))
        await self._quota.abandon_earlier(key)
        return None

    async def ask(
        self,
        account: Account,
        routed: Routed,
        question: ModelQuestion,
        tokens: int,
        kept: Callable[[ModelAnswer, int], Kept],
    ) -> Kept:
        """Ask one model once.

        Args:
            account: who pays, for what.
            routed: whom.
            question: what is sent.
            tokens: of question and longest answer together, for rate limits.
            kept: makes of the answer and its cost in micro-USD what is kept of it.

        Raises:
            ModelFailed: there is no answer; it says where to go on.
            ReservationClosed: the money was given to another run of the same process, or taken back.
        """
        hold = _hold(account, routed, question)
        try:
            async with self._near.place(routed, tokens):
                reservation = await self._reserved(hold)
                answer = await self._call(reservation, routed, question)
                # What is paid is kept before anybody is told: a cancellation or a crash would lose it.
                spent = cost_micro_usd(routed.sheet, answer.usage)
                keeping = kept(answer, spent)
                sealed = self._seal.seal(keeping.model_dump_json().encode(), account.purpose)
                settlement = Settlement(usage=answer.usage, cost_micro_usd=spent)
                # Cost and answer in one transaction.
                await finished(self._quota.settle(reservation, settlement, sealed))
                await self._near.answered(routed, answer)
                return keeping
        except ProviderBusy as busy:
            raise routed.failed(CallFailure.BUSY, retry_after_seconds=busy.retry_after_seconds) from None
        except QuotaExceeded as over:
            raise ModelFailed(
                Rejection.QUOTA_EXCEEDED,
                code=CallFailure.QUOTA_EXCEEDED,
                retry_after_seconds=over.retry_after_seconds,
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


def _hold(account: Account, routed: Routed, question: ModelQuestion) -> Hold:
    """What to set aside: the worst case of this call.

    Each place further down the chain sets aside its own before it is asked. Theirs is not in this one: a call whose
    outcome stays unknown is booked at what was set aside, and cannot have cost what another place takes.
    """
    return Hold(
        key=account.key,
        user_id=account.owner,
        review_id=account.review_id,
        expert=account.expert,
        provider_id=routed.provider.id,
        key_id=routed.stop.key_id,
        amount_micro_usd=routed.worst_case_micro_usd(question),
        price=routed.sheet.model_dump(mode="json"),
    )
