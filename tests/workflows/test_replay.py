"""Histories that were written by earlier code replay on today's."""

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.workflows.comparisons import COMPARISONS
from tests.workflows.experiments import EXPERIMENTS
from tests.workflows.promotion_rig import PROMOTIONS
from tests.workflows.situations import HISTORIES, SITUATIONS
from tests.workflows.upkeep import UPKEEP
from worker import WORKFLOWS, workflow_runner

RECORDED = sorted(HISTORIES.glob("*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_recorded_histories_replay(path) -> None:  # type: ignore[no-untyped-def]
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter, workflow_runner=workflow_runner())
    await replayer.replay_workflow(WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8")))


def test_every_situation_is_recorded() -> None:
    assert {path.stem for path in RECORDED} == {f"review-{name}" for name in SITUATIONS} | {
        *UPKEEP,
        *PROMOTIONS,
        *EXPERIMENTS,
        *COMPARISONS,
    }


def test_every_workflow_has_a_history() -> None:
    kinds = {workflow._Definition.must_from_class(each).name for each in WORKFLOWS}  # pyright: ignore[reportPrivateUsage]
    assert kinds == {"review", "promotion", "experiment", "comparison", *UPKEEP}
