"""A comparison: two reviewer configurations on the same samples, and which of them is better."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from models.dataset import Split
from models.experiment import ExperimentName
from models.reviewer_config import ConfigHash, ReviewerConfig
from models.wire import Slug, Wire

MAX_REPEATS = 10
ALPHA = 0.05
"""Below this a p-value is called significant. Not to be chosen: the 95 % intervals that decide go with it."""
HIGHLY = 0.01
"""Below this a p-value is called highly significant."""

Ref = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^(stable|[0-9]{1,9}|[0-9a-f]{32})$")]
"""`stable`, the number or id of a version, or the id of an experiment."""


class Side(StrEnum):
    """Which of the two."""

    V1 = "v1"
    V2 = "v2"


class ComparisonStatus(StrEnum):
    """Where a comparison stands."""

    RUNNING = "running"
    COMPARING = "comparing"
    """All samples are over; the statistics follow."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


ENDED = frozenset({ComparisonStatus.COMPLETED, ComparisonStatus.CANCELLED, ComparisonStatus.FAILED})


class Recommendation(StrEnum):
    """What to do with v2."""

    PROMOTE = "promote"
    """Better on the success metric, and on no guardrail worse than its margin."""
    HOLD = "hold"
    """Shown to be neither better nor worse by more than the margins."""
    REJECT = "reject"
    """Worse on the success metric, or on a guardrail by more than its margin."""
    INCONCLUSIVE = "inconclusive"
    """The samples cannot tell; `more_samples` says how many could."""


class Margins(Wire):
    """How much worse a guardrail may be before that counts: fixed when the comparison is asked for."""

    accuracy: float = Field(default=0.02, gt=0, lt=1)
    """As a difference of shares; also for a success metric that is shown not to differ."""
    recall: float = Field(default=0.05, gt=0, lt=1)
    precision: float = Field(default=0.05, gt=0, lt=1)
    false_positive_rate: float = Field(default=0.05, gt=0, lt=1)
    error_rate: float = Field(default=0.02, gt=0, lt=1)
    latency: float = Field(default=0.25, gt=0, le=10)
    """Relative increase of the geometric mean of seconds per sample."""
    cost: float = Field(default=0.20, gt=0, le=10)
    """Relative increase of the cost of all samples."""


class ComparisonRequest(Wire):
    """Body of `POST /comparisons`.

    With a dataset both sides are run anew, at the same time over the same samples. Without one both must name
    experiments that were evaluated on the same dataset: then what was recorded is compared.
    """

    name: ExperimentName | None = None
    v1: Ref
    """What is in use, or was."""
    v2: Ref | None = None
    """What may follow it; None: `config`."""
    config: ReviewerConfig | None = None
    """A configuration that is no version yet, in the place of `v2`."""
    dataset_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    split: Split | None = None
    limit: int | None = Field(default=None, ge=1)
    """The first so many samples; None: all."""
    repeats: int = Field(default=1, ge=1, le=MAX_REPEATS)
    """Runs of every sample on each side."""
    margins: Margins = Margins()
    value_per_finding_usd: float = Field(default=1.0, ge=0, le=1_000_000)
    """What one more known issue that is found is worth, for the return on investment."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Of everything that is drawn by lot."""

    @model_validator(mode="after")
    def _sides(self) -> "ComparisonRequest":
        if (self.v2 is None) == (self.config is None):
            raise ValueError("give either v2 or config")
        if self.dataset_id is None and (self.config or self.split or self.limit or self.repeats > 1):
            raise ValueError("config, split, limit and repeats need dataset_id: they are of a new run")
        return self


class ComparedSide(Wire):
    """One of the two, as it was compared."""

    ref: str
    """As it was asked for; `config` for a configuration that is no version."""
    version_id: str | None = None
    number: int | None = None
    """Of the version; None: it is none."""
    config_hash: ConfigHash
    experiment_ids: tuple[str, ...] = ()
    """The runs, one for each repeat."""


class Pairing(Wire):
    """Which observations were paired, by sample and repeat."""

    paired: int = Field(ge=0)
    only_v1: int = Field(default=0, ge=0)
    only_v2: int = Field(default=0, ge=0)
    groups: int = Field(default=0, ge=0)
    """Clusters of samples that are not independent: same origin, or repeats of one sample."""
    clustered: bool = False
    """Whether any group has more than one observation: then intervals are by group."""


