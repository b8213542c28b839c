"""What a client asks for when it submits a review, and what that means for the order."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from models.complexity import complexity_of
from models.expert import ExpertName
from models.order import ReviewOrder
from models.provider import ProviderName
from models.review import ReviewMode, ReviewProfile, TaskComplexity
from models.reviewer_config import Experts, ReviewerConfig, config_hash
from models.routing import RoutingPolicy, Strategy
from models.selection import select_experts
from models.source import Language, SourceManifest
from models.wire import Wire

MAX_BUDGET_MICRO_USD = 1_000_000_000
"""A thousand dollars: beyond that it is a slip of the hand."""


class ReviewSubmission(Wire):
    """Body of `POST /reviews`. What is None or empty here is as the stable configuration has it."""

    source_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    mode: ReviewMode | None = None
    """None: what the profile says, if one is given."""
    experts: Literal["auto", "all"] | Experts | None = None
    profile: ReviewProfile | None = None
    budget_micro_usd: int | None = Field(default=None, gt=0, le=MAX_BUDGET_MICRO_USD)
    """Micro-USD for model calls."""
    providers: Annotated[tuple[ProviderName, ...], Field(max_length=16)] = ()
    """Ask only these, in this order of preference; empty in the configuration too: all that the user may ask."""
    strategies: Annotated[tuple[Strategy, ...], Field(max_length=len(Strategy))] = ()
    """How to rank providers, the most important first."""
    wait_for_quota: bool = False
    """Wait for the next period of a spent quota, instead of leaving experts at their static half."""
    use_models: bool = True
    """False: static analysis alone, whatever providers there are."""


MODE_OF_PROFILE = {
    ReviewProfile.INTERACTIVE: ReviewMode.PARALLEL,
    ReviewProfile.BATCH: ReviewMode.PIPELINE,
    ReviewProfile.QUALITY: ReviewMode.BACKTRACK,
}
"""Who waits wants all experts at once; a batch can go one by one; quality may ask again."""


def main_language(manifest: SourceManifest) -> Language:
    """The language with the most lines; `other` only when there is no code."""
    lines: dict[Language, int] = {}
    for file in manifest.files:
        if file.language is not Language.OTHER:
            lines[file.language] = lines.get(file.language, 0) + file.lines
    return max(lines, key=lambda each: (lines[each], each.value), default=Language.OTHER)


def mode_of(submission: ReviewSubmission, config: ReviewerConfig) -> ReviewMode:
    """The mode that is asked for, by itself or by a profile; else the configuration's."""
    if submission.mode is not None:
        return submission.mode
    if submission.profile is not None:
        return MODE_OF_PROFILE[submission.profile]
    return config.mode or MODE_OF_PROFILE[config.profile]


def policy_of(submission: ReviewSubmission, config: ReviewerConfig) -> RoutingPolicy:
    """How providers are chosen: the configuration's way, but for what is asked for."""
    asked = {
        "strategies": submission.strategies,
        "profile": submission.profile,
        "providers": submission.providers,
    }
    return config.models.routing.model_copy(update={name: value for name, value in asked.items() if value})


def order_of(
    submission: ReviewSubmission,
    manifest: SourceManifest,
    *,
    review_id: str,
    config: ReviewerConfig,
    models_routed: bool,
    owner: str = "local",
    analysis_queue: str,
    models_queue: str,
    known_as: str | None = None,
) -> ReviewOrder:
    """Everything that is decided when a review is accepted, fixed from then on.

    Args:
        submission: what is asked for.
        manifest: the source.
        review_id: of the new review.
        config: what holds where the submission does not say otherwise.
        models_routed: whether models are wanted and somebody can be asked.
        owner: who pays.
        analysis_queue: where the static halves run.
        models_queue: where models are asked.
        known_as: `config_hash` of the configuration, for a caller with many orders under one; worked out if None.
    """
    complexity = complexity_of(manifest.files)
    experts = select_experts(
        submission.experts or config.experts,
        score=complexity.score,
        evidence=manifest.evidence,
        models_routed=models_routed,
    )
    orchestrator = config.orchestrator
    return ReviewOrder(
        review_id=review_id,
        source_id=manifest.source_id,
        label=manifest.label,
        mode=mode_of(submission, config),
        experts=experts,
        budget_micro_usd=submission.budget_micro_usd or orchestrator.budget_micro_usd,
        models_routed=models_routed,
        owner=owner,
        policy=policy_of(submission, config),
        wait_for_quota=submission.wait_for_quota,
        complexity=complexity,
        main_language=main_language(manifest),
        files=len(manifest.files),
        config=orchestrator,
        analysis=config.analysis,
        prompt=config.models.prompt,
        config_hash=known_as or config_hash(config),
        analysis_queue=analysis_queue,
        models_queue=models_queue,
    )


class ReviewView(Wire):
    """A review as the API shows it."""

    id: str
    status: str
    label: str
    mode: ReviewMode
    experts: dict[ExpertName, "ExpertView"]
    complexity: TaskComplexity
    failure: str | None = None
    partial: bool | None = None
    """None until there is a report."""
    config_hash: str | None = None
    """Of the reviewer configuration it is made with; None: from before there were any."""
    workflow_id: str
    workflow_url: str | None = None
    """The review in the Temporal web UI, where one is known."""
    created_at: str
    finished_at: str | None = None


class ExpertView(Wire):
    """Where one expert stands."""

    status: str
    findings: int = 0
    seconds: float = 0.0
