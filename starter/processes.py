"""What is done to any process of Temporal."""

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode


async def cancel_process(client: Client, workflow_id: str) -> None:
    """Ask a process to end by itself.

    Raises:
        LookupError: there is no such process any more.
        RPCError: Temporal cannot be reached.
    """
    try:
        await client.get_workflow_handle(workflow_id).cancel()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise LookupError from None
        raise
