"""What experiments, their gate and the audit need from the world, and how it may fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.audit import AuditEntry, AuditEvent, Checkpoint
from models.dataset import Dataset, Sample
from models.experiment import Bar, Evaluation, ExperimentStatus
from models.gate import Decision, GateInput, PolicyHash, PolicyName
from models.order import ReviewOrder
from models.quarantine import Quarantine
from models.review import ReviewReport
from models.reviewer_config import ReviewerConfig
from models.version import Version


class DatasetUnknown(Exception):
    """No such dataset."""


class ExperimentUnknown(Exception):
    """No such experiment."""


class ConfigQuarantined(Exception):
    """The configuration is on the blacklist: it is neither tried nor used."""


class PolicyUnavailable(Exception):
    """The policy engine cannot be reached or does not answer in time: nothing passes meanwhile."""


class PolicyMalformed(Exception):
    """The policy engine's answer is not a decision of the policy that was fixed; nothing passes."""


class Audit(Protocol):
    """The audit chain. Only ever appended to."""

    async def append(self, event: AuditEvent) -> AuditEntry:
        """Append, or give the entry that has the same `dedup`.

        Raises:
            StoreUnavailable: it cannot be written; then what it tells must not happen either.
        """
        ...


class Checkpoints(Protocol):
    """Signed heads of the chain, outside the database."""

    async def write(self, seq: int, head: str, at: datetime) -> Checkpoint:
        """Sign and keep a head.

        Raises:
            KeyServiceUnavailable: it cannot be signed.
        """
        ...


class Datasets(Protocol):
    """Datasets, read."""

    async def get(self, dataset_id: str) -> Dataset:
        """One dataset.

        Raises:
            DatasetUnknown: there is none.
        """
        ...

    async def samples(self, dataset_id: str, positions: Sequence[int]) -> list[Sample]:
        """Some samples of a dataset, in the order of their positions."""
        ...


class Versions(Protocol):
    """Which configuration is in production."""

    async def stable(self) -> Version:
        """The stable version; there always is one, the shipped one at first.

        Raises:
            ConfigQuarantined: its configuration was quarantined meanwhile.
        """
        ...


class Blacklist(Protocol):
    """Quarantined configurations."""

    async def check(self, config_hash: str) -> None:
        """Nothing, if the configuration may be tried and used.

        Raises:
            ConfigQuarantined: it may not.
        """
        ...

    async def quarantine(self, config_hash: str, reason: str, evidence: Mapping[str, object], by: str) -> Quarantine:
        """Put a configuration on the blacklist; once there, the first entry stays. Audited in the same transaction."""
        ...


@dataclass(frozen=True, slots=True)
class SampleReview:
    """One sample of a running experiment: the review that is made of it."""

    sample: Sample
    order: ReviewOrder
    done: bool
    """Whether its report, or its failure, is stored."""


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What came of one sample."""

    sample: Sample
    report: ReviewReport | None
    """None: there is none; the sample counts as wrong."""
    seconds: float
    """From the begin of its review to its report; its share of a batch's static analysis included."""
    cached: bool
    """Whether answers in it were not made anew: no measure of latency or cost."""
    failure: str | None


@dataclass(frozen=True, slots=True)
class StoredExperiment:
    """An experiment as it is stored."""

    id: str
    name: str
    config: ReviewerConfig
    config_hash: str
    dataset_id: str
    positions: tuple[int, ...]
    """Samples, by their positions in the dataset, in order."""
    policy: PolicyName
    status: ExperimentStatus
    bar: Bar | None
    created_by: str


class Experiments(Protocol):
    """Experiments and the reviews of their samples. Saving the same thing twice changes nothing.

    Every method raises StoreUnavailable when the store cannot be reached, ExperimentUnknown when there is none.
    """

    async def get(self, experiment_id: str) -> StoredExperiment: ...

    async def open(self, experiment_id: str, bar: Bar) -> Bar:
        """Fix the bar, audited in the same transaction; a bar that is there already is given back unchanged."""
        ...

    async def reviews(self, experiment_id: str, first: int, count: int) -> list[SampleReview]:
        """The reviews of samples number `first` and following, by their order in the experiment; made if missing.

        The id of a review is a function of experiment and sample, so that no sample is reviewed twice.
        """
        ...

    async def note_batch(self, review_ids: Sequence[str], seconds: float) -> None:
        """Note the static analysis of some samples, and how long it took for each."""
        ...

    async def note_result(self, review_id: str, failure: str | None, seconds: float, cached: bool) -> None: ...

    def results(self, experiment_id: str) -> "ResultStream":
        """What came of every sample, in order; streamed, for there may be thousands."""
        ...

    async def set_status(
        self, experiment_id: str, status: ExperimentStatus, failure: str | None = None
    ) -> ExperimentStatus:
        """Change the status unless it has ended; gives what it is now. An end is audited in the same transaction."""
        ...

    async def save_evaluation(self, experiment_id: str, evaluation: Evaluation) -> Evaluation:
        """Keep the evaluation, audited in the same transaction; one that is there already is given back."""
        ...

    async def baseline_cost(self, config_hash: str, dataset_hash: str) -> int | None:
        """Mean micro-USD of an analysis by a configuration on a dataset, by its latest evaluation; None: none."""
        ...


class ResultStream(Protocol):
    """An asynchronous iterator over results."""

    def __aiter__(self) -> "ResultStream": ...

    async def __anext__(self) -> SampleResult: ...


class PolicyEngine(Protocol):
    """Evaluates the gate's policy."""

    def hash_of(self, policy: PolicyName) -> PolicyHash:
        """Name of a policy's text."""
        ...

    async def decide(self, policy: PolicyName, facts: GateInput) -> Decision:
        """What the policy says of the facts.

        Raises:
            PolicyUnavailable, PolicyMalformed: it said nothing that may be relied on; nothing passes.
        """
        ...
