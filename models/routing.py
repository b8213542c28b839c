"""Which provider is asked, and who is asked when that one fails: a pure function of recorded inputs."""

from enum import StrEnum

from pydantic import Field

from models.provider import ModelTier, ProviderName
from models.review import ReviewProfile
from models.wire import Slug, Wire


class Strategy(StrEnum):
    """One way to rank providers; a policy names several, the most important first."""

    COMPLEXITY = "complexity"
    """The tier that fits the score of the task comes first."""
    HEALTH = "health"
    """Unhealthy providers come last."""
    COST = "cost"
    """Cheapest that meets the quality floor; cheaper tiers when the quota is near its limit."""
    LATENCY = "latency"
    """Interactive prefers fast, by measured p50 and p95; batch prefers cheap."""
    SUCCESS_RATE = "success-rate"
    """Measured share of good answers, with a prior."""


DEFAULT_STRATEGIES = (
    Strategy.HEALTH,
    Strategy.COMPLEXITY,
    Strategy.COST,
    Strategy.LATENCY,
    Strategy.SUCCESS_RATE,
)


class RoutingPolicy(Wire):
    """How routes are made for one review."""

    strategies: tuple[Strategy, ...] = DEFAULT_STRATEGIES
    profile: ReviewProfile = ReviewProfile.INTERACTIVE
    providers: tuple[ProviderName, ...] = ()
    """Only these, in this order of preference; empty: all that the user may use."""
    quality_floor: float = Field(default=0.3, ge=0, le=1)
    """Providers with less quality are asked only when nothing else is left."""


class Candidate(Wire):
    """One provider with one key, and all that routing may know of it."""

    provider_id: str
    provider_name: ProviderName
    key_id: str | None = None
    """None: the endpoint takes no key."""
    own_key: bool = False
    """The key is the user's, not the platform's."""
    tier: ModelTier
    quality: float = Field(ge=0, le=1)
    last_resort: bool = False
    context_tokens: int = Field(ge=1)
    worst_case_micro_usd: int | None = Field(default=None, ge=0)
    """Most that one call can cost; None: the price is unknown, which refuses."""
    expected_micro_usd: int = Field(default=0, ge=0)
    """Likely cost of one call."""
    healthy: bool = True
    cooling_seconds: float = Field(default=0.0, ge=0)
    """Seconds until a rate limit or a circuit lets it be asked again."""
    latency_p50_ms: float | None = Field(default=None, ge=0)
    latency_p95_ms: float | None = Field(default=None, ge=0)
    successes: int = Field(default=0, ge=0)
    failures: int = Field(default=0, ge=0)


class RoutingInputs(Wire):
    """Everything a decision is made from; recorded with it, so that it can be replayed."""

    policy: RoutingPolicy
    complexity: float = Field(ge=0, le=1)
    input_tokens: int = Field(ge=0)
    """Likely tokens of the question, for the context sizes."""
    budget_micro_usd: int = Field(ge=0)
    headroom_micro_usd: int | None = None
    """What the user's quota still allows; None: no limit."""
    quota_pressure: float = Field(default=0.0, ge=0, le=1)
    candidates: tuple[Candidate, ...]
    """No two with the same provider and key."""


class RouteStop(Wire):
    """One place in the chain."""

    provider_id: str
    provider_name: ProviderName
    key_id: str | None = None
    own_key: bool = False
    tier: ModelTier
    worst_case_micro_usd: int = Field(ge=0)
    degraded: bool = False
    """Last resort: what it says is marked degraded."""
    scores: dict[Slug, float] = Field(default_factory=dict)
    """By strategy, 0 worst to 1 best."""
    reasons: tuple[Slug, ...] = ()


class RefusedCandidate(Wire):
    """A candidate that is not in the chain, and why."""

    provider_name: ProviderName
    key_id: str | None = None
    reason: Slug


class RouteDecision(Wire):
    """The ordered fallback chain with its inputs."""

    inputs: RoutingInputs
    chain: tuple[RouteStop, ...] = ()
    refused: tuple[RefusedCandidate, ...] = ()
