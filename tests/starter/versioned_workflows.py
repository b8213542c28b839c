"""Two processes that wait, ask a step on the analysis queue who runs it, and say it."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import VersioningBehavior


async def which_build(queue: str) -> str:
    """The step: who runs it."""
    return await workflow.execute_activity(
        "which_build", task_queue=queue, result_type=str, start_to_close_timeout=timedelta(seconds=20)
    )


class Waiting:
    """Waits for a word, then asks; a child is asked as well when there is one."""

    def __init__(self) -> None:
        self._told = False

    async def answer(self, queue: str, child: str | None) -> list[str]:
        await workflow.wait_condition(lambda: self._told)
        seen = [await which_build(queue)]
        if child:
            seen += await workflow.execute_child_workflow(child, args=[queue, None], result_type=list[str])
        return seen

    def tell(self) -> None:
        self._told = True


@workflow.defn(name="stays", versioning_behavior=VersioningBehavior.PINNED)
class Stays(Waiting):
    @workflow.run
    async def run(self, queue: str, child: str | None) -> list[str]:
        return await self.answer(queue, child)

    @workflow.signal
    def go(self) -> None:
        self.tell()


@workflow.defn(name="moves", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class Moves(Waiting):
    @workflow.run
    async def run(self, queue: str, child: str | None) -> list[str]:
        return await self.answer(queue, child)

    @workflow.signal
    def go(self) -> None:
        self.tell()


@workflow.defn(name="child", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class Child:
    """What a review is to an experiment."""

    @workflow.run
    async def run(self, queue: str, child: str | None) -> list[str]:
        return [await which_build(queue)]
