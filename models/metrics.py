"""What is measured: every metric once, by its name on the Prometheus page, with the values its labels may take."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from itertools import product
from math import prod
from typing import Final

from models.call import CallFailure
from models.comparison import Recommendation
from models.experiment import ExperimentStatus
from models.expert import CoverageReason, ExpertName
from models.ids import Queue
from models.opinion import Rejection
from models.promotion import PromotionStatus
from models.provider import ModelTier
from models.reservation import ReservationState
from models.review import ExpertStatus, ReviewMode
from models.source import Language

OTHER: Final = "other"
"""What a label says whose value is none of its own."""


class Kind(StrEnum):
    """How a metric behaves."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"
    """Read when the page is asked for, never counted."""


@dataclass(frozen=True, slots=True)
class Names:
    """Values that are no enumeration: names out of a catalogue, so many of them at most in one process."""

    limit: int


Values = type[StrEnum] | Names


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, Values] = field(default_factory=dict[str, Values])
    buckets: tuple[float, ...] = ()
    """Upper bounds, of a histogram."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number for one metric: what to add to a counter, what a histogram saw, where a gauge stands."""

    metric: Metric
    value: float
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


class Half(StrEnum):
    """Of an expert."""

    STATIC = "static"
    MODEL = "model"


class ReviewEnd(StrEnum):
    """How a review ended."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Significance(StrEnum):
    """What a statistical test says."""

    NONE = "none"
    SIGNIFICANT = "significant"
    """p below 0.05."""
    HIGHLY = "highly_significant"
    """p below 0.01."""


class CheckResult(StrEnum):
    """What a look at a provider saw."""

    GOOD = "good"
    BAD = "bad"
    KEY = "key_trouble"
    """The key was refused, which says nothing of the provider."""


class Direction(StrEnum):
    """Of tokens."""

    INPUT = "input"
    CACHED = "cached"
    """Input that the provider had, or was asked to keep, in its cache."""
    OUTPUT = "output"


class Usefulness(StrEnum):
    """Whether what was paid for could be used."""

    USEFUL = "useful"
    UNUSABLE = "unusable"


class Booking(StrEnum):
    """What becomes of a reservation."""

    GRANTED = "granted"
    REFUSED = "refused"
    SETTLED = "settled"
    RELEASED = "released"
    UNKNOWN = "unknown"


class Stage(StrEnum):
    """Where a quota said no."""

    SUBMISSION = "submission"
    """A review whose budget the quota cannot pay."""
    CALL = "call"
    """A model call of a review under way."""


class Verdict(StrEnum):
    """Of a look at the audit chain."""

    INTACT = "intact"
    BROKEN = "broken"


class Delivery(StrEnum):
    """Of spans to the collector."""

    SENT = "sent"
    LOST = "lost"


class Work(StrEnum):
    """What waits in a task queue."""

    WORKFLOW = "workflow"
    ACTIVITY = "activity"


class Period(StrEnum):
    """Of a quota."""

    DAY = "day"
    MONTH = "month"


class Part(StrEnum):
    """What gauges are read from."""

    DATABASE = "database"
    TEMPORAL = "temporal"
    CHECKPOINTS = "checkpoints"


class Method(StrEnum):
    """HTTP methods that the API knows."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    HEAD = "HEAD"
    OPTIONS = "OPTIONS"


CALL_RESULTS: type[StrEnum] = StrEnum("CallResult", ["ok", *(each.value for each in CallFailure)])  # pyright: ignore[reportAssignmentType]
"""How a model call went: `ok`, or the code of its failure."""

PROVIDERS = Names(60)
"""Names in the catalogue, which administrators write."""
TOOLS = Names(60)
TESTS = Names(20)
ROUTES = Names(150)
STATUSES = Names(40)
USERS = Names(20)
"""Users in one answer: those who spent most."""

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
TENTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def _counter(name: str, help: str, **labels: Values) -> Metric:
    return Metric(name, Kind.COUNTER, help, labels)


def _histogram(name: str, help: str, buckets: tuple[float, ...], **labels: Values) -> Metric:
    return Metric(name, Kind.HISTOGRAM, help, labels, buckets)


def _gauge(name: str, help: str, **labels: Values) -> Metric:
    return Metric(name, Kind.GAUGE, help, labels)


