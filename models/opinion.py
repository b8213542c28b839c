"""The model half of an expert: what is asked, what comes back, and whether it is accepted."""

from enum import StrEnum

from pydantic import Field

from models.config import BacktrackConfig
from models.expert import ExpertFinding, ExpertName
from models.wire import Slug, Wire


class Rejection(StrEnum):
    """Why a model's result is not accepted; the reason goes into the next prompt."""

    PROVIDER_ERROR = "provider_error"
    INVALID_OUTPUT = "invalid_output"
    LOW_CONFIDENCE = "low_confidence"
    REJECTED_BY_META = "rejected_by_meta"
    BUDGET_SPENT = "budget_spent"


class Consultation(Wire):
    """One question to one model, by ids: the code is read from the store by whoever asks the provider."""

    review_id: str
    source_id: str
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


class Opinion(Wire):
    """A model's answer after validation by code."""

    findings: tuple[ExpertFinding, ...] = ()
    confidence: float = Field(ge=0, le=1)
    """The model's confidence in its answer as a whole."""
    spent_micro_usd: int = Field(default=0, ge=0)


class OpinionSummary(Wire):
    """What the workflow needs to know of an opinion: no content."""

    failure: Rejection | None = None
    """Provider error or invalid output; None when there is an opinion."""
    findings: int = Field(default=0, ge=0)
    dropped: dict[Slug, int] = Field(default_factory=dict)
    confidence: float = Field(default=0.0, ge=0, le=1)
    spent_micro_usd: int = Field(default=0, ge=0)


def rejection_of(opinion: OpinionSummary, config: BacktrackConfig) -> Rejection | None:
    """The acceptance check: why an opinion is not accepted, or None when it is."""
    if opinion.failure is not None:
        return opinion.failure
    if opinion.dropped and not opinion.findings:
        return Rejection.INVALID_OUTPUT
    if opinion.confidence < config.min_confidence:
        return Rejection.LOW_CONFIDENCE
    return None
