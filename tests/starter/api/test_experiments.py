"""Experiments as a client of the API meets them; no worker is there, so their processes stand still."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from models.experiment import ExperimentStatus, ExperimentView
from models.ids import experiment_workflow_id
from models.reviewer_config import ReviewerConfig, config_hash
from starter import experiments
from starter.composition import Services
from starter.experiments import reconcile_experiments
from starter.stack.launcher import Stack
from tests.labelled import clean, jsonl, row
from tests.starter.api.provider_desk import Desk, desk_on

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER_TOKEN = "a-token-of-somebody-else"
STRANGE = {"models": {"enabled": False}, "orchestrator": {"budget_micro_usd": 12345}}
"""A configuration that only one test may spoil."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(stack: Stack) -> AsyncGenerator[Desk, None]:
    """The API over tables of its own; `uma` is a user and nothing else."""
    user = {"name": "uma", "token_sha256": hashlib.sha256(USER_TOKEN.encode()).hexdigest(), "roles": ["user"]}
    async with desk_on(stack, CONCLAVE_IDENTITIES=json.dumps([user])) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dataset(desk: Desk) -> str:
    rows = [row("a", split="dev"), clean("b", split="dev"), row("c", split="dev")]
    return (await desk.api.post("/datasets", json={"name": "demo", "text": jsonl(*rows)})).json()["id"]


async def create(desk: Desk, dataset: str, **changes: Any) -> httpx.Response:
    body = {"name": "trial", "dataset_id": dataset, "start": False} | changes
    headers = {"Idempotency-Key": body.pop("key")} if "key" in body else {}
    return await desk.api.post("/experiments", json=body, headers=headers)


async def made(desk: Desk, dataset: str, **changes: Any) -> ExperimentView:
    answer = await create(desk, dataset, **changes)
    assert answer.status_code == 202, answer.text
    return ExperimentView.model_validate(answer.json())


async def read(desk: Desk, experiment_id: str) -> ExperimentView:
    return ExperimentView.model_validate((await desk.api.get(f"/experiments/{experiment_id}")).json())


async def post(desk: Desk, experiment_id: str, what: str, body: dict[str, Any] | None = None) -> httpx.Response:
    return await desk.api.post(f"/experiments/{experiment_id}/{what}", json=body or {})


def services_of(desk: Desk) -> Services:
    return desk.app.state.conclave.services


def code_of(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["error"]["code"]


async def test_an_experiment_is_created_with_every_default_and_read_again(desk: Desk, dataset: str) -> None:
    view = await made(desk, dataset, config={"models": {"enabled": False}}, limit=2)
    assert (view.status, view.progress.samples, view.dataset) == (ExperimentStatus.CREATED, 2, "demo v1")
    assert view.config_hash == config_hash(view.config)
    assert not view.config.models.enabled and view.config.rule_pack == ReviewerConfig().rule_pack
    assert (view.evaluation, view.bar, view.promotion_id) == (None, None, None)
    assert await read(desk, view.id) == view
    assert view.id in [each["id"] for each in (await desk.api.get("/experiments")).json()["experiments"]]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"dataset_id": "f" * 32}, 404, "dataset_unknown"),
        ({"dataset_id": "demo"}, 422, "invalid_field"),
        ({"config": {"experts": "most"}}, 422, "invalid_field"),
        ({"config": {"colour": 1}}, 422, "unknown_field"),
        ({"limit": 0}, 422, "invalid_field"),
        ({"policy": "lax"}, 422, "invalid_field"),
        ({"split": "test"}, 422, "no_samples"),
        ({"name": "a/b"}, 422, "invalid_field"),
    ],
)
async def test_what_cannot_be_measured_is_refused(
    desk: Desk, dataset: str, changes: dict[str, Any], status: int, code: str
) -> None:
    assert code_of(await create(desk, dataset, **changes), status) == code


