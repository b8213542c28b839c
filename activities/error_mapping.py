"""The one place where a port's error becomes a Temporal failure and its retry posture."""

from collections.abc import Generator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from activities.ports import AnalysisFailed, IsolationUnavailable, ReviewUnknown, SourceUnknown, StoreUnavailable
from models.failures import FailureType

POSTURE: dict[type[Exception], tuple[FailureType, bool]] = {
    StoreUnavailable: (FailureType.STORE_UNAVAILABLE, True),
    SourceUnknown: (FailureType.SOURCE_UNKNOWN, False),
    ReviewUnknown: (FailureType.REVIEW_UNKNOWN, False),
    IsolationUnavailable: (FailureType.ISOLATION_UNAVAILABLE, False),
    AnalysisFailed: (FailureType.ANALYSIS_FAILED, True),
}
"""Each port error: its code, and whether trying again can help."""


def as_failure(error: Exception) -> ApplicationError:
    """Translate a port error. The message is a code, never content: histories and logs outlive secrets."""
    code, retryable = POSTURE.get(type(error), (FailureType.INTERNAL, True))
    return ApplicationError(code, type=code, non_retryable=not retryable)


@contextmanager
def translated() -> Generator[None, None, None]:
    """Turn every error of the world into a coded failure; cancellation and coded failures pass through."""
    try:
        yield
    except ApplicationError:
        raise
    except Exception as error:
        raise as_failure(error) from None
