"""The policy gate: what it is told, and what it says. The rules themselves are Rego, beside the engines."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from models.wire import Slug, Wire

PolicyHash = Annotated[str, StringConstraints(pattern=r"^policy:v1:sha256:[0-9a-f]{64}$")]
"""Names a policy by its text."""


class PolicyName(StrEnum):
    """The policies that are shipped."""

    DEFAULT = "default"
    """The literal thresholds: accuracy > 0.85, error rate < 0.05, cost increase < 20 %."""
    STRICT = "strict"
    """The same thresholds, asked of the confidence bounds."""


class Outcome(StrEnum):
    """What the gate says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    """Too little data to say either; `Decision.further_samples` says how much more."""


class GateInput(Wire):
    """Facts for the policy. None where a number could not be had: a policy must deny then, and say so."""

    experiment_id: str
    config_hash: str
    dataset_hash: str
    policy_hash: str
    n: int = Field(ge=0)
    """Samples that were judged, errors included."""
    accuracy: float | None = None
    accuracy_low: float | None = None
    """Lower 95 % bound, one-sided (Wilson)."""
    accuracy_high: float | None = None
    """Upper 95 % bound, one-sided (Wilson)."""
    error_rate: float | None = None
    error_rate_low: float | None = None
    """Lower 95 % bound, one-sided (Clopper-Pearson)."""
    error_rate_high: float | None = None
    """Upper 95 % bound, one-sided (Clopper-Pearson)."""
    cost_micro_usd: int | None = None
    """Mean cost of an analysis."""
    baseline_cost_micro_usd: int | None = None
    """That of the stable configuration on the same dataset; None: it was never measured there."""
    cost_increase: float | None = None
    """Computed once, with Decimal: (cost - baseline) / baseline; 0 when both are 0; None when it has no meaning."""
    cost_increase_high: float | None = None
    """Upper 95 % bound, one-sided."""
    ai_verdict: Slug | None = None


class Denial(Wire):
    """One reason not to pass."""

    id: Slug
    """`accuracy_below`, `accuracy_missing`, `too_few_samples`, ..."""
    metric: Slug
    observed: float | None = None
    bound: float | None = None
    limit: Slug = "none"
    """How observed and bound are compared: `gt`, `lt`, `ge`, `none`."""
    conclusive: bool = True
    """False: more samples could change it."""


class Decision(Wire):
    """What a policy decided about one experiment."""

    outcome: Outcome
    denials: tuple[Denial, ...] = ()
    policy: PolicyName
    policy_hash: PolicyHash
    engine: Slug
    """`opa` or `regopy`."""
    input_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the canonical JSON of the input."""
    further_samples: int | None = Field(default=None, ge=1)
    """Of an inconclusive outcome: about how many more, at the rate observed."""
    decision_id: str | None = Field(default=None, max_length=80)
    """OPA's own, where it gave one."""


def allowed(result: Any) -> bool:
    """Whether an engine's answer allows: only the boolean `true` of a well-formed object does."""
    return isinstance(result, dict) and result.get("allow") is True  # pyright: ignore[reportUnknownMemberType]
