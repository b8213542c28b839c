"""Ports that are measured: the same behaviour, with a note of how it went."""

from collections.abc import Sequence
from time import perf_counter

from activities.comparison_ports import Comparer, StoredComparison
from activities.ports import Analyst, SourceTree, StoreUnavailable
from activities.provider_ports import (
    CallFailed,
    ModelAnswer,
    ModelQuestion,
    ModelWire,
    Providers,
    ProviderUnknown,
    Quota,
    QuotaExceeded,
    Routes,
    StoredAnswer,
)
from activities.telemetry_ports import Meters, Tracer
from models import measuring
from models.call import CallFailure
from models.comparison import ComparisonReport
from models.expert import ExpertName, StaticResult
from models.health import Probe
from models.metrics import COST, OTHER, RESERVATIONS, Booking, Measurement, Usefulness
from models.provider import Provider
from models.quota import QuotaState
from models.reservation import Hold, Reservation, ReservationKey, Settlement
from models.routing import RouteDecision


class MeasuredWire:
    """A `ModelWire` whose calls are counted, timed and traced."""

    def __init__(self, wire: ModelWire, meters: Meters, tracer: Tracer) -> None:
        self._wire = wire
        self._meters = meters
        self._tracer = tracer

    async def ask(self, provider: Provider, key: bytearray | None, question: ModelQuestion) -> ModelAnswer:
        began = perf_counter()
        with self._tracer.model_call(provider.kind, provider.model, question.max_output_tokens) as span:
            try:
                answer = await self._wire.ask(provider, key, question)
            except CallFailed as failed:
                span.failed(failed.failure)
                self._meters.note(measuring.of_call(provider.name, failed.failure, failed.usage, 0.0))
                raise
            span.answered(answer.usage.total - answer.usage.output, answer.usage.output)
        self._meters.note(measuring.of_call(provider.name, None, answer.usage, perf_counter() - began))
        return answer

    async def probe(self, provider: Provider, key: bytearray | None) -> Probe:
        probe = await self._wire.probe(provider, key)
        self._meters.note([measuring.of_probe(provider.name, probe)])
        return probe


class MeasuredRoutes:
    """`Routes` whose decisions are counted."""

    def __init__(self, routes: Routes, meters: Meters) -> None:
        self._routes = routes
        self._meters = meters

    async def decided(self, review_id: str, expert: str) -> RouteDecision | None:
        return await self._routes.decided(review_id, expert)

    async def record(self, review_id: str, expert: str, decision: RouteDecision) -> RouteDecision:
        standing = await self._routes.record(review_id, expert, decision)
        self._meters.note(measuring.of_route(standing))
        return standing


class MeasuredQuota:
    """A `Quota` whose reservations and costs are counted."""

    def __init__(self, quota: Quota, meters: Meters, providers: Providers) -> None:
        """Wrap.

        Args:
            quota: the real one.
            meters: where the numbers go.
            providers: reservations know their provider by its id alone.
        """
        self._quota = quota
        self._meters = meters
        self._providers = providers
        self._names: dict[str, str] = {}

    async def state(self, user_id: str) -> QuotaState:
        return await self._quota.state(user_id)

    async def reserve(self, hold: Hold) -> Reservation:
        try:
            reservation = await self._quota.reserve(hold)
        except QuotaExceeded:
            self._booked(Booking.REFUSED)
            raise
        self._booked(Booking.GRANTED)
        return reservation

    async def dispatch(self, reservation: Reservation) -> None:
        await self._quota.dispatch(reservation)

    async def settle(self, reservation: Reservation, settlement: Settlement, sealed: bytes | None) -> None:
        await self._quota.settle(reservation, settlement, sealed)
        self._booked(Booking.SETTLED)
        use = Usefulness.USEFUL if settlement.useful else Usefulness.UNUSABLE
        provider = await self._name(reservation.hold.provider_id)
        self._meters.note([Measurement(COST, settlement.cost_micro_usd, {"provider": provider, "use": use})])

    async def release(self, reservation: Reservation, failure: CallFailure) -> None:
        await self._quota.release(reservation, failure)
        self._booked(Booking.RELEASED)

    async def leave_unknown(self, reservation: Reservation, failure: CallFailure) -> None:
        await self._quota.leave_unknown(reservation, failure)
        self._booked(Booking.UNKNOWN)

    async def answer(self, workflow_id: str, step: str, attempt: int) -> StoredAnswer | None:
        return await self._quota.answer(workflow_id, step, attempt)

    async def abandon_earlier(self, key: ReservationKey) -> None:
        await self._quota.abandon_earlier(key)

    def _booked(self, booking: Booking) -> None:
        self._meters.note([Measurement(RESERVATIONS, 1, {"booking": booking})])

    async def _name(self, provider_id: str) -> str:
        if provider_id not in self._names:
            try:
                self._names[provider_id] = (await self._providers.get(provider_id)).name
            except (ProviderUnknown, StoreUnavailable):
                return OTHER
        return self._names[provider_id]


class MeasuredAnalyst:
    """An `Analyst` whose failed analysers are counted."""

    def __init__(self, analyst: Analyst, meters: Meters) -> None:
        self._analyst = analyst
        self._meters = meters

    async def analyse(self, expert: ExpertName, tree: SourceTree, tools_off: Sequence[str] = ()) -> StaticResult:
        result = await self._analyst.analyse(expert, tree, tools_off)
        self._meters.note(measuring.of_analysis(result))
        return result


class MeasuredComparer:
    """A `Comparer` whose tests are counted."""

    def __init__(self, comparer: Comparer, meters: Meters) -> None:
        self._comparer = comparer
        self._meters = meters

    async def report(self, comparison: StoredComparison) -> ComparisonReport:
        report = await self._comparer.report(comparison)
        self._meters.note(measuring.of_comparison(report))
        return report
