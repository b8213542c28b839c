"""Starting the rotation of wrapping keys in Temporal and asking how it went."""

from datetime import timedelta
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from models.ids import key_rotation_workflow_id, orchestration_queue
from models.key_rotation import RotationOrder, RotationReport, RotationRequest, RotationStatus, RotationView
from workflows.key_rotation import KeyRotationWorkflow

LONGEST_ROTATION = timedelta(days=7)
"""One that hangs is ended: it would stand in the way of the next."""

RUNNING = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW)


async def start_rotation(client: Client, prefix: str, request: RotationRequest) -> None:
    """Start a rotation; one that runs already is left as it is, and no second one begins beside it.

    Raises:
        RPCError: Temporal cannot be reached or refuses.
    """
    await client.start_workflow(
        KeyRotationWorkflow.run,
        RotationOrder(rotate=request.rotate, retire=request.retire),
        id=key_rotation_workflow_id(prefix),
        task_queue=orchestration_queue(prefix),
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        execution_timeout=LONGEST_ROTATION,
        memo={name: getattr(request, name) for name in RotationRequest.model_fields},
        static_summary="wrap stored keys anew",
    )


async def latest_rotation(client: Client, prefix: str, url: str | None = None) -> RotationView:
    """How the rotation that was started last goes or went.

    Args:
        client: of the namespace.
        prefix: of the task queues.
        url: where Temporal's UI shows the process; None: nobody knows.

    Raises:
        LookupError: none was started, or Temporal has forgotten it.
        RPCError: Temporal cannot be reached.
    """
    handle = client.get_workflow_handle_for(KeyRotationWorkflow.run, key_rotation_workflow_id(prefix))
    try:
        found = await handle.describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise LookupError from None
        raise
    wishes = await found.memo()
    report, failure = None, None
    status = RotationStatus.RUNNING
    if found.status not in RUNNING:
        report, failure = await _ended(
            client.get_workflow_handle_for(KeyRotationWorkflow.run, found.id, run_id=found.run_id)
        )
        status = RotationStatus.FAILED if report is None else RotationStatus.DONE
    return RotationView(
        workflow_id=found.id,
        workflow_url=url,
        status=status,
        **{name: bool(wishes.get(name, False)) for name in RotationRequest.model_fields},
        started_at=found.start_time.isoformat(),
        failure=failure,
        report=report,
    )


async def _ended(handle: WorkflowHandle[Any, RotationReport]) -> tuple[RotationReport | None, str | None]:
    """The report, or the code of what went wrong."""
    try:
        return await handle.result(follow_runs=False), None
    except WorkflowFailureError as error:
        return None, failure_code(error) or "rotation_ended"


def failure_code(error: WorkflowFailureError) -> str | None:
    """The code of what went wrong in a process; None: it was ended from outside."""
    cause: BaseException | None = error.cause
    while cause is not None:
        if isinstance(cause, ApplicationError) and cause.type:
            return cause.type
        cause = cause.__cause__
    return None
