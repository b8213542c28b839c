"""Reviews one of whose steps never ends."""

from datetime import timedelta

from temporalio.client import Client

from models.expert import ExpertName
from models.review import ExpertStatus
from tests.workflows.catalogue import constants
from tests.workflows.review_endings import Parts, started


async def test_an_expert_that_takes_too_long_makes_the_report_partial(client: Client, queue: str) -> None:
    parts = Parts(seconds=30)
    with constants("review-step-out-of-time"):
        async with parts.at_work(client, queue):
            handle = await started(client, queue, experts=("security",), lives=timedelta(seconds=20))
            assert (await handle.result()).partial
    (expert,) = parts.reviews.reports["a" * 32].experts
    assert (expert.expert, expert.status, expert.reason) == (ExpertName.SECURITY, ExpertStatus.FAILED, "timeout")
