"""The situations of an experiment whose histories are kept: today's code must replay what yesterday's wrote."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from temporalio.client import Client, WorkflowFailureError

from tests.workflows.experiment_rig import World, until
from workflows.experiment import ExperimentWorkflow

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
    world = World(4, seconds=0.2)
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


EXPERIMENTS: dict[str, Situation] = {
    "experiment-passes": passes,
    "experiment-goes-on": goes_on,
    "experiment-pauses": pauses,
    "experiment-is-cancelled": is_cancelled,
    "experiment-is-not-decided": is_not_decided,
}
"""By the name of the recorded file."""
