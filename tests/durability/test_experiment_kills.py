"""Parts are killed while an experiment runs; it measures what an undisturbed one does, and no sample comes twice."""

import time

import pytest

from models.comparison import ComparisonRequest, Side
from models.experiment import ExperimentStatus
from starter.comparison_client import ComparisonClient
from starter.stack.launcher import Stack, up
from tests.durability.experiment_rig import ASKING, PATIENCE_SECONDS, SETTINGS, STATIC, Bench, campaign, service
from tests.durability.test_kills import kill
from tests.service_fixture import client_of
from tests.stack_fixture import stack_settings

__all__ = ["service"]


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_an_experiment_survives_kills(service: Stack) -> None:
    asked = campaign(service, ASKING, 12, ["worker", "temporal"])
    assert asked.bar is not None and asked.bar.models


@pytest.mark.timeout(300)
@pytest.mark.campaign
def test_a_static_experiment_survives_kills(service: Stack) -> None:
    campaign(service, STATIC, 120, ["worker", "temporal", "worker"], within=2.0)


@pytest.mark.campaign
@pytest.mark.timeout(200)
def test_a_comparison_survives_a_kill(service: Stack) -> None:
    stack = up(stack_settings(service.home, **SETTINGS))
    bench = Bench(service)
    client = ComparisonClient(client_of(service))
    wish = ComparisonRequest(v1="stable", config=ASKING, dataset_id=bench.dataset.id, limit=8)
    view = client.compare(wish)
    while client.comparison(view.id).progress.done < 4:
        time.sleep(0.05)
    kill(stack, "worker")
    up(stack_settings(service.home, **SETTINGS))
    end = time.monotonic() + PATIENCE_SECONDS
    while (found := client.comparison(view.id)).report is None and time.monotonic() < end:
        assert found.failure is None
        time.sleep(0.2)
    assert found.report is not None
    assert (found.report.pairing.paired, found.report.pairing.only_v1, found.report.pairing.only_v2) == (8, 0, 0)
    assert found.report.errors == {Side.V1: {}, Side.V2: {}}


@pytest.mark.timeout(200)
@pytest.mark.campaign
def test_an_experiment_pauses_goes_on_and_is_cancelled(service: Stack) -> None:
    bench = Bench(service)
    experiment_id = bench.start(ASKING, 150)
    assert bench.begun(experiment_id, 150, 0.01)
    assert bench.client.pause(experiment_id).status is ExperimentStatus.PAUSED
    time.sleep(2.0)
    held = bench.client.experiment(experiment_id)
    time.sleep(1.0)
    assert bench.client.experiment(experiment_id).progress == held.progress, "what was under way is over"
    assert held.progress.paused and held.progress.done < 150
    assert bench.client.resume(experiment_id).status is ExperimentStatus.RUNNING
    assert bench.begun(experiment_id, 150, (held.progress.done + 1) / 150)
    bench.client.cancel(experiment_id)
    ended = bench.wait(experiment_id)
    assert (ended.status, ended.evaluation) == (ExperimentStatus.CANCELLED, None)