async def test_an_idempotency_key_makes_one_experiment_of_many_requests(desk: Desk, dataset: str) -> None:
    answers = await asyncio.gather(*(create(desk, dataset, key="once") for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert all(code_of(each, 409) == "in_progress" for each in answers if each.status_code == 409)
    made = {answer.json()["id"] for answer in answers if answer.status_code == 202}
    again = await create(desk, dataset, key="once")
    assert made == {again.json()["id"]} and again.headers["Idempotent-Replayed"] == "true"
    assert code_of(await create(desk, dataset, key="once", limit=1), 422) == "idempotency_mismatch"


async def test_pages_follow_each_other(desk: Desk, dataset: str) -> None:
    for _ in range(3):
        await made(desk, dataset)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"page_size": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await desk.api.get("/experiments", params=params)).json()
        seen += [each["id"] for each in page["experiments"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) >= 3
    assert code_of(await desk.api.get("/experiments", params={"cursor": "x"}), 400) == "invalid_cursor"


async def test_only_operators_run_experiments_and_everybody_reads_them(desk: Desk, dataset: str) -> None:
    view = await made(desk, dataset)
    uma = {"Authorization": f"Bearer {USER_TOKEN}"}
    assert (await desk.api.get(f"/experiments/{view.id}", headers=uma)).status_code == 200
    for what in ("evaluate", "pause", "resume", "cancel", "verdict"):
        answer = await desk.api.post(f"/experiments/{view.id}/{what}", json={}, headers=uma)
        assert code_of(answer, 403) == "forbidden"
    body = {"name": "x", "dataset_id": dataset}
    assert code_of(await desk.api.post("/experiments", json=body, headers=uma), 403) == "forbidden"
    for path in (f"/experiments/{'f' * 32}", "/experiments/none", f"/experiments/{'f' * 32}/metrics"):
        assert code_of(await desk.api.get(path), 404) == "experiment_unknown"


async def test_one_that_does_not_run_has_neither_metrics_nor_pauses(desk: Desk, dataset: str) -> None:
    view = await made(desk, dataset)
    assert code_of(await desk.api.get(f"/experiments/{view.id}/metrics"), 409) == "metrics_not_ready"
    assert code_of(await post(desk, view.id, "pause"), 409) == "experiment_not_running"
    word = {"verdict": "fail", "reason": "I know better."}
    assert code_of(await post(desk, view.id, "verdict", word), 409) == "verdict_not_open"
    assert code_of(await post(desk, view.id, "verdict", {"verdict": "fail", "reason": "x"}), 422) == "invalid_field"
    assert ExperimentView.model_validate((await post(desk, view.id, "cancel")).json()).status == "cancelled"
    for what in ("cancel", "pause", "evaluate"):
        assert code_of(await post(desk, view.id, what), 409) == "experiment_ended"


async def test_a_quarantined_configuration_is_refused_and_the_attempt_is_on_the_chain(desk: Desk, dataset: str) -> None:
    view = await made(desk, dataset, config=STRANGE)
    waiting = await made(desk, dataset, config=STRANGE)
    assert (await post(desk, view.id, "quarantine", {"reason": "it is strange"})).status_code in (200, 201)
    assert code_of(await create(desk, dataset, config=STRANGE), 409) == "config_quarantined"
    assert code_of(await post(desk, waiting.id, "evaluate"), 409) in ("config_quarantined", "experiment_ended")
    params = {"action": "config_refused", "subject": view.config_hash}
    entries = (await desk.api.get("/audit", params=params)).json()["entries"]
    assert {entry["actor"] for entry in entries} == {"local"} and entries


async def test_without_a_worker_a_pause_is_left_for_the_process(
    desk: Desk, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments, "ANSWER_SECONDS", 0.3)
    view = await made(desk, dataset, start=True)
    assert view.status is ExperimentStatus.RUNNING
    assert (await post(desk, view.id, "pause")).status_code == 200
    handle = services_of(desk).temporal.get_workflow_handle(experiment_workflow_id(view.id))
    history = await handle.fetch_history()
    assert [each.workflow_execution_signaled_event_attributes.signal_name for each in history.events][-1] == "pause"
    assert (await post(desk, view.id, "evaluate")).status_code == 202, "started twice it is one"


async def test_processes_that_are_lost_are_started_again_and_dead_ones_end(
    desk: Desk, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments, "SETTLED", experiments.timedelta(0))
    lost, dead, gone = [await made(desk, dataset) for _ in range(3)]
    store, temporal = services_of(desk).versions.experiments, services_of(desk).temporal
    await store.begin(lost.id)
    for each in (dead, gone):
        await post(desk, each.id, "evaluate")
    await temporal.get_workflow_handle(experiment_workflow_id(dead.id)).terminate()
    await reconcile_experiments(services_of(desk))
    assert (await temporal.get_workflow_handle(experiment_workflow_id(lost.id)).describe()).status
    ended = await read(desk, dead.id)
    assert (ended.status, ended.failure) == (ExperimentStatus.FAILED, "process_failed")
    assert (await read(desk, gone.id)).status is ExperimentStatus.RUNNING
    assert (await post(desk, dead.id, "evaluate")).status_code == 202
    assert (await read(desk, dead.id)).status is ExperimentStatus.RUNNING, "what failed can be tried again"
