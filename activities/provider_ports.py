"""What asking models needs from the world, and how it may fail."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from models.call import Billing, CallFailure, TokenUsage
from models.health import Health, Probe
from models.pricing import PriceSheet
from models.provider import KeyState, Provider, ProviderKey
from models.quota import QuotaState
from models.reservation import Hold, Reservation, ReservationKey, Settlement, SweepReport
from models.routing import RouteDecision


class ProviderUnknown(Exception):
    """No such provider; asking again cannot help."""


class ProviderExists(Exception):
    """A provider of this name is in the catalogue already."""


class KeysStored(Exception):
    """Keys are stored for a provider, and what is wanted would leave them behind.

    Attributes:
        count: how many, of all owners.
    """

    def __init__(self, count: int) -> None:
        super().__init__("keys_stored")
        self.count = count


class KeyUnknown(Exception):
    """No such key, or it is revoked."""


class KeyUnreadable(Exception):
    """A stored key does not decrypt: it was changed, swapped, rolled back, or is bound to another endpoint."""


class PriceUnknown(Exception):
    """Neither the price library nor an override prices this model: it is refused, never free."""


class QuotaUnavailable(Exception):
    """Neither counters nor ledger can be asked; nothing may be spent meanwhile."""


class QuotaExceeded(Exception):
    """The worst case does not fit.

    Attributes:
        state: limits and use at the moment of the refusal.
        retry_after_seconds: until the period ends; None when it can never fit.
    """

    def __init__(self, state: QuotaState, retry_after_seconds: float | None) -> None:
        super().__init__("quota_exceeded")
        self.state = state
        self.retry_after_seconds = retry_after_seconds


class ReservationClosed(Exception):
    """The reservation was ended meanwhile, by the sweeper or a later delivery: nothing may be sent under it."""


class AlertUnknown(Exception):
    """No such alert."""


class ProcessesUnavailable(Exception):
    """Temporal cannot say what became of a workflow; it counts as running meanwhile."""


class ProviderBusy(Exception):
    """Our own limit of calls at once or per minute, or a cooldown, is in the way.

    Attributes:
        retry_after_seconds: when to try again.
    """

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("provider_busy")
        self.retry_after_seconds = retry_after_seconds


class CallFailed(Exception):
    """A call gave no usable answer. Carries codes and numbers, never text of the provider.

    Attributes:
        failure: what happened.
        billing: whether it costs.
        retry_after_seconds: what the provider asked for; None when it did not or made no sense.
        usage: tokens it counted, where `billing` is `used`.
        http_status: for the record.
    """

    def __init__(
        self,
        failure: CallFailure,
        billing: Billing = Billing.FREE,
        *,
        retry_after_seconds: float | None = None,
        usage: TokenUsage | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(failure)
        self.failure = failure
        self.billing = billing
        self.retry_after_seconds = retry_after_seconds
        self.usage = usage
        self.http_status = http_status


@dataclass(frozen=True, slots=True)
class ModelQuestion:
    """What is sent to a model. Lives in one process only: it holds code."""

    system: str
    prompt: str
    schema: Mapping[str, Any]
    """JSON schema of the answer, in the subset that strict structured output takes."""
    schema_name: str
    max_output_tokens: int

    @property
    def input_token_bound(self) -> int:
        """No tokeniser makes more tokens than there are bytes; the rest is for roles, separators and the schema."""
        import json

        texts = (self.system, self.prompt, json.dumps(self.schema))
        return sum(len(text.encode()) for text in texts) + 256


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What the provider's headers tell; None where they do not, or make no sense."""

    requests_remaining: int | None = None
    requests_reset_seconds: float | None = None
    tokens_remaining: int | None = None
    tokens_reset_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What came back. Lives in one process only."""

    text: str
    """JSON by the question's schema, as the provider sent it: not yet checked."""
    usage: TokenUsage
    model: str
    """As the provider names it."""
    latency_ms: int
    limits: RateLimits = field(default_factory=RateLimits)


class ModelWire(Protocol):
    """Speaks the providers' protocols. Never retries."""

    async def ask(self, provider: Provider, key: bytearray | None, question: ModelQuestion) -> ModelAnswer:
        """One request, one answer.

        Raises:
            CallFailed: anything else.
        """
        ...

    async def probe(self, provider: Provider, key: bytearray | None) -> Probe:
        """A sign of life: unbilled where the protocol has one, else one capped cheap call. Never raises."""
        ...


class Providers(Protocol):
    """The catalogue as it is stored."""

    async def active(self) -> list[Provider]: ...

    async def get(self, provider_id: str) -> Provider:
        """Raises ProviderUnknown."""
        ...


class KeyVault(Protocol):
    """Stored keys of users and of the platform."""

    async def usable(self, owners: Sequence[str]) -> list[ProviderKey]:
        """Active keys of these owners, oldest first."""
        ...

    def opened(self, key_id: str, provider: Provider) -> AbstractAsyncContextManager[bytearray]:
        """A key in clear for as long as the context lasts; the buffer is wiped at its end.

        Raises:
            KeyUnknown: no such key, or revoked.
            KeyUnreadable: it does not decrypt, or was not given for this provider's endpoint.
            KeyServiceUnavailable: the key service cannot be asked.
        """
        ...

    async def set_state(self, key_id: str, state: KeyState, reason: str | None, version: int | None = None) -> None:
        """Note how a key fares, if it still is of this version; a key that becomes invalid raises its alert."""
        ...


