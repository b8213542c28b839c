"""An experiment on a real server: every sample once, whatever fails, pauses, ends or comes twice."""

import asyncio
import uuid

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHistory, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import CancelledError, WorkflowAlreadyStartedError
from temporalio.worker import Replayer

from models.experiment import ExperimentStatus, Progress
from models.gate import Outcome
from models.ids import review_workflow_id
from tests.fakes import order
from tests.workflows.experiment_rig import SEC, World, until
from worker import workflow_runner
from workflows.experiment import ExperimentWorkflow
from workflows.review import ReviewWorkflow


async def replayed(client: Client, workflow_id: str) -> int:
    """Replay every run of a process; returns how many there were."""
    replayer = Replayer(
        workflows=[ExperimentWorkflow, ReviewWorkflow],
        data_converter=pydantic_data_converter,
        workflow_runner=workflow_runner(),
    )
    runs = [each async for each in client.list_workflows(f"WorkflowId = '{workflow_id}'")]
    for run in runs:
        history = await client.get_workflow_handle(workflow_id, run_id=run.run_id).fetch_history()
        await replayer.replay_workflow(WorkflowHistory.from_json(workflow_id, history.to_json()))
    return len(runs)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.PASS, ExperimentStatus.PASSED),
        (Outcome.FAIL, ExperimentStatus.QUARANTINED),
        (Outcome.INCONCLUSIVE, ExperimentStatus.INCONCLUSIVE),
    ],
)
async def test_every_sample_is_reviewed_once_and_the_gate_decides(
    client: Client, queue: str, outcome: Outcome, status: ExperimentStatus
) -> None:
    world = World(10)
    world.outcome = outcome
    async with world.at_work(client, queue):
        handle = await world.start(client, queue)
        result = await handle.result()
    assert (result.status, result.samples, result.errors) == (status, 10, 0)
    assert len(world.reviews.reports) == len(world.ends) == 10
    assert sorted(world.prepared) == list(range(10))
    assert world.analyst.calls == [], "what is prepared is not analysed again"
    assert world.seen["note"] == 3


async def test_a_failed_review_is_an_error_of_its_sample_alone(client: Client, queue: str) -> None:
    world = World(6, broken=(1, 4))
    async with world.at_work(client, queue):
        result = await (await world.start(client, queue)).result()
    assert (result.status, result.errors) == (ExperimentStatus.PASSED, 2)
    failed = {end.failure for end in world.ends.values() if end.failure}
    assert failed == {"source_unknown"}
    assert world.ends[world.id_of(1)].failure and world.ends[world.id_of(4)].failure


async def test_samples_of_a_batch_that_cannot_be_prepared_analyse_themselves(client: Client, queue: str) -> None:
    world = World(6)
    world.unprepared = {4}
    async with world.at_work(client, queue):
        result = await (await world.start(client, queue)).result()
    assert (result.status, result.errors) == (ExperimentStatus.PASSED, 0)
    assert world.analyst.calls == [SEC, SEC]
    assert len(world.reviews.reports) == 6


async def test_no_more_reviews_at_once_than_the_window_over_batches(client: Client, queue: str) -> None:
    world = World(9, seconds=0.1)
    world.unprepared = {0, 3, 6}
    async with world.at_work(client, queue):
        await (await world.start(client, queue, window=2, batch=3)).result()
    assert world.analyst.most_at_once == 2


async def test_it_goes_on_in_a_new_run_and_replays_without_a_cache(client: Client, queue: str) -> None:
    world = World(6, broken=(2,))
    # Steps within a task begin anew whenever a workflow without a cache is looked at: here reviews have none.
    world.unprepared = {0, 2, 4}
    async with world.at_work(client, queue, cached=0):
        handle = await world.start(client, queue, batch=2, per_run=2)
        result = await handle.result()
    assert (result.samples, result.errors) == (6, 1)
    assert len(world.ends) == 6 and world.seen["open"] == 1
    assert await replayed(client, handle.id) == 3


async def test_a_policy_engine_that_is_down_fails_the_experiment_and_quarantines_nothing(
    client: Client, queue: str
) -> None:
    world = World(2)
    world.policy_failure = "policy_unavailable"
    async with world.at_work(client, queue):
        result = await (await world.start(client, queue)).result()
    assert (result.status, result.failure) == (ExperimentStatus.FAILED, "policy_unavailable")
    assert world.settled is None


async def test_a_configuration_quarantined_meanwhile_ends_its_experiment(client: Client, queue: str) -> None:
    world = World(8)
    world.quarantined_from = 4
    async with world.at_work(client, queue):
        result = await (await world.start(client, queue)).result()
    assert (result.status, result.failure) == (ExperimentStatus.QUARANTINED, "config_quarantined")
    assert len(world.ends) <= 4


async def test_paused_at_once_it_begins_nothing_until_it_is_resumed(client: Client, queue: str) -> None:
    world = World(4)
    handle = await world.start(client, queue)
    await handle.signal("pause")
    async with world.at_work(client, queue):
        seen = await handle.query(ExperimentWorkflow.progress)
        assert seen == Progress(samples=4, done=0, paused=True)
        await until(lambda: world.statuses == [ExperimentStatus.PAUSED])
        assert not world.reviews.reports
        resumed = await handle.execute_update(ExperimentWorkflow.resume)
        assert not resumed.paused
        result = await handle.result()
    assert result.status is ExperimentStatus.PASSED
    assert world.statuses == [ExperimentStatus.PAUSED, ExperimentStatus.RUNNING]


