"""Experts, what they find, and what they looked at."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from models.source import FilePath, LineRange
from models.wire import Slug, Wire


class ExpertName(StrEnum):
    """The seven reviewers, in the panel's order."""

    SECURITY = "security"
    QUALITY = "quality"
    PERFORMANCE = "performance"
    DEPENDENCY = "dependency"
    TEST = "test"
    DOCUMENTATION = "documentation"
    META = "meta"
    """Validates what the other six say, and says what nobody looked at."""


class Severity(StrEnum):
    """How bad it is if the finding is real."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def weight(self) -> int:
        """4 for critical down to 1 for low: for ordering, never for arithmetic between findings."""
        return {"critical": 4, "high": 3, "medium": 2, "low": 1}[self.value]


Cwe = Annotated[str, StringConstraints(pattern=r"^CWE-[1-9][0-9]{0,4}$")]
Message = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Advice = Annotated[str, StringConstraints(max_length=1000)]
Quote = Annotated[str, StringConstraints(max_length=400)]


class Place(Wire):
    """Lines of one file."""

    path: FilePath
    line_start: int = Field(ge=1)
    line_end: int = Field(ge=1)


class ExpertFinding(Wire):
    """One issue at one place, as one expert sees it."""

    expert: ExpertName
    tool: Slug
    """The analyser that saw it (`bandit`, `ast-grep`, ...) or `model`."""
    rule: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=120)]
    """The analyser's own name for what it looked for."""
    kind: Slug
    """What sort of issue it is, the same for every tool: `sql-injection`, `complex-function`, `import-cycle`."""
    cwe: Cwe | None = None
    severity: Severity
    confidence: float = Field(ge=0, le=1)
    """How likely the issue is real, by the tool's measured or stated precision."""
    path: FilePath
    line_start: int = Field(ge=1)
    line_end: int = Field(ge=1)
    message: Message
    recommendation: Advice = ""
    quote: Quote = ""
    """The text of line `line_start`, stripped; empty only where the file has no such text (an empty file)."""
    related: tuple[Place, ...] = Field(default=(), max_length=20)
    """Other places that take part (the rest of an import cycle): a change there causes the finding here."""

    @property
    def lines(self) -> LineRange:
        return LineRange(start=self.line_start, end=self.line_end)

    @model_validator(mode="after")
    def _ordered(self) -> "ExpertFinding":
        if self.line_end < self.line_start:
            raise ValueError("line_end is before line_start")
        return self


class CoverageStatus(StrEnum):
    """What became of a file in an expert's hands."""

    ANALYSED = "analysed"
    SKIPPED = "skipped"
    FAILED = "failed"


class CoverageReason(StrEnum):
    """Why an analyser did not analyse a file."""

    LANGUAGE_NOT_SUPPORTED = "language_not_supported"
    NO_INPUT = "no_input"
    """The expert needs a report, profile or manifest that did not come with the source."""
    PARSE_ERROR = "parse_error"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_TOO_LARGE = "output_too_large"
    OUTPUT_INVALID = "output_invalid"
    TOOL_MISSING = "tool_missing"
    NOT_SELECTED = "not_selected"


class CoverageEntry(Wire):
    """One cell of the coverage ledger: what became of one file in the hands of one expert."""

    expert: ExpertName
    path: FilePath
    status: CoverageStatus
    tools: tuple[Slug, ...] = ()
    """Analysers that read the file to the end."""
    failed_tools: tuple[Slug, ...] = ()
    reason: CoverageReason | None = None
    """None only when analysed by every tool meant for it."""


class ToolRun(Wire):
    """One analyser's run over the source."""

    tool: Slug
    version: str = Field(max_length=40)
    seconds: float = Field(ge=0)
    cpu_seconds: float = Field(default=0.0, ge=0)
    """Processor time; 0 where nothing was started for it."""
    peak_mib: float = Field(default=0.0, ge=0)
    """Most memory that one of its processes had at once."""
    files: int = Field(ge=0)
    """Files it was given."""
    failure: CoverageReason | None = None
    """Why the whole run failed; None when it ended well, even if single files failed."""


class StaticResult(Wire):
    """The static half of one expert's work."""

    expert: ExpertName
    findings: tuple[ExpertFinding, ...] = ()
    coverage: tuple[CoverageEntry, ...] = ()
    """One entry per file of the source."""
    tools: tuple[ToolRun, ...] = ()
    metrics: dict[Slug, float] = Field(default_factory=dict)
    isolation: Slug = "namespaces"
    """How the analysers were kept from the machine: `namespaces` or `limits-only`."""
