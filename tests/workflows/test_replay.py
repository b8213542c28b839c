"""Histories that were written by earlier code replay on today's."""

import re
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.workflows.catalogue import CATALOGUE, HISTORIES, constants, situation_of
from worker import WORKFLOWS, workflow_runner

RECORDED = sorted(HISTORIES.glob("*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_recorded_histories_replay(path: Path) -> None:
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter, workflow_runner=workflow_runner())
    with constants(path.stem):
        await replayer.replay_workflow(WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8")))


def test_every_situation_is_recorded_and_every_history_has_a_situation() -> None:
    assert {situation_of(path.stem) for path in RECORDED} == set(CATALOGUE)
    assert {path.stem for path in RECORDED} >= set(CATALOGUE)


def test_every_workflow_has_a_history() -> None:
    kinds = {workflow._Definition.must_from_class(each).name for each in WORKFLOWS}  # pyright: ignore[reportPrivateUsage]
    recorded = {
        WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))
        .events[0]
        .workflow_execution_started_event_attributes.workflow_type.name
        for path in RECORDED
    }
    assert recorded == kinds


PRIVATE = re.compile(
    r"/(home|root|tmp|Users)/|\b(sk|hvs|hf|s)[-_.][A-Za-z0-9]{16,}|Bearer |-----BEGIN|postgresql://|redis://"
)
"""Folders of a machine, and what keys and tokens look like."""


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_no_history_tells_of_the_machine_or_holds_a_secret(path: Path) -> None:
    history = WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))
    for event in history.events:
        # Payloads are bytes, which the file shows as base64.
        assert not PRIVATE.search(event.SerializeToString().decode("utf-8", errors="replace")), event.event_id
