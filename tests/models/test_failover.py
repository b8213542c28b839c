"""The rule book of what follows a rejected result."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.call import Posture
from models.config import BacktrackConfig, FailoverConfig
from models.failover import LONGEST_QUOTA_WAIT_SECONDS, Progress, Rules, Step, next_step
from models.opinion import OpinionSummary, Rejection
from models.review import ReviewMode

PARALLEL = Rules(mode=ReviewMode.PARALLEL)
BACKTRACK = Rules(mode=ReviewMode.BACKTRACK)
FAILED, INVALID, UNSURE = Rejection.PROVIDER_ERROR, Rejection.INVALID_OUTPUT, Rejection.LOW_CONFIDENCE


def result(posture: Posture | None = None, further: int | None = None, wait: float | None = None) -> OpinionSummary:
    return OpinionSummary(posture=posture, further=further, retry_after_seconds=wait)


@pytest.mark.parametrize(
    ("rules", "rejection", "told", "so_far", "expected"),
    [
        (PARALLEL, FAILED, result(Posture.NEXT_PROVIDER, 2), (1, 0, 1), Step(position=2)),
        (PARALLEL, FAILED, result(Posture.NEXT_KEY, 1), (1, 3, 1), Step(position=4)),
        (PARALLEL, FAILED, result(Posture.NEXT_PROVIDER), (1, 0, 1), None),
        (PARALLEL, FAILED, result(Posture.STOP, 1), (1, 0, 1), None),
        (PARALLEL, FAILED, result(Posture.RETRY, 1), (1, 0, 1), Step(position=0, wait_seconds=1)),
        (PARALLEL, FAILED, result(Posture.RETRY, 1), (2, 0, 2), Step(position=0, wait_seconds=2)),
        (PARALLEL, FAILED, result(Posture.RETRY, 1), (3, 0, 3), Step(position=1)),
        (PARALLEL, FAILED, result(Posture.RETRY, None), (3, 0, 3), None),
        (PARALLEL, FAILED, result(Posture.RETRY, 1, 7), (1, 0, 1), Step(position=0, wait_seconds=7)),
        (PARALLEL, FAILED, result(Posture.RETRY, 1, 60), (1, 0, 1), Step(position=1)),
        (PARALLEL, FAILED, result(Posture.RETRY, None, 60), (1, 0, 1), Step(position=0, wait_seconds=60)),
        (PARALLEL, INVALID, result(further=1), (1, 0, 1), Step(position=0)),
        (PARALLEL, UNSURE, result(further=1), (1, 0, 1), None),
        (PARALLEL, Rejection.NO_PROVIDER, result(further=1), (1, 0, 1), None),
        (BACKTRACK, UNSURE, result(further=1), (1, 0, 1), Step(position=1, wait_seconds=1)),
        (BACKTRACK, UNSURE, result(), (2, 1, 1), Step(position=1, wait_seconds=2)),
        (BACKTRACK, UNSURE, result(further=1), (3, 2, 1), None),
        (BACKTRACK, FAILED, result(Posture.NEXT_PROVIDER), (1, 0, 1), None),
        (BACKTRACK, FAILED, result(Posture.RETRY, None, 9), (1, 0, 1), Step(position=0, wait_seconds=9)),
        (BACKTRACK, FAILED, result(Posture.STOP, 1), (1, 0, 1), None),
    ],
)
def test_the_next_question(
    rules: Rules, rejection: Rejection, told: OpinionSummary, so_far: tuple[int, int, int], expected: Step | None
) -> None:
    made, position, at_position = so_far
    assert (
        next_step(told, rejection, Progress(made=made, position=position, at_position=at_position), rules) == expected
    )


def test_an_unreadable_answer_is_repaired_once() -> None:
    so_far = Progress().asked(0, None)
    assert next_step(result(), INVALID, so_far, PARALLEL) == Step(position=0)
    assert next_step(result(), INVALID, so_far.asked(0, INVALID), PARALLEL) is None


def test_a_spent_quota_is_waited_for_only_when_asked_and_looked_at_every_hour_or_so() -> None:
    patient = Rules(mode=ReviewMode.PARALLEL, wait_for_quota=True)
    so_far = Progress(made=40, position=2, at_position=40, waits=39)
    spent = Rejection.QUOTA_EXCEEDED
    hourly = Step(position=2, wait_seconds=LONGEST_QUOTA_WAIT_SECONDS)
    assert next_step(result(wait=80_000), spent, so_far, patient) == hourly
    assert next_step(result(wait=60), spent, so_far, patient) == Step(position=2, wait_seconds=60)
    left, looks = 31 * 86_400.0, 0
    while left > 0:
        step = next_step(result(wait=left), spent, so_far, patient)
        assert step is not None
        left, looks = left - step.wait_seconds, looks + 1
    assert looks < 120, "a month of waiting fits a history many times over"
    assert next_step(result(wait=9e5), spent, so_far, PARALLEL) is None
    assert next_step(result(), spent, so_far, patient) is None, "a limit below the amount never fits"


POSTURES = st.sampled_from([None, *Posture])
RESULTS = st.builds(
    OpinionSummary,
    posture=POSTURES,
    further=st.none() | st.integers(1, 3),
    retry_after_seconds=st.none() | st.floats(0, 1e6),
)


@given(
    st.sampled_from([*ReviewMode]),
    st.lists(
        st.tuples(RESULTS, st.sampled_from([each for each in Rejection if each != "quota_exceeded"])), min_size=60
    ),
    st.integers(1, 10),
    st.integers(1, 20),
)
def test_asking_ends_whatever_comes_back_and_never_moves_up_the_chain(
    mode: ReviewMode, answers: list[tuple[OpinionSummary, Rejection]], attempts: int, calls: int
) -> None:
    rules = Rules(mode=mode, backtrack=BacktrackConfig(max_attempts=attempts), failover=FailoverConfig(max_calls=calls))
    so_far = Progress().asked(0, None)
    for told, rejection in answers:
        step = next_step(told, rejection, so_far, rules)
        if step is None:
            break
        assert step.position >= so_far.position
        so_far = so_far.asked(step.position, rejection)
    assert so_far.made <= (attempts if mode is ReviewMode.BACKTRACK else calls)
