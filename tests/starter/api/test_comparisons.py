"""Comparisons as a client of the API meets them; no worker is there, so their processes stand still."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from models.comparison import ComparisonStatus, ComparisonView, Recommendation, Side
from models.ids import comparison_workflow_id
from starter.api.reconcile import reconcile_once
from starter.stack.launcher import Stack
from tests.compared import report, side
from tests.labelled import clean, jsonl, row
from tests.starter.api.provider_desk import Desk, desk_on
from tests.starter.api.test_experiments import USER_TOKEN, code_of, made, services_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATIC = {"models": {"enabled": False}}


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


async def ask(desk: Desk, dataset: str | None, **changes: Any) -> httpx.Response:
    body = {"v1": "stable", "config": STATIC, "dataset_id": dataset} | changes
    headers = {"Idempotency-Key": body.pop("key")} if "key" in body else {}
    return await desk.api.post("/comparisons", json=body, headers=headers)


async def asked(desk: Desk, dataset: str, **changes: Any) -> ComparisonView:
    answer = await ask(desk, dataset, **changes)
    assert answer.status_code == 202, answer.text
    return ComparisonView.model_validate(answer.json())


async def settled(desk: Desk, dataset: str, **changes: Any) -> ComparisonView:
    """A comparison with a report, as if its process had ended."""
    view = await asked(desk, dataset, **changes)
    made = report(side(120, 0.7, 1), side(120, 0.9, 2), comparison_id=view.id)
    await services_of(desk).versions.comparisons.settle(made)
    return ComparisonView.model_validate((await desk.api.get(f"/comparisons/{view.id}")).json())


async def test_a_comparison_is_noted_with_its_runs_and_read_again(desk: Desk, dataset: str) -> None:
    view = await asked(desk, dataset, repeats=3, limit=2, name="wider")
    assert (view.status, view.dataset, view.name) == (ComparisonStatus.RUNNING, "demo v1", "wider")
    assert (view.progress.samples, view.progress.done) == (2 * 3 * 2, 0)
    assert [len(view.versions[each].experiment_ids) for each in Side] == [3, 3]
    assert view.versions[Side.V1].number == 1 and view.versions[Side.V2].version_id is None
    assert view.workflow_id == comparison_workflow_id(view.id)
    assert ComparisonView.model_validate((await desk.api.get(f"/comparisons/{view.id}")).json()) == view
    runs = {each for it in Side for each in view.versions[it].experiment_ids}
    listed = (await desk.api.get("/experiments")).json()["experiments"]
    assert not runs & {each["id"] for each in listed}, "runs of a comparison are no experiments of anybody"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"dataset_id": "f" * 32}, 404, "dataset_unknown"),
        ({"v1": "9"}, 404, "version_unknown"),
        ({"v1": "e" * 32}, 404, "experiment_unknown"),
        ({"v1": "newest"}, 422, "invalid_field"),
        ({"v2": "1"}, 422, "invalid_field"),
        ({"config": None}, 422, "invalid_field"),
        ({"config": {"colour": 1}}, 422, "unknown_field"),
        ({"dataset_id": None}, 422, "invalid_field"),
        ({"dataset_id": None, "config": None, "v2": "1"}, 422, "experiment_needed"),
        ({"repeats": 0}, 422, "invalid_field"),
        ({"margins": {"accuracy": 2}}, 422, "invalid_field"),
        ({"margins": {"speed": 0.1}}, 422, "unknown_field"),
        ({"alpha": 0.01}, 422, "unknown_field"),
        ({"split": "test"}, 422, "no_samples"),
        ({"name": "a/b"}, 422, "invalid_field"),
    ],
)
async def test_what_cannot_be_compared_is_refused(
    desk: Desk, dataset: str, changes: dict[str, Any], status: int, code: str
) -> None:
    assert code_of(await ask(desk, dataset, **changes), status) == code


async def test_recorded_runs_must_be_over_and_of_one_dataset(desk: Desk, dataset: str) -> None:
    one, other = await made(desk, dataset), await made(desk, dataset)
    pair = {"v1": one.id, "v2": other.id, "config": None}
    assert code_of(await ask(desk, None, **pair), 409) == "experiment_not_measured"
    another = (await desk.api.post("/datasets", json={"name": "other", "text": jsonl(row("z", split="dev"))})).json()
    elsewhere = await made(desk, another["id"])
    assert code_of(await ask(desk, None, **(pair | {"v2": elsewhere.id})), 409) == "datasets_differ"


async def test_an_idempotency_key_makes_one_comparison_of_many_requests(desk: Desk, dataset: str) -> None:
    answers = await asyncio.gather(*(ask(desk, dataset, key="once", name="n") for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert all(code_of(each, 409) == "in_progress" for each in answers if each.status_code == 409)
    made = {answer.json()["id"] for answer in answers if answer.status_code == 202}
    again = await ask(desk, dataset, key="once", name="n")
    assert made == {again.json()["id"]} and again.headers["Idempotent-Replayed"] == "true"
    assert code_of(await ask(desk, dataset, key="once", repeats=2), 422) == "idempotency_mismatch"


async def test_a_report_is_read_in_parts_and_by_the_versions(desk: Desk, dataset: str) -> None:
    view = await settled(desk, dataset, config=None, v2="1")
    assert view.status is ComparisonStatus.COMPLETED and view.report is not None
    assert view.report.recommendation in Recommendation
    tests = (await desk.api.get(f"/comparisons/{view.id}/statistical-tests")).json()["statistical_tests"]
    assert {"test_name", "metric", "p_value", "is_significant", "effect_size"} <= tests[0].keys()
    assert len(tests) == len(view.report.statistical_tests)
    said = (await desk.api.get("/versions/1/compare/stable")).json()
    assert said["comparison_id"] == view.id
    wanted = {"versions", "dataset", "dataset_size", "metrics", "statistical_tests", "recommendation", "confidence"}
    assert wanted | {"generated_at"} <= said.keys()
    assert {"v1", "v2", "change", "significant"} <= said["metrics"]["accuracy"].keys()
    newest = (await desk.api.get("/comparisons", params={"page_size": 1})).json()
    assert newest["comparisons"][0]["report"] is None and newest["next_cursor"]


@pytest.mark.parametrize(
    ("format", "begins", "media"),
    [
        ("pdf", b"%PDF", "application/pdf"),
        ("html", b"<!doctype html>", "text/html; charset=utf-8"),
        ("csv", b"kind,", "text/csv; charset=utf-8"),
        ("json", b"{", "application/json"),
    ],
)
async def test_a_report_is_exported(desk: Desk, dataset: str, format: str, begins: bytes, media: str) -> None:
    view = await settled(desk, dataset)
    answer = await desk.api.post(f"/comparisons/{view.id}/export", json={"format": format})
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(begins)
    assert answer.headers["content-type"] == media
    assert answer.headers["content-disposition"] == f'attachment; filename="comparison-{view.id}.{format}"'


async def test_what_is_not_there_is_told(desk: Desk, dataset: str) -> None:
    view = await asked(desk, dataset)
    for answer in (
        await desk.api.get(f"/comparisons/{view.id}/statistical-tests"),
        await desk.api.post(f"/comparisons/{view.id}/export", json={}),
    ):
        assert code_of(answer, 409) == "comparison_not_ready"
    assert code_of(await desk.api.get(f"/comparisons/{'f' * 32}"), 404) == "comparison_unknown"
    assert code_of(await desk.api.get(f"/versions/1/compare/{'f' * 32}"), 404) == "comparison_unknown"
    assert code_of(await desk.api.get("/versions/77/compare/1"), 404) == "version_unknown"
    assert (
        code_of(await desk.api.post(f"/comparisons/{view.id}/export", json={"format": "xls"}), 422) == "invalid_field"
    )


async def test_only_operators_ask_and_everybody_reads(desk: Desk, dataset: str) -> None:
    view = await asked(desk, dataset)
    as_uma = {"Authorization": f"Bearer {USER_TOKEN}"}
    body = {"v1": "stable", "config": STATIC, "dataset_id": dataset}
    assert (await desk.api.post("/comparisons", json=body, headers=as_uma)).status_code == 403
    assert (await desk.api.post(f"/comparisons/{view.id}/cancel", headers=as_uma)).status_code == 403
    assert (await desk.api.get(f"/comparisons/{view.id}", headers=as_uma)).status_code == 200


async def test_bars_are_on_the_audit_chain_before_anything_is_measured(desk: Desk, dataset: str) -> None:
    view = await asked(desk, dataset, margins={"accuracy": 0.01})
    entries = [each async for each in services_of(desk).versions.audit.entries()]
    [started] = [each for each in entries if each.subject == view.id]
    assert started.action == "comparison_started"
    assert started.data["margins"]["accuracy"] == 0.01
    assert started.data["v1"] == view.versions[Side.V1].config_hash


async def test_a_quarantined_configuration_is_not_compared(desk: Desk, dataset: str) -> None:
    config = {"models": {"enabled": False}, "orchestrator": {"budget_micro_usd": 54321}}
    first = await asked(desk, dataset, config=config)
    blacklist = services_of(desk).versions.blacklist
    await blacklist.quarantine(first.versions[Side.V2].config_hash, "a test", {}, "local")
    assert code_of(await ask(desk, dataset, config=config), 409) == "config_quarantined"


async def test_what_never_came_to_temporal_is_started_later(
    desk: Desk, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await asked(desk, dataset)
    services = services_of(desk)
    await services.temporal.get_workflow_handle(view.workflow_id).terminate()
    monkeypatch.setattr("starter.comparisons.SETTLED", timedelta(seconds=-1))
    await reconcile_once(services)
    now = ComparisonView.model_validate((await desk.api.get(f"/comparisons/{view.id}")).json())
    assert (now.status, now.failure) == (ComparisonStatus.FAILED, "process_failed")