async def test_a_pause_lets_what_is_under_way_end_and_comes_once(client: Client, queue: str) -> None:
    world = World(6, seconds=0.3)
    world.unprepared = {0}
    async with world.at_work(client, queue):
        handle = await world.start(client, queue, window=2, batch=6)
        await until(lambda: world.analyst.at_work == 2)
        await handle.execute_update(ExperimentWorkflow.pause)
        await handle.execute_update(ExperimentWorkflow.pause)
        await until(lambda: len(world.reviews.reports) == 2)
        assert world.analyst.at_work == 0 and len(world.analyst.calls) == 2
        await handle.execute_update(ExperimentWorkflow.resume)
        await handle.result()
        assert await replayed(client, handle.id) == 1
    assert len(world.ends) == 6
    assert world.statuses == [ExperimentStatus.PAUSED, ExperimentStatus.RUNNING]


async def test_cancelled_in_the_middle_its_reviews_are_cancelled_too(client: Client, queue: str) -> None:
    world = World(8, seconds=30)
    world.unprepared = {0, 4}
    async with world.at_work(client, queue):
        handle = await world.start(client, queue)
        await until(lambda: world.analyst.at_work == 4)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as ended:
            await handle.result()
        assert isinstance(ended.value.cause, CancelledError)
        assert world.statuses == [ExperimentStatus.CANCELLED]
        for number in range(4):
            child = client.get_workflow_handle(review_workflow_id(world.id_of(number)))
            with pytest.raises(WorkflowFailureError):
                await child.result()
        assert await replayed(client, handle.id) == 1
    assert world.settled is None


async def test_started_twice_it_is_one(client: Client, queue: str) -> None:
    world = World(2)
    async with world.at_work(client, queue):
        handle = await world.start(client, queue)
        with pytest.raises(WorkflowAlreadyStartedError):
            await world.start(client, queue)
        await handle.result()
    assert world.seen["open"] == 1


async def test_what_a_lost_process_left_is_joined_or_used(client: Client, queue: str) -> None:
    world = World(4, seconds=1.0)
    world.unprepared = {0}
    world.done = {0}
    # Number 1 is under way already, in a process that no experiment waits for.
    left = order(queue=queue, experts=(SEC,), review_id=world.id_of(1))
    async with world.at_work(client, queue):
        await client.start_workflow(ReviewWorkflow.run, left, id=review_workflow_id(left.review_id), task_queue=queue)
        handle = await world.start(client, queue)
        result = await handle.result()
        assert await replayed(client, handle.id) == 1
    assert (result.status, result.errors) == (ExperimentStatus.PASSED, 0)
    assert {number: world.ends[world.id_of(number)].cached for number in range(4)} == {
        0: True,
        1: True,
        2: False,
        3: False,
    }
    assert len(world.analyst.calls) == 3, "nothing is analysed twice"


async def test_nothing_is_paused_any_more_once_all_samples_are_over(client: Client, queue: str) -> None:
    world = World(1)
    async with world.at_work(client, queue):
        handle = await world.start(client, queue)
        await handle.result()
        with pytest.raises((WorkflowUpdateFailedError, Exception)):
            await handle.execute_update(ExperimentWorkflow.pause, id=uuid.uuid4().hex)


async def test_a_sample_costs_the_history_little(client: Client, queue: str) -> None:
    world = World(60)
    async with world.at_work(client, queue):
        handle = await world.start(client, queue, batch=30, window=16)
        await handle.result()
    history = await handle.fetch_history()
    size = sum(event.ByteSize() for event in history.events)
    assert len(history.events) / 60 < 9
    assert size / 60 < 6 * 1024
    assert "os.system" not in history.to_json()


async def test_where_no_model_is_asked_a_batch_is_one_step(client: Client, queue: str) -> None:
    world = World(10, asks=False)
    world.lost = {9}
    async with world.at_work(client, queue):
        handle = await world.start(client, queue, together=4, per_run=2)
        result = await handle.result()
    assert (result.status, result.samples, result.errors) == (ExperimentStatus.PASSED, 10, 1)
    assert len(world.reviews.reports) == len(world.ends) == 10
    history = await handle.fetch_history()
    steps = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    assert [step for step in steps if step][:5] == ["open_experiment", *["review_samples"] * 3, "evaluate_experiment"]
    assert await replayed(client, handle.id) == 1


async def test_a_batch_that_cannot_be_reviewed_whole_is_reviewed_one_by_one(client: Client, queue: str) -> None:
    world = World(6, broken=(3,), asks=False)
    world.unprepared = {4}
    async with world.at_work(client, queue):
        handle = await world.start(client, queue, together=2)
        result = await handle.result()
    assert (result.samples, result.errors) == (6, 1)
    assert len(world.ends) == 6 and len(world.reviews.reports) == 5
    assert {end.failure for end in world.ends.values()} == {None, "source_unknown"}


async def test_a_pause_waits_for_the_batch_and_begins_no_other(client: Client, queue: str) -> None:
    world = World(3, asks=False)
    world.held = asyncio.Event()
    async with world.at_work(client, queue):
        handle = await world.start(client, queue, together=1)
        await until(lambda: world.seen["review"] == 1)
        await handle.execute_update(ExperimentWorkflow.pause)
        world.held.set()
        await until(lambda: len(world.ends) == 1)
        await asyncio.sleep(0.5)
        assert world.seen["review"] == 1
        told = await handle.query(ExperimentWorkflow.progress)
        assert (told.done, told.paused) == (1, True)
        await handle.execute_update(ExperimentWorkflow.resume)
        assert (await handle.result()).samples == 3


async def test_quarantined_between_two_whole_batches_it_ends(client: Client, queue: str) -> None:
    world = World(4, asks=False)
    world.quarantined_from = 2
    async with world.at_work(client, queue):
        result = await (await world.start(client, queue, together=2)).result()
    assert (result.status, result.failure) == (ExperimentStatus.QUARANTINED, "config_quarantined")
    assert result.samples == 2
