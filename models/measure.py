"""What an experiment measures: numbers with their intervals and what they were counted over."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from models.expert import ExpertName
from models.source import Language
from models.wire import Slug, Wire


class Estimate(Wire):
    """One number with a 95 % interval. `value` is None where there is nothing to count over."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    """None: the number of observations gives no bound (an upper bound of a p99 takes 368)."""
    n: int = Field(default=0, ge=0)
    """Observations: the denominator of a share."""
    method: Slug
    """Of the interval: `wilson`, `clopper-pearson`, `order-statistics`, `bootstrap-percentile`, `none`."""


class Counts(Wire):
    """Sums from which shares are made."""

    samples: int = Field(default=0, ge=0)
    clean: int = Field(default=0, ge=0)
    right: int = Field(default=0, ge=0)
    """Samples judged right: labelled ones in which a label was found, clean ones without a finding in scope."""
    detected: int = Field(default=0, ge=0)
    """Labelled samples with a finding in scope, on whatever line."""
    false_alarms: int = Field(default=0, ge=0)
    """Clean samples with a finding in scope, or that could not be judged."""
    errors: int = Field(default=0, ge=0)
    """Samples without a report, or with one to which no expert contributed; they count as wrong everywhere."""
    partial: int = Field(default=0, ge=0)
    """Samples whose report is partial."""
    labels: int = Field(default=0, ge=0)
    found: int = Field(default=0, ge=0)
    """Labels with a finding matched to them."""
    located: int = Field(default=0, ge=0)
    """Of those, findings on the labelled lines exactly, without tolerance."""
    findings: int = Field(default=0, ge=0)
    """Findings in scope."""
    matched: int = Field(default=0, ge=0)
    """Findings in scope that are matched to a label."""


class Quality(Wire):
    """The shares of one slice of the samples."""

    counts: Counts
    accuracy: Estimate
    """Samples judged right; errors count as wrong."""
    recall: Estimate
    """Labels that were found."""
    detection: Estimate
    """Labelled samples with a finding in scope, on whatever line: recall by sample. Far above `recall`, the reviewer
    sees that something is wrong and does not say where."""
    precision: Estimate
    """Findings in scope that are right. Depends on how many samples are clean: see `counts`."""
    f1: Estimate
    """Of recall and precision: twice the matches over labels and findings together."""
    false_positive_rate: Estimate
    """Clean samples with a finding in scope, or that could not be judged: nobody looks better for giving up."""
    localisation: Estimate
    """Matched findings that are on the labelled lines exactly."""


class Latency(Wire):
    """Seconds per sample, cached ones and those without a report left out: a quick failure is no quick review."""

    p50: Estimate
    p95: Estimate
    p99: Estimate
    """Refused (None) below 400 samples: it cannot be inferred."""


class Metrics(Wire):
    """Everything that one experiment measured. Every number says how many observations it is made of."""

    quality: Quality
    by_language: dict[Language, Quality] = {}
    by_expert: dict[ExpertName, Quality] = {}
    """Of the findings that the expert saw, alone, over all samples. Experts that never worked are not listed."""
    error_rate: Estimate
    """Samples that count as errors (`Counts.errors`)."""
    latency: Latency
    cost_micro_usd: int = Field(default=0, ge=0)
    """All samples together, cached ones left out."""
    cost_per_analysis: Estimate = Estimate(method="none")
    """Mean micro-USD over the samples that have a report and were not cached; None when there are none."""
    cached: int = Field(default=0, ge=0)
    """Samples whose answers were not paid for anew: excluded from latency and cost."""
    files_not_analysed: int = Field(default=0, ge=0)
    """Files that an expert meant for them could not read, and files of code that were not taken into the source."""
    tokens: int = Field(default=0, ge=0)
    line_tolerance: int = Field(default=0, ge=0)
    """Lines that a finding may be off its label (`models.matching`)."""
    measured_at: datetime
    seed: int = 0
    """Of the bootstrap."""
    versions: dict[Slug, Annotated[str, StringConstraints(max_length=40)]] = {}
    """Of what computed it: conclave, scipy, numpy."""

    @property
    def cost_per_analysis_micro_usd(self) -> float | None:
        """Mean cost of an analysis; None when nothing was paid for anew."""
        return self.cost_per_analysis.value