class PriceBook(Protocol):
    """Prices by provider."""

    def sheet(self, provider: Provider) -> PriceSheet:
        """Raises PriceUnknown."""
        ...


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer that was paid for, as it is kept."""

    reservation_id: str
    sealed: bytes
    """Encrypted."""


class Quota(Protocol):
    """Reservations: set aside before, booked after. The ledger is the truth, counters are in front of it.

    Every method raises QuotaUnavailable when the ledger cannot be asked.
    """

    async def state(self, user_id: str) -> QuotaState: ...

    async def reserve(self, hold: Hold) -> Reservation:
        """Set the hold's amount aside, or refuse; the same key again gives the same reservation.

        Raises:
            QuotaExceeded: it does not fit.
        """
        ...

    async def dispatch(self, reservation: Reservation) -> None:
        """Note that the question is about to leave us.

        Raises:
            ReservationClosed: it was ended meanwhile; nothing may be sent.
        """
        ...

    async def settle(self, reservation: Reservation, settlement: Settlement, sealed: bytes | None) -> None:
        """Book what a call cost and keep its answer, together; raise the alerts that this crosses. Once."""
        ...

    async def release(self, reservation: Reservation, failure: CallFailure) -> None:
        """Nothing was spent."""
        ...

    async def leave_unknown(self, reservation: Reservation, failure: CallFailure) -> None:
        """It was sent and nothing is known of the outcome: the hold stays until it is resolved."""
        ...

    async def answer(self, workflow_id: str, step: str, attempt: int) -> StoredAnswer | None:
        """The answer that an earlier delivery of the same call was given."""
        ...

    async def abandon_earlier(self, key: ReservationKey) -> None:
        """Close what earlier deliveries of the same call left open: reserved is released, dispatched is unknown."""
        ...


class Processes(Protocol):
    """What Temporal says of workflows."""

    async def is_closed(self, workflow_id: str) -> bool:
        """Whether the latest run has ended, or there is none.

        Raises:
            ProcessesUnavailable: Temporal cannot say.
        """
        ...


class ReservationSweeper(Protocol):
    """Ends what dead processes left open, and sets counters right."""

    async def sweep(self, grace_seconds: int, beat: Callable[[], None]) -> SweepReport:
        """One pass over everything that is open for longer than `grace_seconds`.

        Args:
            grace_seconds: a younger entry's workflow may not have been started yet.
            beat: called now and then while it lasts.

        Raises:
            StoreUnavailable: the ledger cannot be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was seen of a provider lately, over all workers."""

    cooling_seconds: float = 0.0
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    successes: int = 0
    failures: int = 0


class Limiter(Protocol):
    """Calls at once and per minute, cooldowns, and what was seen: shared by all workers."""

    def slot(self, provider: Provider, key_id: str | None, tokens: int) -> AbstractAsyncContextManager[None]:
        """The right to make one call now.

        Raises:
            ProviderBusy: not now.
        """
        ...

    async def cool(self, provider_id: str, key_id: str | None, seconds: float) -> None:
        """Ask nobody there for a while; a longer cooldown is never shortened."""
        ...

    async def note(
        self,
        provider_id: str,
        latency_ms: int,
        failure: CallFailure | None,
        limits: RateLimits,
        key_id: str | None = None,
        http_status: int | None = None,
    ) -> None:
        """What a call looked like; limits that are used up cool the key they belong to."""
        ...

    async def traffic(self, places: Sequence[tuple[str, str | None]]) -> Mapping[tuple[str, str | None], Traffic]:
        """By provider and key."""
        ...


class HealthStore(Protocol):
    """Where providers stand. Every method raises StoreUnavailable, unless it says otherwise."""

    async def all(self) -> dict[str, Health]: ...

    async def note(self, probe: Probe) -> Health:
        """Apply one look, mark the provider in Redis, and raise an alert when its health changed. Atomic.

        Raises:
            ProviderUnknown: it is not in the catalogue.
        """
        ...

    async def note_passive(
        self, provider_id: str, failure: CallFailure | None, latency_ms: int, http_status: int | None = None
    ) -> None:
        """What a real call says of its provider: outages in a row count like one bad probe. Never raises."""
        ...

    async def mark_all(self) -> None:
        """Write every mark in Redis anew from what is stored."""
        ...


class HealthMarks(Protocol):
    """Marks of unhealthy providers in Redis, for whoever wants to know quickly. No method raises."""

    async def mark(self, health: Mapping[str, bool]) -> None:
        """Set or remove the marks of these providers, by id: whether each is healthy."""
        ...

    async def outages(self, provider_id: str, outage: bool) -> int:
        """Count an outage that a real call met, or begin anew after a call that met none.

        Returns:
            Outages in a row, over all workers; 0 when it is not known.
        """
        ...


class AnswerSeal(Protocol):
    """Encrypts answers for our own store."""

    def seal(self, data: bytes, purpose: bytes) -> bytes: ...

    def unseal(self, sealed: bytes, purpose: bytes) -> bytes: ...


class Routes(Protocol):
    """Recorded decisions."""

    async def decided(self, review_id: str, expert: str) -> RouteDecision | None: ...

    async def record(self, review_id: str, expert: str, decision: RouteDecision) -> RouteDecision:
        """Keep a decision unless there is one; returns the one that stands."""
        ...
