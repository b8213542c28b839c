"""The yardstick: a workflow that does nothing but run seven activities at once."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

EXPERTS = 7


@activity.defn
async def answer(number: int) -> int:
    """Answer at once."""
    return number


@workflow.defn(name="bare")
class BareWorkflow:
    """As little as seven experts can cost."""

    @workflow.run
    async def run(self) -> int:
        done = await asyncio.gather(
            *(
                workflow.execute_activity(answer, number, start_to_close_timeout=timedelta(minutes=1))
                for number in range(EXPERTS)
            )
        )
        return sum(done)
