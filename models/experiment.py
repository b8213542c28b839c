"""An experiment: a reviewer configuration measured on labelled data, and what came of it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from models.dataset import Split
from models.expert import ExpertName
from models.gate import Decision, PolicyHash, PolicyName
from models.measure import Metrics
from models.order import ReviewOrder
from models.reason import Reason
from models.review import TaskComplexity
from models.reviewer_config import ConfigHash, ReviewerConfig
from models.source import Language
from models.verdict import AiVerdict, Override, Verdict
from models.wire import Slug, Wire

MIN_SAMPLES = 100
"""Fewer say too little: a policy calls that inconclusive."""

ExperimentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$", max_length=80)]


class ExperimentStatus(StrEnum):
    """Where an experiment stands."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    EVALUATING = "evaluating"
    """All samples are done; metrics, verdict and gate follow."""
    PASSED = "passed"
    """The gate let it through; a promotion may be asked for."""
    INCONCLUSIVE = "inconclusive"
    QUARANTINED = "quarantined"
    """The gate, or a person, said no: the configuration is on the blacklist."""
    REJECTED = "rejected"
    """The gate said no to the configuration of production: people decide, for a measurement stops no reviews."""
    PROMOTED = "promoted"
    """It is, or was, stable."""
    MEASURED = "measured"
    """Its samples are over, for a comparison: no gate decides on it."""
    CANCELLED = "cancelled"
    FAILED = "failed"
    """It could not be finished; `failure` has the code."""


OPEN = frozenset({ExperimentStatus.CREATED, ExperimentStatus.RUNNING, ExperimentStatus.PAUSED})
ENDED = frozenset(ExperimentStatus) - OPEN - {ExperimentStatus.EVALUATING}


class ExperimentRequest(Wire):
    """Body of `POST /experiments`."""

    name: ExperimentName
    dataset_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    config: ReviewerConfig = ReviewerConfig()
    split: Split | None = None
    """Only these samples; None: all."""
    limit: int | None = Field(default=None, ge=1)
    """The first so many samples of the split; None: all."""
    policy: PolicyName | None = None
    """None: what the service is set to."""
    start: bool = True
    """False: only create it; `POST /experiments/{id}/evaluate` starts it."""


class OverrideRequest(Wire):
    """Body of `POST /experiments/{id}/verdict`: a person's word over the AI's."""

    verdict: Verdict
    reason: Reason


class Bar(Wire):
    """What is fixed, on the audit chain, before the first sample: changed later, the experiment is refused."""

    config_hash: ConfigHash
    dataset_hash: str
    policy: PolicyName
    policy_hash: PolicyHash
    samples: int = Field(ge=1)
    models: bool = False
    """Whether models are asked: the configuration wants it and the author may ask one."""
    attempts: int = Field(default=1, ge=1)
    """Experiments on this dataset so far, this one included: who tries often passes once by luck."""


class ExperimentOrder(Wire):
    """Input of `ExperimentWorkflow`: ids and numbers only."""

    experiment_id: str
    name: str
    samples: int = Field(ge=1)
    window: int = Field(default=8, ge=1, le=200)
    """Reviews at once: with seven experts each, half of the questions that a worker asks at once."""
    batch: int = Field(default=250, ge=1, le=1000)
    """Samples whose static analysis runs together."""
    together: int = Field(default=1000, ge=1, le=1000)
    """The same where no model is asked: the analysers' start is shared by more, and nobody waits for the first."""
    per_run: int = Field(default=500, ge=1)
    """Samples of one run of the process; then it goes on in a new one, so that no history grows long."""
    analysis_queue: str
    models_queue: str
    gated: bool = True
    """False: it ends when its samples are over; who ordered it reads what came of them."""
    state: "ExperimentState" = Field(default_factory=lambda: ExperimentState())


class ExperimentState(Wire):
    """What one run of the process hands to the next."""

    opened: bool = False
    done: int = Field(default=0, ge=0)
    """Positions below this are over."""
    errors: int = Field(default=0, ge=0)
    paused: bool = False
    asks: bool = True
    """Models are asked."""
    seconds: float = Field(default=0.0, ge=0)
    """Time spent on samples so far, pauses left out: for the estimate of what is left."""


class ExperimentTask(Wire):
    """A step about one experiment as a whole."""

    experiment_id: str


class PrepareTask(Wire):
    """A step about `count` samples of an experiment, from number `first` on."""

    experiment_id: str
    first: int = Field(ge=0)
    count: int = Field(ge=1, le=1000)


