"""What a review with models must not do: fill its history, or claim what did not happen."""

import pytest
from temporalio.client import Client

from activities.ports import AnalysisFailed, ModelFailed
from models.call import CallFailure, Posture
from models.expert import ExpertName
from models.opinion import Opinion, Rejection
from models.review import ExpertStatus
from tests.fakes import ScriptedAnalyst, ScriptedModels, finding, order, static
from tests.workflows.test_review import GOOD, META, SEC, Panel, status_of

UNANSWERED = ModelFailed(
    Rejection.PROVIDER_ERROR, 400, code=CallFailure.TIMEOUT, posture=Posture.NEXT_PROVIDER, further=1
)


async def test_history_of_a_review_with_models_is_small_and_holds_no_code(client: Client, queue: str) -> None:
    panel = Panel(
        ScriptedAnalyst({SEC: static(SEC, finding())}, seconds=0.2), ScriptedModels({SEC: [GOOD]}, seconds=0.2)
    )
    await panel.review(client, queue, order(queue=queue, models_routed=True))
    assert panel.handle is not None
    history = await panel.handle.fetch_history()
    assert len(history.events) <= 110
    assert "os.system" not in history.to_json()


async def test_an_expert_whose_analysers_failed_is_failed_although_its_model_spoke(client: Client, queue: str) -> None:
    panel = Panel(ScriptedAnalyst({SEC: AnalysisFailed("x")}), ScriptedModels({SEC: [GOOD]}))
    report = await panel.review(client, queue, order(queue=queue, models_routed=True))
    assert report.partial
    assert status_of(report, SEC)[0] is ExpertStatus.FAILED
    assert {entry.status for entry in report.coverage if entry.expert is SEC} == {"failed"}
    assert [each.tool for found in report.findings for each in found.sightings if each.expert is SEC] == ["model"]
    assert report.cost_micro_usd == 10


async def test_calls_of_unknown_outcome_are_in_the_cost_and_leave_no_money_to_others(
    client: Client, queue: str
) -> None:
    panel = Panel(models=ScriptedModels({SEC: [UNANSWERED, GOOD]}))
    what = order(queue=queue, models_routed=True, experts=(SEC,), budget_micro_usd=1_000)
    report = await panel.review(client, queue, what)
    assert [each.budget_micro_usd for each in panel.models.asked(SEC)] == [1_000, 600]
    assert report.cost_micro_usd == 410


@pytest.mark.parametrize("answer", [Opinion(confidence=0.9), ModelFailed(Rejection.NO_PROVIDER, posture=Posture.STOP)])
async def test_meta_judges_once_where_nobody_is_asked_again(
    client: Client, queue: str, answer: Opinion | ModelFailed
) -> None:
    panel = Panel(models=ScriptedModels({META: [answer]}))
    report = await panel.review(client, queue, order(queue=queue, models_routed=True))
    assert panel.handle is not None
    history = (await panel.handle.fetch_history()).to_json()
    assert "judge_panel" not in history
    expected = ExpertStatus.DEGRADED if isinstance(answer, ModelFailed) else ExpertStatus.DONE
    assert status_of(report, META)[0] is expected
    assert len(panel.models.asked(ExpertName.META)) == 1
