"""The model halves of the experts: route, ask whom the route names, read."""

from datetime import UTC, datetime

from activities.metered import Account, MeteredModels
from activities.ports import CallIdentity, Material, ModelFailed
from activities.provider_ports import AnswerSeal, HealthStore, KeyVault, Limiter, ModelAnswer, ModelWire, Quota
from activities.questions import Prepared, TooExpensive, WindowTooSmall, prepared
from activities.routing import Routed, Router
from models.call import POSTURE, CallFailure, Posture
from models.kept_answer import KeptAnswer
from models.model_findings import AnswerInvalid, findings_of
from models.opinion import Consultation, Opinion, Rejection
from models.quota import seconds_until_reset
from models.reservation import ReservationKey


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
        self._metered = MeteredModels(wire, keys, quota, limiter, health, seal)

    async def consult(self, question: Consultation, call: CallIdentity, material: Material) -> Opinion:
        key = ReservationKey(
            workflow_id=call.workflow_id, step=question.expert, attempt=question.attempt, delivery=call.delivery
        )
        account = Account(key, question.owner, question.review_id, question.expert)
        resumed = await self._metered.resumed(account, KeptAnswer)
        kept = resumed
        if kept is None:
            kept = await self._ask(question, account, material)
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
            cached=resumed is not None,
        )

    async def _ask(self, question: Consultation, account: Account, material: Material) -> KeptAnswer:
        """Route, then ask whom the route names; every failure says where to go on."""
        routed = await self._router.routed(question, material)
        ready = self._prepared(question, material, routed)

        def kept(answer: ModelAnswer, spent_micro_usd: int) -> KeptAnswer:
            return KeptAnswer(
                text=answer.text,
                cost_micro_usd=spent_micro_usd,
                provider=routed.provider.name,
                last_resort=routed.stop.degraded,
                further=routed.further(Posture.NEXT_PROVIDER),
                prompt_version=ready.prompt_version,
                shown=dict(ready.shown),
                unseen=ready.unseen,
            )

        return await self._metered.ask(account, routed, ready.question, ready.estimated_tokens, kept)

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
