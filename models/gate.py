"""The policy gate: what it is told, and what it says. The rules themselves are Rego, beside the engines."""

from enum import StrEnum
from typing import Annotated

import rfc8785
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


EXACT = 2**53 - 1
"""Integers up to it are the same number in every engine."""
MicroUsd = Annotated[int, Field(ge=0, le=EXACT)]


class GateInput(Wire):
    """Facts for the policy. None where a number could not be had: a policy must deny then, and say so."""

    experiment_id: str
    config_hash: str
    dataset_hash: str
    policy_hash: str
    n: int = Field(ge=0, le=EXACT)
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
    cost_micro_usd: MicroUsd | None = None
    """Mean cost of an analysis."""
    baseline_cost_micro_usd: MicroUsd | None = None
    """That of the stable configuration on the same dataset; None: it was never measured there."""
    cost_increase: float | None = None
    """(cost - baseline) / baseline of these two integers, computed once, with Decimal: same sign as cost - baseline.

    0 when nothing was paid, before or now; None when it has no meaning.
    """
    cost_increase_low: float | None = None
    """Lower end of the 95 % interval of the mean cost, as an increase; the baseline counts as known."""
    cost_increase_high: float | None = None
    """Its upper end."""
    ai_verdict: Slug | None = None

    @property
    def document(self) -> bytes:
        """Canonical JSON (RFC 8785), the question as an engine gets it; SHA-256 of it names the facts.

        Fractions have 12 decimals: engines keep 16 or 17 digits of a number, or all, and must not differ at a
        threshold. What rounding moves onto a threshold is denied, so none passes by it.
        """
        facts = self.model_dump(mode="json")
        return rfc8785.dumps({key: round(v, 12) if isinstance(v, float) else v for key, v in facts.items()})


WANTED = {"gt": "above", "lt": "below", "ge": "at least", "none": ""}
"""A denial's limit in words."""


class Denial(Wire):
    """One reason not to pass."""

    id: Slug
    """What is wrong: `accuracy_below`, `accuracy_unproven`, `accuracy_missing`, `too_few_samples`, ..."""
    metric: Slug
    """The fact of the input that was looked at."""
    observed: float | None = None
    bound: float | None = None
    limit: Slug = "none"
    """How observed and bound are compared: `gt`, `lt`, `ge`, `none`."""
    conclusive: bool = True
    """False: more samples could change it."""

    @property
    def told(self) -> str:
        """The reason in a line for people."""
        told: str = self.id
        if self.observed is not None and self.bound is not None:
            told += (
                f": {self.metric} is {self.observed:.4g}, wanted {WANTED.get(self.limit, self.limit)} {self.bound:.4g}"
            )
        return told if self.conclusive else f"{told} (more samples may change it)"


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