class Compared(Wire):
    """One metric of both sides. `v1` and `v2` are None where there is nothing to measure."""

    v1: float | None = None
    v2: float | None = None
    change: float | None = None
    """`v2 - v1`; of `ratio` metrics `v2 / v1 - 1`."""
    low: float | None = None
    """95 % interval of `change`."""
    high: float | None = None
    p_value: float | None = None
    """Of the metric's primary test, two-sided, not adjusted; None: it has none."""
    p_adjusted: float | None = None
    """By Holm over all metrics that have a primary test. The interval is not adjusted."""
    significant: bool = False
    """`p_value` is below alpha."""
    highly_significant: bool = False
    """`p_value` is below 0.01."""
    unit: Literal["share", "seconds", "micro_usd", "tokens", "per_hour", "count"] = "share"
    scale: Literal["difference", "ratio"] = "difference"
    better: Literal["higher", "lower", "neither"] = "higher"
    n: int = Field(default=0, ge=0)
    """Pairs it was made of."""
    method: Slug = "none"
    """Of the interval."""
    verdict: Literal["better", "worse", "same", "unclear", "refused"] = "unclear"
    """`same`: the interval is within the margin; `refused`: too few observations for this metric."""
    note: Annotated[str, StringConstraints(max_length=200)] | None = None


class StatisticalTest(Wire):
    """One test. A p-value that cannot be computed is None, never a pass."""

    test_name: Slug
    """`mcnemar-exact`, `mcnemar-mid-p`, `cluster-t`, `paired-t-log`, `wilcoxon`, `mann-whitney`, `welch-t`,
    `permutation`, `bootstrap`, `e-process`."""
    metric: Slug
    p_value: float | None = None
    is_significant: bool = False
    effect_size: float | None = None
    effect_name: Slug = "none"
    """`risk-difference`, `odds-ratio`, `hedges-g`, `d-z`, `rank-biserial`, `cliffs-delta`, `geometric-mean-ratio`..."""
    statistic: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = Field(default=0, ge=0)
    paired: bool = True
    primary: bool = False
    """Whether the metric's verdict reads it."""
    seed: int | None = None
    note: Annotated[str, StringConstraints(max_length=200)] | None = None


class Regression(Wire):
    """A metric, overall or in a slice, on which v2 is worse."""

    metric: Slug
    slice: Annotated[str, StringConstraints(max_length=80)] = "all"
    """`all`, `language:python`, `cwe:CWE-89`."""
    change: float
    p_value: float | None = None
    p_adjusted: float | None = None
    """Holm over the metrics, Benjamini-Hochberg over the slices."""
    n: int = Field(default=0, ge=0)
    exploratory: bool = False
    """Slices are looked at because there are many: none of them decides."""


class Overlap(Wire):
    """What the two sides' findings have in common, matched one to one on each sample."""

    both: int = Field(default=0, ge=0)
    only_v1: int = Field(default=0, ge=0)
    only_v2: int = Field(default=0, ge=0)
    precision: float | None = None
    """Share of v2's findings that v1 has too."""
    recall: float | None = None
    """Share of v1's findings that v2 has too."""
    f1: float | None = None
    """Dice coefficient: the same whichever side is called first."""
    kappa: float | None = None
    """Cohen's, of right and wrong by sample."""


class Confusion(Wire):
    """Pairs by whether each side judged the sample right."""

    both_right: int = Field(default=0, ge=0)
    only_v1: int = Field(default=0, ge=0)
    only_v2: int = Field(default=0, ge=0)
    both_wrong: int = Field(default=0, ge=0)


class Histogram(Wire):
    """Seconds per sample on a log scale, for the plot: `edges` has one more number than the counts."""

    edges: tuple[float, ...] = ()
    v1: tuple[int, ...] = ()
    v2: tuple[int, ...] = ()


class Resources(Wire):
    """What one side's runs took of the machine. None: not measured."""

    tool_seconds: float | None = None
    """Of the analysers, summed over samples."""
    cpu_seconds: float | None = None
    """Processor time of the analysers."""
    memory_mib: float | None = None
    """Most that one analyser had at once."""
    gpu_seconds: float | None = None


class Economy(Wire):
    """What v2 gains and costs more than v1, over these samples."""

    value_per_finding_usd: float
    more_found: int
    """Known issues that v2 found, less those that v1 found."""
    value_gained_usd: float
    cost_increase_usd: float
    roi: float | None = None
    """(value gained - cost increase) / cost increase; None where v2 costs no more."""


