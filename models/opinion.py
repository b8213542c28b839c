"""The model half of an expert: what is asked, what comes back, and whether it is accepted."""

from enum import StrEnum

from pydantic import Field

from models.call import CallFailure, Posture
from models.config import BacktrackConfig
from models.expert import ExpertFinding, ExpertName
from models.routing import RoutingPolicy
from models.source import FilePath
from models.wire import Slug, Wire


class Rejection(StrEnum):
    """Why a model's result is not accepted; the reason goes into the next prompt."""

    PROVIDER_ERROR = "provider_error"
    INVALID_OUTPUT = "invalid_output"
    LOW_CONFIDENCE = "low_confidence"
    REJECTED_BY_META = "rejected_by_meta"
    BUDGET_SPENT = "budget_spent"
    QUOTA_EXCEEDED = "quota_exceeded"
    NO_PROVIDER = "no_provider"
    """Nobody is left whom the user may ask and who could answer."""


class Consultation(Wire):
    """One question to one model, by ids: the code is read from the store by whoever asks the provider."""

    review_id: str
    source_id: str
    owner: str = "local"
    """The user who pays."""
    expert: ExpertName
    attempt: int = Field(ge=1)
    """Counts up over the whole review; each attempt is asked and stored once."""
    route_position: int = Field(ge=0)
    """How far down the fallback chain; 0 is the first provider of the route."""
    budget_micro_usd: int = Field(ge=0)
    rejection: Rejection | None = None
    """Why the previous attempt was not accepted."""
    earlier: tuple[ExpertName, ...] = ()
    """Experts whose findings the prompt may show (pipeline mode)."""
    policy: RoutingPolicy = RoutingPolicy()
    complexity: float = Field(default=0.0, ge=0, le=1)
    max_output_tokens: int = Field(default=4_000, ge=1)
    prompt: Slug | None = None
    """Version of the prompt; None: the current one."""


class Opinion(Wire):
    """A model's answer after validation by code."""

    findings: tuple[ExpertFinding, ...] = ()
    dropped: dict[Slug, int] = Field(default_factory=dict)
    """Findings of the answer that are not shown, by reason."""
    confidence: float = Field(ge=0, le=1)
    """The model's confidence in its answer as a whole."""
    spent_micro_usd: int = Field(default=0, ge=0)
    provider: Slug | None = None
    """Who answered."""
    last_resort: bool = False
    """Who answered is asked only when nobody better is left."""
    further: int | None = Field(default=None, ge=1)
    """Places down the chain to the next provider; None when this was the last."""
    unseen: tuple[FilePath, ...] = ()
    """Files under review that the model was not shown whole, because they did not fit."""
    cached: bool = False
    """The answer was paid by an earlier try and read again after a crash: no measure of latency or cost."""


class OpinionSummary(Wire):
    """What the workflow needs to know of an opinion: no content."""

    failure: Rejection | None = None
    """Why there is none; None when there is an opinion."""
    code: CallFailure | None = None
    """What happened to the call, where one failed."""
    posture: Posture | None = None
    """What may be done about the failure."""
    retry_after_seconds: float | None = Field(default=None, ge=0)
    """How long the provider, or the end of the quota's period, asks us to wait."""
    further: int | None = Field(default=None, ge=1)
    """Places down the chain to whom to ask next; None when nobody is left."""
    findings: int = Field(default=0, ge=0)
    dropped: dict[Slug, int] = Field(default_factory=dict)
    confidence: float = Field(default=0.0, ge=0, le=1)
    spent_micro_usd: int = Field(default=0, ge=0)
    last_resort: bool = False


def rejection_of(opinion: OpinionSummary, config: BacktrackConfig) -> Rejection | None:
    """The acceptance check: why an opinion is not accepted, or None when it is."""
    if opinion.failure is not None:
        return opinion.failure
    if opinion.dropped and not opinion.findings:
        return Rejection.INVALID_OUTPUT
    if opinion.confidence < config.min_confidence:
        return Rejection.LOW_CONFIDENCE
    return None
