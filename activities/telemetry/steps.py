"""Steps of processes, measured from outside: the activities themselves know nothing of it."""

from time import perf_counter
from typing import Any

import temporalio.client
import temporalio.worker
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput
from typing_extensions import override

from activities.telemetry_ports import Meters
from models.measuring import of_step


class MeasuredSteps(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Notes what steps gave. A step that is run again counts when it completes.

    Given to a connection, it is every worker's over that connection; it changes nothing else there.
    """

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    @override
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Step(next, self._meters)


class _Step(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, meters: Meters) -> None:
        super().__init__(next)
        self._meters = meters

    @override
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        began = perf_counter()
        result = await super().execute_activity(input)
        task = input.args[0] if input.args else None
        self._meters.note(of_step(activity.info().activity_type, task, result, perf_counter() - began))
        return result
