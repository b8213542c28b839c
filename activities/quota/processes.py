"""What Temporal says of workflows."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.provider_ports import ProcessesUnavailable

PATIENCE = timedelta(seconds=5)


class TemporalProcesses:
    """The port `Processes` over a Temporal client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def is_closed(self, workflow_id: str) -> bool:
        try:
            # Without a run id: the latest run, so that a retried or continued workflow counts as running.
            found = await self._client.get_workflow_handle(workflow_id).describe(rpc_timeout=PATIENCE)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # never started, or ended so long ago that it is forgotten
                return True
            raise ProcessesUnavailable from None
        except RuntimeError:  # a client that has never been connected says it this way
            raise ProcessesUnavailable from None
        return found.close_time is not None