class Power(Wire):
    """What these samples could have shown."""

    discordant: float | None = None
    """Share of pairs that only one side judged right."""
    minimum_detectable: float | None = None
    """Difference in accuracy that is found four times of five at this alpha."""
    more_samples: int | None = None
    """Further samples with which the observed difference would be found; None: not needed, or hopeless."""


class Finding(Wire):
    """One ground for the recommendation."""

    role: Literal["success", "guardrail", "quality"]
    metric: Slug
    verdict: Literal["pass", "fail", "unclear"]
    reason: Annotated[str, StringConstraints(max_length=300)]


class ComparisonReport(Wire):
    """What came of a comparison."""

    comparison_id: str
    versions: dict[Side, ComparedSide]
    dataset: str
    """Name and version."""
    dataset_hash: str
    dataset_size: int = Field(ge=0)
    """Samples that were compared."""
    repeats: int = 1
    recorded: bool = False
    """The two were not run at the same time: latency and cost say less."""
    prices_changed: bool = False
    """The price table was not the same for both."""
    pairing: Pairing
    metrics: dict[Slug, Compared]
    statistical_tests: tuple[StatisticalTest, ...]
    regressions: tuple[Regression, ...] = ()
    overlap: Overlap = Overlap()
    confusion: Confusion = Confusion()
    consistency: dict[Side, float | None] = {}
    """Share of samples judged alike in all repeats; None: there is one run."""
    errors: dict[Side, dict[Slug, int]] = {}
    """Samples without a result, by code."""
    latency: Histogram = Histogram()
    resources: dict[Side, Resources] = {}
    economy: Economy
    power: Power = Power()
    margins: Margins
    alpha: float
    findings: tuple[Finding, ...] = ()
    recommendation: Recommendation
    confidence: float = Field(ge=0, le=1)
    """1 less the chance to be wrong by the test that decided; 0.5 means nothing was decided."""
    attempts: int = Field(default=1, ge=1)
    """Comparisons and experiments on this dataset so far: who tries often wins once by luck."""
    seed: int
    libraries: dict[Slug, Annotated[str, StringConstraints(max_length=40)]] = {}
    """Versions of conclave, numpy, scipy and statsmodels."""
    generated_at: datetime


class ComparisonOrder(Wire):
    """Input of `ComparisonWorkflow`: ids and numbers only."""

    comparison_id: str
    name: str
    rounds: tuple[tuple[str, str], ...] = ()
    """Experiments of v1 and v2 that run at the same time, one round for each repeat; none: they were run before."""
    samples: int = Field(default=1, ge=1)
    """Of each experiment."""
    analysis_queue: str
    models_queue: str


class ComparisonTask(Wire):
    """One comparison."""

    comparison_id: str


class ComparisonStatusTask(Wire):
    """Where a comparison stands from now on."""

    comparison_id: str
    status: ComparisonStatus
    failure: Slug | None = None


class ComparisonSummary(Wire):
    """What came of a comparison, in few words; the report is in the store."""

    recommendation: Recommendation
    confidence: float
    pairs: int = Field(ge=0)


class ComparisonOutcome(Wire):
    """Result of `ComparisonWorkflow`."""

    comparison_id: str
    status: ComparisonStatus
    summary: ComparisonSummary | None = None
    failure: Slug | None = None


class ComparisonProgress(Wire):
    """How far the runs of both sides are, together."""

    samples: int = Field(ge=0)
    done: int = Field(default=0, ge=0)
    errors: int = Field(default=0, ge=0)


class ComparisonView(Wire):
    """A comparison as the API shows it."""

    id: str
    name: str
    status: ComparisonStatus
    versions: dict[Side, ComparedSide]
    dataset_id: str
    dataset: str
    request: ComparisonRequest
    progress: ComparisonProgress
    report: ComparisonReport | None = None
    failure: Slug | None = None
    workflow_id: str
    workflow_url: str | None = None
    created_by: str
    created_at: datetime
    finished_at: datetime | None = None


class ComparisonPage(Wire):
    """Some comparisons, newest first, without their reports."""

    comparisons: tuple[ComparisonView, ...] = ()
    next_cursor: str | None = None


class TestPage(Wire):
    """Answer of `GET /comparisons/{id}/statistical-tests`."""

    statistical_tests: tuple[StatisticalTest, ...] = ()


class ExportRequest(Wire):
    """Body of `POST /comparisons/{id}/export`."""

    format: Literal["json", "csv", "pdf", "html"] = "pdf"
