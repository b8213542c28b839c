"""The one place where a port's error becomes a Temporal failure and its retry posture."""

from collections.abc import Generator
from contextlib import contextmanager
from enum import Enum

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.comparison_ports import ComparisonUnknown
from activities.experiment_ports import (
    BarChanged,
    ConfigQuarantined,
    DatasetUnknown,
    ExperimentUnknown,
    PolicyMalformed,
    PolicyUnavailable,
    PromotionUnknown,
)
from activities.key_ports import KeyServiceRefused
from activities.ports import (
    AnalysisFailed,
    IsolationUnavailable,
    KeyServiceUnavailable,
    ReviewUnknown,
    SourceUnknown,
    StoreUnavailable,
)
from activities.provider_ports import ProviderUnknown, QuotaUnavailable, ReservationClosed
from models.failures import FailureType

PATIENCE = 3
"""Attempts after which a failure that may be a defect is taken for one."""


class Retry(Enum):
    """Whether trying again can help."""

    ALWAYS = "always"
    """A part is down; it will come back."""
    FEW = "few"
    """It may have been the moment; after `PATIENCE` attempts it was not."""
    NEVER = "never"


POSTURE: dict[type[Exception], tuple[FailureType, Retry]] = {
    StoreUnavailable: (FailureType.STORE_UNAVAILABLE, Retry.ALWAYS),
    SourceUnknown: (FailureType.SOURCE_UNKNOWN, Retry.NEVER),
    ReviewUnknown: (FailureType.REVIEW_UNKNOWN, Retry.NEVER),
    ProviderUnknown: (FailureType.PROVIDER_UNKNOWN, Retry.NEVER),
    IsolationUnavailable: (FailureType.ISOLATION_UNAVAILABLE, Retry.NEVER),
    AnalysisFailed: (FailureType.ANALYSIS_FAILED, Retry.FEW),
    QuotaUnavailable: (FailureType.QUOTA_UNAVAILABLE, Retry.ALWAYS),
    # The sweeper was quicker; the next try sets money aside anew.
    ReservationClosed: (FailureType.RESERVATION_CLOSED, Retry.FEW),
    KeyServiceUnavailable: (FailureType.KEK_UNAVAILABLE, Retry.ALWAYS),
    KeyServiceRefused: (FailureType.KEK_REFUSED, Retry.NEVER),
    DatasetUnknown: (FailureType.DATASET_UNKNOWN, Retry.NEVER),
    ExperimentUnknown: (FailureType.EXPERIMENT_UNKNOWN, Retry.NEVER),
    ComparisonUnknown: (FailureType.COMPARISON_UNKNOWN, Retry.NEVER),
    ConfigQuarantined: (FailureType.CONFIG_QUARANTINED, Retry.NEVER),
    BarChanged: (FailureType.BAR_CHANGED, Retry.NEVER),
    PolicyUnavailable: (FailureType.POLICY_UNAVAILABLE, Retry.ALWAYS),
    PolicyMalformed: (FailureType.POLICY_MALFORMED, Retry.FEW),
    PromotionUnknown: (FailureType.PROMOTION_UNKNOWN, Retry.NEVER),
}
"""Each port error: its code, and whether trying again can help. Any other error is ours: internal, a few tries."""


def as_failure(error: Exception, attempt: int = 1) -> ApplicationError:
    """Translate a port error. The message is a code, never content: histories and logs outlive secrets."""
    code, retry = POSTURE.get(type(error), (FailureType.INTERNAL, Retry.FEW))
    final = retry is Retry.NEVER or (retry is Retry.FEW and attempt >= PATIENCE)
    return ApplicationError(code, type=code, non_retryable=final)


@contextmanager
def translated() -> Generator[None, None, None]:
    """Turn every error of the world into a coded failure; cancellation and coded failures pass through."""
    try:
        yield
    except ApplicationError:
        raise
    except Exception as error:
        raise as_failure(error, activity.info().attempt) from None
