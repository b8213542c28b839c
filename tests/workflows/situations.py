"""The situations of a review whose histories are kept: today's code must replay what yesterday's wrote."""

from collections.abc import Sequence
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from activities.ports import IsolationUnavailable, ModelFailed
from activities.review import ReviewActivities
from models.call import Posture
from models.config import BacktrackConfig, OrchestratorConfig
from models.expert import ExpertName
from models.opinion import Opinion, Rejection
from models.order import ReviewOrder
from models.review import ReviewMode
from tests.fakes import MemoryReviews, MemorySources, ScriptedAnalyst, ScriptedModels, finding, order, static
from worker import workflow_runner
from workflows.review import ReviewWorkflow

HISTORIES = Path(__file__).parent / "histories"
QUICK = OrchestratorConfig(backtrack=BacktrackConfig(first_backoff_seconds=0.02))
FAILED = ModelFailed(Rejection.PROVIDER_ERROR, posture=Posture.NEXT_PROVIDER, further=1)
SPENT = ModelFailed(Rejection.QUOTA_EXCEEDED, retry_after_seconds=1.0)
GOOD = Opinion(findings=(finding(tool="model"),), confidence=0.9)
NOISE = Opinion(
    findings=(finding(tool="model", kind="weak-random", cwe=None, path="tests/test_a.py", line_end=5, quote=""),),
    confidence=0.9,
)
SEC, META = ExpertName.SECURITY, ExpertName.META

Script = tuple[ReviewMode, dict[str, object], dict[ExpertName, Exception], Sequence[Opinion | ModelFailed]]

SITUATIONS: dict[str, Script] = {
    "parallel": (ReviewMode.PARALLEL, {}, {}, ()),
    "pipeline": (ReviewMode.PIPELINE, {}, {}, ()),
    "some-experts": (ReviewMode.PARALLEL, {"experts": (SEC,)}, {}, ()),
    "prepared": (ReviewMode.PARALLEL, {"prepared": True}, {}, ()),
    "prepared-with-models": (ReviewMode.PARALLEL, {"prepared": True, "models_routed": True}, {}, (GOOD,)),
    "expert-failed": (ReviewMode.PARALLEL, {}, {SEC: IsolationUnavailable("x")}, ()),
    "parallel-with-models": (ReviewMode.PARALLEL, {"models_routed": True}, {}, (GOOD,)),
    "pipeline-with-models": (ReviewMode.PIPELINE, {"models_routed": True}, {}, (GOOD,)),
    "backtrack-recovers": (ReviewMode.BACKTRACK, {"models_routed": True}, {}, (FAILED, GOOD)),
    "backtrack-degrades": (ReviewMode.BACKTRACK, {"models_routed": True}, {}, (FAILED,)),
    "backtrack-after-meta": (ReviewMode.BACKTRACK, {"models_routed": True}, {}, (NOISE, GOOD)),
    "fails-over": (ReviewMode.PARALLEL, {"models_routed": True}, {}, (FAILED, GOOD)),
    "waits-for-quota": (ReviewMode.PARALLEL, {"models_routed": True, "wait_for_quota": True}, {}, (SPENT, GOOD)),
    "no-budget": (ReviewMode.BACKTRACK, {"models_routed": True, "budget_micro_usd": 0}, {}, ()),
}
"""Mode, changes of the order, failing experts, answers of security's model."""


async def run_situation(name: str, client: Client, queue: str) -> str:
    """Run one situation; returns its history as JSON."""
    mode, changes, failing, answers = SITUATIONS[name]
    what: ReviewOrder = order(mode, queue, config=QUICK, **changes)
    texts = {"shop/app.py": "import os\n\n\ndef run(cmd):\n    os.system(cmd)\n", "tests/test_a.py": "\n\n\n\nx = 1\n"}
    acts = ReviewActivities(
        ScriptedAnalyst({SEC: static(SEC, finding()), **failing}),
        ScriptedModels({SEC: answers} if answers else {}),
        MemorySources(texts),
        MemoryReviews(),
        "test",
    )
    async with Worker(
        client,
        task_queue=queue,
        workflows=[ReviewWorkflow],
        activities=[acts.analyse_source, acts.consult_model, acts.judge_panel, acts.publish_report],
        workflow_runner=workflow_runner(),
    ):
        handle = await client.start_workflow(ReviewWorkflow.run, what, id=f"review-{name}", task_queue=queue)
        await handle.result()
    return (await handle.fetch_history()).to_json()