class PrepareSummary(Wire):
    """How the static analysis of a batch went; the findings are in the store."""

    prepared: int = Field(default=0, ge=0)
    """Samples that were analysed now; those that were analysed before are not counted."""
    failed: int = Field(default=0, ge=0)
    """Samples that no analyser could be run on: their reviews analyse them alone."""
    over: int = Field(default=0, ge=0)
    """Samples whose reviews are over, by this step or before it."""
    lost: int = Field(default=0, ge=0)
    """Samples over without a report."""
    seconds: float = Field(default=0.0, ge=0)


class PublishSummary(Wire):
    """What came of the reviews of some samples that had nothing left but to be published."""

    published: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0)


class SampleRef(Wire):
    """One sample's review, by what tells it from the others of its batch."""

    number: int = Field(ge=0)
    """Place in the experiment."""
    review_id: str
    source_id: str
    label: str
    experts: tuple[ExpertName, ...]
    complexity: TaskComplexity
    main_language: Language
    files: int = Field(default=1, ge=0)
    prepared: bool = False
    """Its static analysis is stored."""
    done: bool = False
    """It is over: an earlier run of the process had it."""
    failed: bool = False
    """It is over without a report."""


class Batch(Wire):
    """The reviews of some samples: a template once, and what differs. Ids and numbers, for histories keep it."""

    template: ReviewOrder | None = None
    """None: there are no samples."""
    samples: tuple[SampleRef, ...] = ()


class SampleEnd(Wire):
    """What the process knows of a sample that is over."""

    review_id: str
    seconds: float = Field(default=0.0, ge=0)
    """From the begin of its review to its end."""
    cached: bool = False
    """Its result was there before the review was asked for."""
    failure: Slug | None = None


class ResultsTask(Wire):
    """Noting that samples are over."""

    experiment_id: str
    ends: tuple[SampleEnd, ...]


class StatusTask(Wire):
    """Noting where an experiment stands."""

    experiment_id: str
    status: ExperimentStatus
    failure: Slug | None = None


class Assessment(Wire):
    """What was measured, and what the Version Control AI says of it."""

    metrics: Metrics
    ai: AiVerdict


class GateTask(Wire):
    """Asking the policy about an assessment."""

    experiment_id: str
    assessment: Assessment


class SettleTask(Wire):
    """Ending an experiment as the gate decided."""

    experiment_id: str
    assessment: Assessment
    decision: Decision


class Progress(Wire):
    """How far an experiment is: the answer of the process's query, and part of the API's view."""

    samples: int = Field(ge=0)
    done: int = Field(ge=0)
    errors: int = Field(default=0, ge=0)
    paused: bool = False
    seconds_left: float | None = None
    """At the pace so far; None before there is one."""


class Evaluation(Wire):
    """What came of an experiment."""

    metrics: Metrics
    ai: AiVerdict
    override: Override | None = None
    decision: Decision
    report_hash: Annotated[str, StringConstraints(pattern=r"^report:v1:sha256:[0-9a-f]{64}$")]
    """Of metrics, verdict and decision: what an approver puts a name to."""
    evaluated_at: datetime

    @property
    def verdict(self) -> Verdict:
        """The word that counts: a person's over the AI's."""
        return self.override.verdict if self.override else self.ai.verdict


def spoken_seconds(seconds: float) -> str:
    """A span in the two units that matter: `42 s`, `3 min 10 s`, `2 h 5 min`."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class ExperimentOutcome(Wire):
    """Result of `ExperimentWorkflow`."""

    experiment_id: str
    status: ExperimentStatus
    samples: int = 0
    errors: int = 0
    failure: Slug | None = None


class ExperimentView(Wire):
    """An experiment as the API shows it."""

    id: str
    name: str
    status: ExperimentStatus
    config: ReviewerConfig
    config_hash: ConfigHash
    like: tuple[str, ...] = ()
    """Hashes of other configurations that hardly differ: a warning."""
    dataset_id: str
    dataset: str
    """Name and version."""
    bar: Bar | None = None
    progress: Progress
    evaluation: Evaluation | None = None
    promotion_id: str | None = None
    failure: Slug | None = None
    workflow_id: str
    workflow_url: str | None = None
    created_by: str
    created_at: datetime
    finished_at: datetime | None = None


class ExperimentPage(Wire):
    """Some experiments, newest first."""

    experiments: tuple[ExperimentView, ...] = ()
    next_cursor: str | None = None
