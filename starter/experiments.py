"""Starting the processes of experiments, holding and ending them, and keeping them alive."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from models.experiment import ENDED, ExperimentOrder, ExperimentOutcome, ExperimentStatus
from models.ids import analysis_queue, experiment_workflow_id, models_queue, orchestration_queue
from models.tables import Experiment
from models.text import neutral_markdown
from starter.composition import Services
from starter.processes import cancel_process
from starter.reviews import STATUS, TIER
from workflows.experiment import ExperimentWorkflow

log = logging.getLogger("conclave.api")

LONGEST_EXPERIMENT = timedelta(days=60)
"""Pauses and waits for a database that is down included."""
ANSWER_SECONDS = 10.0
"""Longest wait for the process's answer to a pause: without a worker there is none, and the request is kept."""
SETTLED = timedelta(seconds=5)
"""A younger experiment may just be on its way to Temporal."""

RUNNING = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW)
ENDED_AS = {
    WorkflowExecutionStatus.FAILED: ExperimentStatus.FAILED,
    WorkflowExecutionStatus.TERMINATED: ExperimentStatus.FAILED,
    WorkflowExecutionStatus.TIMED_OUT: ExperimentStatus.FAILED,
    WorkflowExecutionStatus.CANCELED: ExperimentStatus.CANCELLED,
}

Handle = WorkflowHandle[ExperimentWorkflow, ExperimentOutcome]


async def start_experiment(client: Client, prefix: str, row: Experiment) -> None:
    """Start the process of an experiment; one that runs is left alone, one that ended is followed by another.

    Raises:
        RPCError: Temporal cannot be reached or refuses.
    """
    order = ExperimentOrder(
        experiment_id=row.id,
        name=row.name,
        samples=len(row.positions),
        analysis_queue=analysis_queue(prefix),
        models_queue=models_queue(prefix),
    )
    try:
        await client.start_workflow(
            ExperimentWorkflow.run,
            order,
            id=experiment_workflow_id(row.id),
            task_queue=orchestration_queue(prefix),
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            execution_timeout=LONGEST_EXPERIMENT,
            static_summary=f"Experiment {neutral_markdown(row.name)}",
            static_details=f"- {order.samples} samples\n- configuration `{row.config_hash}`\n- by {row.created_by}",
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(STATUS, ExperimentStatus.RUNNING.value),
                    SearchAttributePair(TIER, "experimental"),
                ]
            ),
        )
    except WorkflowAlreadyStartedError:
        return


async def hold_experiment(client: Client, experiment_id: str, *, paused: bool) -> bool:
    """Pause an experiment, or let it go on; whether the process did so.

    Without a worker that answers, a signal is left for the process, which heeds it later.

    Raises:
        LookupError: there is no such process any more.
        RPCError: Temporal cannot be reached.
    """
    handle = _handle(client, experiment_id)
    update = ExperimentWorkflow.pause if paused else ExperimentWorkflow.resume
    try:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await handle.execute_update(update)  # pyright: ignore[reportUnknownMemberType]
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            await handle.signal("pause" if paused else "resume")
    except WorkflowUpdateFailedError:
        return False
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise LookupError from None
        raise
    return True


async def cancel_experiment(client: Client, experiment_id: str) -> None:
    """Ask the process to end without a verdict.

    Raises:
        LookupError: there is no such process any more.
        RPCError: Temporal cannot be reached.
    """
    await cancel_process(client, experiment_workflow_id(experiment_id))


def _handle(client: Client, experiment_id: str) -> Handle:
    return client.get_workflow_handle_for(ExperimentWorkflow.run, experiment_workflow_id(experiment_id))


async def reconcile_experiments(services: Services) -> None:
    """Start what should run and does not; end what ended without a word.

    Raises:
        RPCError: Temporal cannot be reached.
        StoreUnavailable: the database cannot be reached.
    """
    for row in await services.versions.experiments.unfinished():
        if datetime.now(UTC) - row.created_at < SETTLED:
            continue
        try:
            found = await _handle(services.temporal, row.id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            log.warning("experiment_started_late experiment_id=%s", row.id)
            await start_experiment(services.temporal, services.settings.task_queue, row)
            continue
        if found.status in (None, *RUNNING) or (await services.versions.experiments.get(row.id)).status in ENDED:
            continue
        status = ENDED_AS.get(found.status)
        if status is None:
            # It was begun again after it failed, and the new process did not come to Temporal.
            await start_experiment(services.temporal, services.settings.task_queue, row)
        else:
            log.warning("experiment_ended_without_word experiment_id=%s status=%s", row.id, status)
            await services.versions.experiments.set_status(row.id, status, f"process_{status}")
