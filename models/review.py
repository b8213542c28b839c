"""A review: what was asked, how it goes, and the report that comes back."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from models.expert import (
    Advice,
    CoverageEntry,
    Cwe,
    ExpertName,
    Message,
    Quote,
    Severity,
    ToolRun,
)
from models.source import FilePath, Language, LineRange, SkippedFile
from models.wire import Slug, Wire

MAX_REPORTED = 15
"""Findings shown in one report, most severe and most confident first; the rest is counted as suppressed."""


class ReviewMode(StrEnum):
    """In which order the experts work."""

    PIPELINE = "pipeline"
    """One expert after another; each sees what the earlier ones found."""
    PARALLEL = "parallel"
    """All at once, then meta."""
    BACKTRACK = "backtrack"
    """A result that is not acceptable is asked for again, further down the fallback chain."""


class ReviewProfile(StrEnum):
    """What to trade for what: time (`interactive`), money (`batch`) or neither (`quality`)."""

    INTERACTIVE = "interactive"
    BATCH = "batch"
    QUALITY = "quality"


class ReviewStatus(StrEnum):
    """Where a review stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    """A report exists; whether it is whole or partial is told by the report."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class ExpertStatus(StrEnum):
    """Where one expert stands."""

    WAITING = "waiting"
    RUNNING = "running"
    RETRYING = "retrying"
    """Backtracking: the last result was not accepted."""
    DONE = "done"
    DEGRADED = "degraded"
    """The static half stands; the model half was asked for and did not deliver."""
    FAILED = "failed"
    NOT_SELECTED = "not_selected"


class TaskComplexity(Wire):
    """How much there is to review, by the formula of `models.complexity`."""

    code_length: int = Field(ge=0)
    """Characters under review."""
    score: float = Field(ge=0, le=1)
    estimated_cost_usd: float = Field(ge=0)
    estimated_latency_ms: int = Field(ge=0)


class Sighting(Wire):
    """One expert's report of a merged finding."""

    expert: ExpertName
    tool: Slug
    rule: Annotated[str, StringConstraints(max_length=120)]
    confidence: float = Field(ge=0, le=1)


Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Names a finding across commits: path, kind, the text of its lines and which occurrence it is; never a line number."""


class PanelFinding(Wire):
    """One issue at one place, as the panel sees it after merging, voting and validation."""

    rank: int = Field(ge=1)
    fingerprint: Fingerprint
    kind: Slug
    cwe: Cwe | None = None
    severity: Severity
    confidence: float = Field(ge=0, le=1)
    """Aggregate of the experts that voted; `ReviewReport.confidence_method` names the formula."""
    path: FilePath
    line_start: int = Field(ge=1)
    line_end: int = Field(ge=1)
    message: Message
    recommendation: Advice = ""
    quote: Quote = ""
    excerpt: tuple[Annotated[str, StringConstraints(max_length=400)], ...] = ()
    """Lines of code around the place, ready to be shown: control characters already removed."""
    excerpt_start: int = Field(default=1, ge=1)
    """Line number of the first line of `excerpt`."""
    sightings: tuple[Sighting, ...] = Field(min_length=1)
    borda: float = 0.0
    """Points of the averaged Borda count over the experts' ballots."""
    support: float = Field(default=0.0, ge=0, le=1)
    """Weighted share of the voting experts that hold it valid."""
    protected: bool = False
    """Kept by the lane for one strong specialist, although the vote alone would have ranked it lower."""

    @property
    def lines(self) -> LineRange:
        return LineRange(start=self.line_start, end=self.line_end)


class ExpertSummary(Wire):
    """What became of one expert in one review."""

    expert: ExpertName
    status: ExpertStatus
    findings: int = Field(default=0, ge=0)
    """Findings that passed validation, before merging."""
    dropped: dict[Slug, int] = Field(default_factory=dict)
    """Findings that did not pass validation, counted by the reason."""
    seconds: float = Field(default=0.0, ge=0)
    attempts: int = Field(default=1, ge=0)
    tools: tuple[ToolRun, ...] = ()
    metrics: dict[Slug, float] = Field(default_factory=dict)
    reason: Slug | None = None
    """Why it is degraded, failed or not selected."""
    provider: Slug | None = None
    """Whose model gave the answer that stands; None: static analysis alone."""
    spent_micro_usd: int = Field(default=0, ge=0)
    """Cost of all its questions to models."""
    unseen: tuple[FilePath, ...] = ()
    """Files that did not fit into the question, wholly or in part: its model says nothing about them."""


class Consistency(Wire):
    """Agreement between experts that could have seen the same place."""

    method: Slug = "krippendorff-alpha-nominal"
    value: float | None = None
    """None when fewer than two experts rated any place: there is nothing to agree about."""
    units: int = Field(default=0, ge=0)
    """Places that at least two experts rated."""


class LanguageShare(Wire):
    """How much of a source is in one language."""

    language: Language
    files: int = Field(ge=0)
    lines: int = Field(ge=0)


class ReviewReport(Wire):
    """The panel's merged result."""

    review_id: str
    label: str
    """How the user named the source."""
    source_id: str
    mode: ReviewMode
    partial: bool
    """True when an expert failed or a file was not analysed by an expert meant for it: silence is then no praise."""
    complexity: TaskComplexity
    languages: tuple[LanguageShare, ...] = ()
    findings: tuple[PanelFinding, ...] = Field(default=(), max_length=MAX_REPORTED)
    totals: dict[Severity, int] = Field(default_factory=dict[Severity, int])
    """All findings by severity, shown and suppressed together."""
    suppressed: int = Field(default=0, ge=0)
    """Findings beyond the first `MAX_REPORTED`."""
    dropped: dict[Slug, int] = Field(default_factory=dict)
    """Findings that failed validation, by reason, over all experts."""
    outside_change: int = Field(default=0, ge=0)
    """Findings on lines the change under review does not touch: counted, not reported."""
    experts: tuple[ExpertSummary, ...] = ()
    coverage: tuple[CoverageEntry, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()
    consistency: Consistency = Consistency()
    confidence: float | None = None
    """Aggregate confidence over the reported findings; None when there are none."""
    confidence_method: Slug = "weighted-vote"
    isolation: Slug = "namespaces"
    """How the analysers were kept from the machine: `namespaces` or `limits-only`."""
    cost_micro_usd: int = Field(default=0, ge=0)
    """Cost of all questions to models."""
    conclave_version: str
    generated_at: datetime
    """UTC."""

    def reaches(self, severity: Severity) -> bool:
        """Whether anything, shown or suppressed, is at or above a severity."""
        return any(count and found.weight >= severity.weight for found, count in self.totals.items())