COMPLEXITY = _histogram(
    "orchestrator_complexity_score", "Complexity of submitted reviews, 0 to 1.", TENTHS, language=Language
)
EXPERT_SECONDS = _histogram(
    "orchestrator_expert_execution_time_seconds",
    "Time one expert took: its analysers, or one question to a model with all that stands around it.",
    SECONDS,
    expert=ExpertName,
    half=Half,
)
PROVIDER_SELECTIONS = _counter(
    "orchestrator_provider_selection_total",
    "Routes decided, by the provider that is asked first.",
    provider=PROVIDERS,
    tier=ModelTier,
)
FALLBACKS = _counter(
    "orchestrator_provider_fallbacks_total",
    "Questions that went further down the route, by why the one before was not accepted.",
    expert=ExpertName,
    reason=Rejection,
)
REVIEWS = _counter("orchestrator_reviews_total", "Reviews that ended.", mode=ReviewMode, end=ReviewEnd)
EXPERT_RESULTS = _counter(
    "orchestrator_expert_results_total", "Experts in published reports.", expert=ExpertName, status=ExpertStatus
)
ANALYSER_FAILURES = _counter(
    "orchestrator_analyser_failures_total",
    "Files that an analyser did not read to their end, by analyser and why.",
    tool=TOOLS,
    reason=CoverageReason,
)
EXPERIMENTS = _counter(
    "version_control_experiments_total",
    "Experiments by what became of them; `running` when one begins.",
    status=ExperimentStatus,
)
PROMOTIONS = _counter(
    "version_control_promotions_total",
    "Promotions by what became of them; `awaiting` when one is asked for.",
    status=PromotionStatus,
)
STATISTICAL_TESTS = _counter(
    "comparison_statistical_tests_total",
    "Statistical tests of comparisons.",
    test=TESTS,
    result=Significance,
)
COMPARISONS = _counter("comparison_reports_total", "Comparisons that have a report.", recommendation=Recommendation)
HEALTH_CHECKS = _counter("provider_health_checks_total", "Looks at providers.", provider=PROVIDERS, result=CheckResult)
QUOTA_VIOLATIONS = _counter(
    "provider_quota_violations_total", "Model calls and reviews that a quota refused.", stage=Stage
)
CALLS = _counter("provider_calls_total", "Model calls.", provider=PROVIDERS, result=CALL_RESULTS)
CALL_SECONDS = _histogram(
    "provider_call_duration_seconds", "Time to a model's whole answer.", SECONDS, provider=PROVIDERS
)
TOKENS = _counter("provider_tokens_total", "Tokens that providers counted.", provider=PROVIDERS, direction=Direction)
COST = _counter(
    "provider_cost_micro_usd_total",
    "Booked cost of model calls, in millionths of a US dollar.",
    provider=PROVIDERS,
    use=Usefulness,
)
RESERVATIONS = _counter("provider_reservations_total", "What became of reservations.", booking=Booking)
AUDIT_CHECKS = _counter(
    "audit_checks_total", "Looks at what came to the audit chain since its last checkpoint.", verdict=Verdict
)
HTTP_SECONDS = _histogram(
    "http_server_request_duration_seconds",
    "Time to the beginning of the API's answer, by the route's template.",
    REQUEST_SECONDS,
    http_request_method=Method,
    http_route=ROUTES,
    http_response_status_code=STATUSES,
)
SPANS = _counter(
    "telemetry_spans_total", "Spans that were handed to the collector, or could not be.", delivery=Delivery
)

PROVIDER_HEALTHY = _gauge(
    "provider_healthy", "Whether a provider that is switched on takes traffic: 1 or 0.", provider=PROVIDERS
)
QUOTA_USED = _gauge(
    "provider_quota_used_micro_usd",
    "Spent and set aside in this UTC day or month, of the users who spent most this month.",
    user=USERS,
    period=Period,
)
QUOTA_LIMIT = _gauge("provider_quota_limit_micro_usd", "The limit of the same users.", user=USERS, period=Period)
QUOTA_REQUESTS = _gauge(
    "provider_quota_requests", "Model calls of the same users in the period.", user=USERS, period=Period
)
RESERVATIONS_OPEN = _gauge("provider_reservations_open", "Reservations that are not settled.", state=ReservationState)
HELD = _gauge("provider_reservations_held_micro_usd", "What open reservations hold.", state=ReservationState)
REVIEWS_RUNNING = _gauge("orchestrator_reviews_running", "Reviews of users that were accepted and have not ended.")
EXPERIMENTS_OPEN = _gauge(
    "version_control_experiments_open", "Experiments that have not ended.", status=ExperimentStatus
)
EXPERIMENT_IDLE = _gauge(
    "version_control_experiment_idle_seconds",
    "Longest time that a running experiment has gone without finishing a sample; 0 when none runs.",
)
PROMOTIONS_WAITING = _gauge("version_control_promotions_waiting", "Promotions that wait for approvers.")
AUDIT_UNSIGNED = _gauge("audit_unsigned_entries", "Entries of the audit chain above the last signed checkpoint.")
AUDIT_CHECKPOINT_AGE = _gauge(
    "audit_checkpoint_age_seconds", "Time since the last signed checkpoint; 0 when nothing is unsigned."
)
BACKLOG = _gauge("orchestrator_queue_backlog", "Tasks that wait for a worker.", queue=Queue, work=Work)
BACKLOG_AGE = _gauge(
    "orchestrator_queue_backlog_age_seconds", "How long the oldest of them has waited.", queue=Queue, work=Work
)
POLLERS = _gauge(
    "orchestrator_queue_pollers", "Workers that asked for a task in the last minutes.", queue=Queue, work=Work
)
PART_READ = _gauge("conclave_part_read", "Whether the gauges of a part could be read just now: 1 or 0.", part=Part)

METRICS: Final[tuple[Metric, ...]] = tuple(each for each in list(globals().values()) if isinstance(each, Metric))
"""All of them."""

_PLAIN = re.compile(r"[A-Za-z0-9_./{}:@ -]{1,120}")

MOST_ZEROS = 12
"""Series of one counter that are shown before anything was counted."""


@cache
def values_of(values: type[StrEnum]) -> frozenset[str]:
    """All values of an enumeration."""
    return frozenset(each.value for each in values)


def allowed(values: Values, value: str) -> str:
    """A label's value, or `other`: none is made of what somebody sent."""
    if isinstance(values, Names):
        return value if _PLAIN.fullmatch(value) else OTHER
    return value if value in values_of(values) else OTHER


def zeros(metric: Metric) -> Iterator[Measurement]:
    """The series that a counter certainly has, at 0: a first event is then a rise, which alerts can see."""
    labels = {name: values_of(each) for name, each in metric.labels.items() if not isinstance(each, Names)}
    if metric.kind is not Kind.COUNTER or len(labels) < len(metric.labels):
        return
    if prod(len(each) for each in labels.values()) > MOST_ZEROS:
        return
    for chosen in product(*map(sorted, labels.values())):
        yield Measurement(metric, 0, dict(zip(labels, chosen, strict=True)))
