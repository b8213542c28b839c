"""Starting the processes of comparisons, ending them, and keeping them alive."""

import logging
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from models.comparison import ENDED, ComparedSide, ComparisonOrder, ComparisonOutcome, ComparisonStatus, Side
from models.ids import analysis_queue, comparison_workflow_id, models_queue, orchestration_queue
from models.tables import Comparison
from models.text import neutral_markdown
from starter.composition import Services
from starter.processes import cancel_process
from starter.reviews import STATUS, TIER
from workflows.comparison import ComparisonWorkflow

log = logging.getLogger("conclave.api")

LONGEST_COMPARISON = timedelta(days=120)
SETTLED = timedelta(seconds=5)
"""A younger comparison may just be on its way to Temporal."""

RUNNING = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW)

Handle = WorkflowHandle[ComparisonWorkflow, ComparisonOutcome]


async def start_comparison(client: Client, prefix: str, row: Comparison) -> None:
    """Start the process of a comparison; one that runs is left alone.

    Raises:
        RPCError: Temporal cannot be reached or refuses.
    """
    order = ComparisonOrder(
        comparison_id=row.id,
        name=row.name,
        rounds=_rounds(row),
        samples=row.dataset_size,
        analysis_queue=analysis_queue(prefix),
        models_queue=models_queue(prefix),
    )
    try:
        await client.start_workflow(
            ComparisonWorkflow.run,
            order,
            id=comparison_workflow_id(row.id),
            task_queue=orchestration_queue(prefix),
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            execution_timeout=LONGEST_COMPARISON,
            static_summary=f"Comparison {neutral_markdown(row.name)}",
            static_details=_details(row, len(order.rounds)),
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(STATUS, ComparisonStatus.RUNNING.value),
                    SearchAttributePair(TIER, "experimental"),
                ]
            ),
        )
    except WorkflowAlreadyStartedError:
        return


def _details(row: Comparison, rounds: int) -> str:
    """What is compared, as Markdown."""
    sides = {side: ComparedSide.model_validate(row.sides[side]) for side in Side}
    told = [f"- {name}: {side.ref}, configuration `{side.config_hash}`" for name, side in sides.items()]
    runs = f"{rounds} {'round' if rounds == 1 else 'rounds'}" if rounds else "recorded runs"
    return "\n".join([*told, f"- {row.dataset_size} samples, {runs}"])


def _rounds(row: Comparison) -> tuple[tuple[str, str], ...]:
    """The runs that are still to be made, side by side; of recorded ones none."""
    if row.request["dataset_id"] is None:
        return ()
    v1, v2 = (ComparedSide.model_validate(row.sides[side]).experiment_ids for side in Side)
    return tuple(zip(v1, v2, strict=True))


async def cancel_comparison(client: Client, comparison_id: str) -> None:
    """Ask the process to end without a recommendation; its runs are cancelled.

    Raises:
        LookupError: there is no such process any more.
        RPCError: Temporal cannot be reached.
    """
    await cancel_process(client, comparison_workflow_id(comparison_id))


def _handle(client: Client, comparison_id: str) -> Handle:
    return client.get_workflow_handle_for(ComparisonWorkflow.run, comparison_workflow_id(comparison_id))


async def reconcile_comparisons(services: Services) -> None:
    """Start what should run and does not; end what ended without a word.

    Raises:
        RPCError: Temporal cannot be reached.
        StoreUnavailable: the database cannot be reached.
    """
    store = services.versions.comparisons
    for row in await store.unfinished():
        if datetime.now(UTC) - row.created_at < SETTLED:
            continue
        try:
            found = await _handle(services.temporal, row.id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            log.warning("comparison_started_late comparison_id=%s", row.id)
            await start_comparison(services.temporal, services.settings.task_queue, row)
            continue
        if found.status in (None, *RUNNING) or (await store.row(row.id)).status in ENDED:
            continue
        cancelled = found.status is WorkflowExecutionStatus.CANCELED
        status = ComparisonStatus.CANCELLED if cancelled else ComparisonStatus.FAILED
        log.warning("comparison_ended_without_word comparison_id=%s status=%s", row.id, status)
        await store.set_status(row.id, status, f"process_{status}")
