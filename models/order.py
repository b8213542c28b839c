"""What a review process is started with, what its steps exchange, and what it returns. Ids only, never code."""

from pydantic import Field

from models.config import AnalysisConfig, OrchestratorConfig
from models.expert import ExpertName, Severity
from models.prompts.versions import CURRENT
from models.review import ExpertStatus, ReviewMode, TaskComplexity
from models.routing import RoutingPolicy
from models.source import Language
from models.wire import Slug, Wire


class ReviewOrder(Wire):
    """Input of `ReviewWorkflow`: everything that was decided when the review was accepted."""

    review_id: str
    source_id: str
    label: str
    mode: ReviewMode
    experts: tuple[ExpertName, ...] = Field(min_length=1)
    """Selected experts in the panel's order."""
    budget_micro_usd: int = Field(ge=0)
    models_routed: bool = False
    """Whether the experts have a model half."""
    owner: str = "local"
    """The user who pays."""
    policy: RoutingPolicy = RoutingPolicy()
    wait_for_quota: bool = False
    """Whether to wait for the next period of a spent quota, instead of leaving it at the static half."""
    complexity: TaskComplexity
    main_language: Language = Language.OTHER
    files: int = Field(default=0, ge=0)
    config: OrchestratorConfig = OrchestratorConfig()
    analysis: AnalysisConfig = AnalysisConfig()
    prompt: Slug = CURRENT
    """Version of the prompts."""
    config_hash: str | None = None
    """Of the reviewer configuration that all this is from; None: from before there were any."""
    prepared: bool = False
    """Whether the static halves are stored already: then they are not made again."""
    analysis_queue: str
    models_queue: str


class AnalysisTask(Wire):
    """One expert's static half."""

    review_id: str
    source_id: str
    expert: ExpertName
    analysis: AnalysisConfig = AnalysisConfig()


class AnalysisSummary(Wire):
    """How a static half went; the findings are in the store."""

    findings: int = Field(ge=0)
    failed_files: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0)


class ExpertOutcome(Wire):
    """One expert after all its attempts."""

    expert: ExpertName
    status: ExpertStatus
    findings: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0)
    attempts: int = Field(default=1, ge=0)
    """Attempts of the model half that were made; 0 when no model was asked."""
    accepted_attempt: int | None = None
    """The attempt whose opinion stands; None: the static half stands alone."""
    spent_micro_usd: int = Field(default=0, ge=0)
    """Cost of all attempts."""
    reason: Slug | None = None


class PanelTask(Wire):
    """Judging the panel's findings, or publishing the report."""

    review_id: str
    source_id: str
    mode: ReviewMode
    outcomes: tuple[ExpertOutcome, ...]
    config: OrchestratorConfig
    analysis: AnalysisConfig = AnalysisConfig()
    judge: bool = False
    """Whether meta has yet to judge before the report is published: a step less where nobody is asked again."""


def prepared_task(order: ReviewOrder) -> PanelTask:
    """What is left of a review whose static halves are stored and that asks no models: to judge and to publish."""
    done = (ExpertOutcome(expert=name, status=ExpertStatus.DONE, attempts=0) for name in order.experts)
    return PanelTask(
        review_id=order.review_id,
        source_id=order.source_id,
        mode=order.mode,
        outcomes=tuple(done),
        config=order.config,
        analysis=order.analysis,
        judge=ExpertName.META in order.experts,
    )


class PanelJudgement(Wire):
    """What meta says of the panel's work."""

    findings: int = Field(default=0, ge=0)
    """Meta's own findings: what nobody looked at."""
    rejected: tuple[ExpertName, ...] = ()
    """Experts most of whose model findings do not hold."""
    seconds: float = Field(default=0.0, ge=0)


class ReviewOutcome(Wire):
    """Result of `ReviewWorkflow`."""

    review_id: str
    partial: bool
    reported: int = Field(ge=0)
    suppressed: int = Field(ge=0)
    totals: dict[Severity, int]
    judgement: PanelJudgement | None = None
    """Meta's, where it was asked for together with the report; None then: meta failed."""


class ExpertProgress(Wire):
    """Where one expert stands while the review runs."""

    status: ExpertStatus
    findings: int = 0
    seconds: float = 0.0
