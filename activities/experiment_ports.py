"""What experiments, their gate and the audit need from the world, and how it may fail."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.audit import AuditEntry, AuditEvent, AuditVerdict, Checkpoint
from models.audit_check import Verify
from models.dataset import Dataset, Sample
from models.experiment import Assessment, Bar, Evaluation, ExperimentRequest, ExperimentStatus, SampleEnd
from models.gate import Decision, GateInput, PolicyHash, PolicyName
from models.order import ReviewOrder
from models.promotion import PromotionState
from models.promotion_rules import Refusal
from models.quarantine import Quarantine
from models.review import ReviewReport
from models.reviewer_config import ReviewerConfig
from models.version import Version


class DatasetUnknown(Exception):
    """No such dataset."""


class SampleUnknown(Exception):
    """The dataset has no such sample."""


class ExperimentUnknown(Exception):
    """No such experiment."""


class ConfigQuarantined(Exception):
    """The configuration is on the blacklist: it is neither tried nor used."""


class PromotionUnknown(Exception):
    """No such promotion."""


class VersionUnknown(Exception):
    """No such version."""


class QuarantineUnknown(Exception):
    """The configuration was never on the blacklist."""


class ChangeRefused(Exception):
    """The rules do not allow a promotion, a vote, a rollback or a release; the audit chain has the attempt.

    Attributes:
        refusal: why.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class BarChanged(Exception):
    """Configuration, dataset or policy is not what was fixed when the experiment started; it decides nothing."""


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


class Chain(Protocol):
    """The audit chain, read and watched. Every method raises StoreUnavailable when it cannot be reached."""

    def entries(self, first_seq: int = 1) -> AsyncIterator[AuditEntry]:
        """The chain from a number on, in order; streamed, for it only ever grows."""
        ...

    async def alarm(self, verdict: AuditVerdict) -> None:
        """Let people know that the chain is not what it was; once for each thing that is wrong."""
        ...


class Checkpoints(Protocol):
    """Signed heads of the chain, outside the database."""

    async def read(self) -> list[Checkpoint]:
        """All of them, in the order in which they were written.

        Raises:
            LineUnreadable: a line is no checkpoint.
        """
        ...

    async def last(self) -> Checkpoint | None:
        """The one that was written last; None: there is none.

        Raises:
            LineUnreadable: it is no checkpoint.
        """
        ...

    async def verifier(self) -> Verify:
        """Tells whether a checkpoint's signature is good.

        Raises:
            KeyServiceUnavailable, KeyServiceRefused: the public keys cannot be had.
        """
        ...

    async def write(self, seq: int, head: str, at: datetime) -> Checkpoint:
        """Sign and keep a head.

        Raises:
            KeyServiceUnavailable, KeyServiceRefused: it cannot be signed.
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


class Promotions(Protocol):
    """Promotions, as their process sees them: what people said is stored already, by the API."""

    async def approved(self, promotion_id: str) -> str | None:
        """Id of the experiment, when enough people approved a promotion that waits; else None."""
        ...

    async def settle(
        self,
        promotion_id: str,
        hash_of: Callable[[PolicyName], PolicyHash],
        *,
        expired: bool,
        gated: Decision | None = None,
    ) -> PromotionState:
        """Apply, refuse or end a promotion if it is time, by what is stored; else leave it. Audited; one transaction.

        Args:
            promotion_id: which.
            hash_of: names a policy's present text.
            expired: whether its time is over by the process's clock.
            gated: what the gate says now; without it nothing is applied.

        Raises:
            PromotionUnknown: there is none.
            StoreUnavailable: it cannot be looked up; nothing was changed.
        """
        ...

    async def remind(self, promotion_id: str, elapsed_percent: int) -> None:
        """Raise an alert about a promotion that still waits. Raises as `settle` does."""
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


class NoSamples(Exception):
    """No sample of the dataset is in the split."""


class NotEvaluated(Exception):
    """There is no verdict yet that could be overridden, or none that may be any more."""


@dataclass(frozen=True, slots=True)
class Creation:
    """What is asked for, and by whom."""

    id: str
    request: ExperimentRequest
    policy: PolicyName
    by: str
    request_hash: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class SampleReview:
    """One sample of a running experiment: the review that is made of it."""

    order: ReviewOrder
    done: bool
    """Whether its report, or its failure, is stored."""
    failed: bool = False
    """Whether it is over without a report."""


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

    async def note_results(self, ends: Sequence[SampleEnd]) -> None:
        """Note that samples are over. The first word stays; a review without a report ends as failed."""
        ...

    def results(self, experiment_id: str) -> AsyncIterator[SampleResult]:
        """What came of every sample, in order; streamed, for there may be thousands."""
        ...

    async def set_status(
        self, experiment_id: str, status: ExperimentStatus, failure: str | None = None
    ) -> ExperimentStatus:
        """Change the status unless it has ended; gives what it is now. An end is audited in the same transaction."""
        ...

    async def settle(self, experiment_id: str, evaluation: Evaluation, status: ExperimentStatus) -> ExperimentStatus:
        """Keep the evaluation and end as it says, audited in the same transaction; what is ended stays as it is.

        An end as quarantined puts the configuration on the blacklist in the same transaction; that of production is
        rejected instead, so that no measurement stops reviews.
        """
        ...

    async def tokens(self, experiment_id: str) -> int:
        """Tokens of all questions to models that were asked for its samples."""
        ...

    async def baseline_cost(self, config_hash: str, dataset_hash: str) -> int | None:
        """Mean micro-USD of an analysis by a configuration on a dataset, by its latest evaluation; None: none."""
        ...


ResultStream = AsyncIterator[SampleResult]


class Evaluator(Protocol):
    """Makes numbers of results, a verdict of numbers, and facts for the policy of both."""

    async def assess(self, experiment: StoredExperiment, results: ResultStream) -> Assessment:
        """Metrics over all samples, and what the Version Control AI says of them.

        Raises:
            StoreUnavailable: the results cannot be read.
        """
        ...

    def facts(self, experiment: StoredExperiment, assessment: Assessment, baseline_micro_usd: int | None) -> GateInput:
        """What the policy is told.

        Args:
            experiment: with its bar.
            assessment: what was measured.
            baseline_micro_usd: mean cost of an analysis by the stable configuration; None: never measured.
        """
        ...


class ModelAccess(Protocol):
    """Who may ask models."""

    async def any_usable(self, user: str, config: ReviewerConfig) -> bool:
        """Whether a configuration's models can be asked in a user's name.

        Raises:
            StoreUnavailable: the catalogue cannot be read.
        """
        ...


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
