"""The situations of an experiment whose histories are kept: today's code must replay what yesterday's wrote."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from temporalio.client import Client, WorkflowFailureError

from models.gate import Outcome
from models.ids import review_workflow_id
from tests.fakes import order
from tests.workflows.ending import at_rest, history_of
from tests.workflows.experiment_rig import SEC, World, until
from workflows.experiment import ExperimentWorkflow
from workflows.review import ReviewWorkflow

Situation = Callable[[Client, str], Awaitable[str]]


async def passes(client: Client, queue: str) -> str:
    """One review fails, one batch is not prepared, one sample was over before."""
    world = World(6, broken=(1,))
    world.unprepared, world.done = {2}, {5}
    async with world.at_work(client, queue):
        handle = await world.start(client, queue, window=2, batch=2)
        await handle.result()
    return (await handle.fetch_history()).to_json()


async def goes_on(client: Client, queue: str) -> str:
    """The first of two runs, which hands over to the next."""
    world = World(4)
    async with world.at_work(client, queue):
        handle = await world.start(client, queue, batch=2, per_run=2)
        await handle.result()
    first = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    return (await first.fetch_history()).to_json()


async def pauses(client: Client, queue: str) -> str:
    """By signal before it begins, then by update in the middle."""
    world = World(4, seconds=1.0)
    world.unprepared = {0}
    handle = await world.start(client, queue, window=2)
    await handle.signal("pause")
    async with world.at_work(client, queue):
        await handle.execute_update(ExperimentWorkflow.resume)
        await until(lambda: world.analyst.at_work == 2)
        await handle.execute_update(ExperimentWorkflow.pause)
        await until(lambda: len(world.reviews.reports) == 2)
        await handle.signal("resume")
        await handle.result()
    return (await handle.fetch_history()).to_json()


async def is_cancelled(client: Client, queue: str) -> str:
    """While reviews are under way."""
    world = World(4, seconds=20)
    world.unprepared = {0}
    async with world.at_work(client, queue):
        handle = await world.start(client, queue, window=2, batch=3)
        await until(lambda: world.analyst.at_work == 2)
        await handle.cancel()
        with suppress(WorkflowFailureError):
            await handle.result()
    return (await handle.fetch_history()).to_json()


async def is_not_decided(client: Client, queue: str) -> str:
    """The policy engine stays away."""
    world = World(1)
    world.policy_failure = "policy_unavailable"
    async with world.at_work(client, queue):
        handle = await world.start(client, queue)
        await handle.result()
    return (await handle.fetch_history()).to_json()


async def _decided(outcome: Outcome, client: Client, queue: str) -> str:
    world = World(2)
    world.outcome = outcome
    async with world.at_work(client, queue):
        return await history_of(await world.start(client, queue))


async def is_quarantined(client: Client, queue: str) -> str:
    """The gate says no."""
    return await _decided(Outcome.FAIL, client, queue)


async def is_inconclusive(client: Client, queue: str) -> str:
    """Too few samples to say."""
    return await _decided(Outcome.INCONCLUSIVE, client, queue)


async def is_blacklisted_midway(client: Client, queue: str) -> str:
    """Somebody puts the configuration into quarantine while its samples run."""
    world = World(4)
    world.quarantined_from = 2
    async with world.at_work(client, queue):
        return await history_of(await world.start(client, queue, batch=2))


async def is_measured(client: Client, queue: str) -> str:
    """A side of a comparison: there is no gate at its end."""
    world = World(2)
    async with world.at_work(client, queue):
        return await history_of(await world.start(client, queue, gated=False))


async def went_on(client: Client, queue: str) -> str:
    """The second of two runs."""
    world = World(4)
    async with world.at_work(client, queue):
        handle = await world.start(client, queue, batch=2, per_run=2)
        await handle.result()
    return await history_of(client.get_workflow_handle(handle.id))


async def is_evaluated_again(client: Client, queue: str) -> str:
    """All of its reviews are there: the numbers are made anew, and the gate decides anew."""
    world = World(2)
    world.done = {0, 1}
    async with world.at_work(client, queue):
        return await history_of(await world.start(client, queue))


async def joins_a_lost_review(client: Client, queue: str) -> str:
    """The review of its sample runs already, for a process that is gone."""
    world = World(1, seconds=1.0)
    world.unprepared = {0}
    left = order(queue=queue, experts=(SEC,), review_id=world.id_of(0))
    async with world.at_work(client, queue):
        await client.start_workflow(ReviewWorkflow.run, left, id=review_workflow_id(left.review_id), task_queue=queue)
        return await history_of(await world.start(client, queue))


async def is_cancelled_while_paused(client: Client, queue: str) -> str:
    """Before its first sample."""
    world = World(2)
    handle = await world.start(client, queue)
    await handle.signal("pause")
    async with world.at_work(client, queue):
        await at_rest(handle)
        await handle.cancel()
        return await history_of(handle)


async def reviews_whole(client: Client, queue: str) -> str:
    """No model is asked: a batch is a step. The last has a broken source, so each of its samples is a review again."""
    world = World(6, broken=(5,), asks=False)
    async with world.at_work(client, queue):
        return await history_of(await world.start(client, queue, together=2, window=1))


async def pauses_between_whole_batches(client: Client, queue: str) -> str:
    """What is under way ends; the next batch waits."""
    world = World(2, asks=False)
    world.held = asyncio.Event()
    async with world.at_work(client, queue):
        handle = await world.start(client, queue, together=1)
        await until(lambda: world.seen["review"] == 1)
        await handle.execute_update(ExperimentWorkflow.pause)
        world.held.set()
        await until(lambda: len(world.ends) == 1)
        await at_rest(handle)
        await handle.execute_update(ExperimentWorkflow.resume)
        return await history_of(handle)


async def whole_is_blacklisted_midway(client: Client, queue: str) -> str:
    """Somebody puts the configuration into quarantine between two batches."""
    world = World(4, asks=False)
    world.quarantined_from = 2
    async with world.at_work(client, queue):
        return await history_of(await world.start(client, queue, together=2))


async def whole_is_cancelled(client: Client, queue: str) -> str:
    """In the middle of a batch."""
    world = World(2, asks=False)
    world.held = asyncio.Event()
    async with world.at_work(client, queue):
        handle = await world.start(client, queue)
        await until(lambda: world.seen["review"] == 1)
        await handle.cancel()
        with suppress(WorkflowFailureError):
            await handle.result()
        world.held.set()
    return (await handle.fetch_history()).to_json()


EXPERIMENTS: dict[str, Situation] = {
    "experiment-reviews-whole": reviews_whole,
    "experiment-pauses-between-whole-batches": pauses_between_whole_batches,
    "experiment-whole-is-blacklisted-midway": whole_is_blacklisted_midway,
    "experiment-whole-is-cancelled": whole_is_cancelled,
    "experiment-passes": passes,
    "experiment-goes-on": goes_on,
    "experiment-pauses": pauses,
    "experiment-is-cancelled": is_cancelled,
    "experiment-is-not-decided": is_not_decided,
    "experiment-is-quarantined": is_quarantined,
    "experiment-is-inconclusive": is_inconclusive,
    "experiment-is-blacklisted-midway": is_blacklisted_midway,
    "experiment-is-measured": is_measured,
    "experiment-went-on": went_on,
    "experiment-is-evaluated-again": is_evaluated_again,
    "experiment-joins-a-lost-review": joins_a_lost_review,
    "experiment-is-cancelled-while-paused": is_cancelled_while_paused,
}
"""By the name of the recorded file."""
