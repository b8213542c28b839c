"""A comparison on a real server: both sides at once, round by round; what fails decides nothing."""

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import CancelledError

from models.comparison import ComparisonStatus, Recommendation
from models.ids import experiment_workflow_id
from tests.workflows.comparisons import Rig
from tests.workflows.experiment_rig import until


async def test_both_sides_run_in_every_round_and_are_compared_once(client: Client, queue: str) -> None:
    rig = Rig(rounds=3)
    async with rig.at_work(client, queue):
        outcome = await (await rig.start(client, queue)).result()
    assert outcome.status is ComparisonStatus.COMPLETED
    assert outcome.summary is not None and outcome.summary.recommendation is Recommendation.HOLD
    assert rig.compared == 1
    begun = [frozenset(rig.began[place : place + 2]) for place in range(0, 6, 2)]
    assert begun == [frozenset(each) for each in rig.rounds], "a round is over before the next begins"


async def test_recorded_runs_are_compared_at_once(client: Client, queue: str) -> None:
    rig = Rig(rounds=0)
    async with rig.at_work(client, queue):
        outcome = await (await rig.start(client, queue)).result()
    assert (outcome.status, rig.began, rig.compared) == (ComparisonStatus.COMPLETED, [], 1)


async def test_a_run_without_results_ends_it_and_decides_nothing(client: Client, queue: str) -> None:
    rig = Rig(rounds=2, name="long", bad=0)
    rig.name = "short"
    async with rig.at_work(client, queue):
        outcome = await (await rig.start(client, queue)).result()
    assert (outcome.status, outcome.failure, outcome.summary) == (ComparisonStatus.FAILED, "config_quarantined", None)
    assert rig.noted == [(ComparisonStatus.FAILED, "config_quarantined")]
    assert rig.compared == 0 and len(rig.began) == 2, "no further round begins"


async def test_statistics_that_fail_are_told(client: Client, queue: str) -> None:
    rig = Rig()
    rig.broken = True
    async with rig.at_work(client, queue):
        outcome = await (await rig.start(client, queue)).result()
    assert (outcome.status, outcome.failure) == (ComparisonStatus.FAILED, "experiment_unknown")


async def test_cancelled_its_runs_are_cancelled_too(client: Client, queue: str) -> None:
    rig = Rig(name="long")
    async with rig.at_work(client, queue):
        handle = await rig.start(client, queue)
        await until(lambda: len(rig.began) == 2)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        for run in rig.rounds[0]:
            ended = await client.get_workflow_handle(experiment_workflow_id(run)).describe()
            assert ended.status is WorkflowExecutionStatus.CANCELED
    assert isinstance(caught.value.cause, CancelledError)
    assert rig.noted == [(ComparisonStatus.CANCELLED, None)]
