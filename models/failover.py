"""What to do after a model's result was not accepted: wait, ask again, ask the next, or leave it."""

from pydantic import Field

from models.call import Posture
from models.config import BacktrackConfig, FailoverConfig
from models.opinion import OpinionSummary, Rejection
from models.review import ReviewMode
from models.wire import Wire

LONGEST_QUOTA_WAIT_SECONDS = 3600.0
"""A review that waits for its quota looks again after this long: somebody may have raised it."""
QUOTA_LOOKS = 24
"""Where the wait is longer than so many looks, each takes this share of what is left: a month of hourly looks by seven
experts would fill the history that a workflow may have."""


class Progress(Wire):
    """How often one expert's model half was asked, and where it stands in the fallback chain."""

    made: int = Field(default=0, ge=0)
    """Questions asked so far, over the whole review."""
    position: int = Field(default=0, ge=0)
    at_position: int = Field(default=0, ge=0)
    """Questions asked at this place of the chain."""
    repairs: int = Field(default=0, ge=0)
    """Second tries after an answer that could not be read."""
    waits: int = Field(default=0, ge=0)
    """Questions that only looked whether the quota had room again."""

    @property
    def counted(self) -> int:
        """Questions that count against limits."""
        return self.made - self.waits

    def asked(self, position: int, rejection: Rejection | None) -> "Progress":
        """One more question at a place, asked because the one before was rejected for this reason."""
        return Progress(
            made=self.made + 1,
            position=position,
            at_position=self.at_position + 1 if position == self.position else 1,
            repairs=self.repairs + (rejection is Rejection.INVALID_OUTPUT),
            waits=self.waits + (rejection is Rejection.QUOTA_EXCEEDED),
        )


class Rules(Wire):
    """What is allowed in one review."""

    mode: ReviewMode
    backtrack: BacktrackConfig = BacktrackConfig()
    failover: FailoverConfig = FailoverConfig()
    wait_for_quota: bool = False


class Step(Wire):
    """The next question: where, and after how long."""

    position: int = Field(ge=0)
    wait_seconds: float = Field(default=0.0, ge=0)


def next_step(result: OpinionSummary, rejection: Rejection, so_far: Progress, rules: Rules) -> Step | None:
    """The next question after one that was not accepted; None: the static half stands.

    In every mode a provider that fails is followed by the next of the chain, and an answer that cannot be read is asked
    for once more. Only backtracking asks again for an answer that was merely not good enough, each time further down
    the chain and after an exponentially growing wait.
    """
    if rejection is Rejection.QUOTA_EXCEEDED:
        return _after_quota(result, so_far) if rules.wait_for_quota else None
    if rejection is Rejection.NO_PROVIDER or result.posture is Posture.STOP:
        return None
    limit = rules.backtrack.max_attempts if rules.mode is ReviewMode.BACKTRACK else rules.failover.max_calls
    if so_far.counted >= limit:
        return None
    if rejection is Rejection.BUDGET_SPENT:
        # Too dear here; the next may be cheaper.
        return None if result.further is None else Step(position=so_far.position + result.further)
    if rules.mode is ReviewMode.BACKTRACK:
        return _backtracked(result, so_far, rules.backtrack)
    if rejection is Rejection.PROVIDER_ERROR:
        return _failed_over(result, so_far, rules)
    if rejection is Rejection.INVALID_OUTPUT and so_far.repairs == 0:
        return Step(position=so_far.position)
    return None


def _after_quota(result: OpinionSummary, so_far: Progress) -> Step | None:
    if result.retry_after_seconds is None:
        return None
    left = max(result.retry_after_seconds, 1.0)
    wait = min(left, max(LONGEST_QUOTA_WAIT_SECONDS, left / QUOTA_LOOKS))
    return Step(position=so_far.position, wait_seconds=wait)


def _backtracked(result: OpinionSummary, so_far: Progress, config: BacktrackConfig) -> Step | None:
    wait = config.backoff_seconds(so_far.counted)
    if result.further is not None:
        return Step(position=so_far.position + result.further, wait_seconds=wait)
    if result.posture in (Posture.NEXT_KEY, Posture.NEXT_PROVIDER):
        return None
    return Step(position=so_far.position, wait_seconds=max(wait, result.retry_after_seconds or 0.0))


def _failed_over(result: OpinionSummary, so_far: Progress, rules: Rules) -> Step | None:
    if result.posture is Posture.RETRY:
        wait = max(rules.backtrack.backoff_seconds(so_far.at_position), result.retry_after_seconds or 0.0)
        # Who asks for more patience than the next one in the chain needs is passed over.
        patient = wait <= rules.failover.longest_wait_seconds or result.further is None
        if so_far.at_position <= rules.failover.retries and patient:
            return Step(position=so_far.position, wait_seconds=wait)
    return None if result.further is None else Step(position=so_far.position + result.further)
