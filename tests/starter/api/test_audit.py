"""The audit chain as a client of the API meets it."""

import hashlib
import json
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from temporalio.worker import Worker

from activities.audit import AuditActivities
from models.audit import AuditAction, AuditEvent, Checkpoint
from models.audit_check import verify_chain
from models.audit_lines import entries_in
from models.ids import orchestration_queue
from starter import audit as asking
from starter.composition import Services
from starter.schedules import SCHEDULES
from starter.stack.launcher import Stack
from tests.starter.api.provider_desk import desk_on, error_of
from worker import workflow_runner
from workflows.audit import AuditCheckpointWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKENS = {role: f"a-token-of-one-who-is-{role}" for role in ("user", "operator", "approver")}
ENTRIES = 7


@dataclass
class Rig:
    api: httpx.AsyncClient
    services: Services
    file: Path

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.api.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Rig, None]:
    """The API over tables, a file of checkpoints and task queues of its own."""
    declared = [
        {"name": role, "token_sha256": hashlib.sha256(token.encode()).hexdigest(), "roles": [role]}
        for role, token in TOKENS.items()
    ]
    file, prefix = tmp_path_factory.mktemp("audit") / "checkpoints.jsonl", f"t{uuid.uuid4().hex[:12]}"
    async with desk_on(
        stack,
        CONCLAVE_IDENTITIES=json.dumps(declared),
        CONCLAVE_AUDIT_CHECKPOINTS=str(file),
        CONCLAVE_TASK_QUEUE=prefix,
    ) as desk:
        services: Services = desk.app.state.conclave.services
        for number in range(ENTRIES):
            await services.versions.audit.append(
                AuditEvent(
                    action=AuditAction.PROMOTION_REFUSED if number % 2 else AuditAction.EXPERIMENT_STARTED,
                    actor="anna" if number < 4 else "bob",
                    subject=f"e{number % 3}",
                    data={"n": number},
                )
            )
        yield Rig(desk.api, services, file)
        for each in SCHEDULES:
            await services.temporal.get_schedule_handle(f"{prefix}-{each.name}").delete()


async def test_entries_are_read_in_pages_newest_first(rig: Rig) -> None:
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = await rig.get("/audit", page_size=3, **cursor)
        seen += [entry["seq"] for entry in page["entries"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"action": "promotion_refused"}, [6, 4, 2]),
        ({"actor": "bob"}, [7, 6, 5]),
        ({"subject": "e0", "actor": "anna"}, [4, 1]),
        ({"subject": "' OR 1=1 --"}, []),
    ],
)
async def test_entries_are_filtered(rig: Rig, params: dict[str, str], expected: list[int]) -> None:
    assert [entry["seq"] for entry in (await rig.get("/audit", **params))["entries"]] == expected


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"cursor": "bnVtYmVyIDA="}, 400, "invalid_cursor"),
        ({"cursor": "bnVtYmVyIDk5OTk5OTk5OTk5OTk5OTk5OTk5"}, 400, "invalid_cursor"),
        ({"cursor": "bmFtZSBh"}, 400, "invalid_cursor"),
        ({"action": "nothing"}, 422, None),
        ({"subject": "x" * 121}, 422, None),
        ({"actor": "a\x00b"}, 422, None),
        ({"page_size": "101"}, 422, None),
    ],
)
async def test_what_cannot_be_asked(rig: Rig, params: dict[str, str], status: int, code: str | None) -> None:
    found = error_of(await rig.api.get("/audit", params=params))
    assert found[0] == status and code in (None, found[1])


async def test_who_runs_things_or_approves_them_reads_and_nobody_else(rig: Rig) -> None:
    for role, token in TOKENS.items():
        headers = {"Authorization": f"Bearer {token}"}
        for path in ("/audit", "/audit/verify", "/audit/export"):
            answer = await rig.api.get(path, headers=headers)
            assert answer.status_code == (403 if role == "user" else 200), (role, path)
    headers = {"Authorization": f"Bearer {TOKENS['approver']}"}
    assert error_of(await rig.api.post("/audit/checkpoints", json={}, headers=headers)) == (403, "forbidden")


async def test_an_export_is_the_chain(rig: Rig) -> None:
    answer = await rig.api.get("/audit/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    entries = list(entries_in(answer.content.splitlines()))
    assert len(entries) == ENTRIES and verify_chain(entries).intact


async def test_the_head_is_signed_on_demand_and_what_was_changed_is_found(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = await rig.get("/audit/verify")
    assert (verdict["intact"], verdict["total"], verdict["checkpoint_seq"]) == (True, ENTRIES, None)
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.2)
    assert error_of(await rig.api.post("/audit/checkpoints", json={})) == (503, "checkpoint_pending")
    monkeypatch.undo()
    versions = rig.services.versions
    async with Worker(
        rig.services.temporal,
        task_queue=orchestration_queue(rig.services.settings.task_queue),
        workflows=[AuditCheckpointWorkflow],
        activities=[AuditActivities(versions.audit, versions.checkpoints).write_checkpoint],
        workflow_runner=workflow_runner(),
    ):
        # It joins the one that waited for a worker.
        written = (await rig.api.post("/audit/checkpoints", json={})).json()["written"]
        assert written["seq"] == ENTRIES
        assert (await rig.api.post("/audit/checkpoints", json={})).json()["written"] is None
        verdict = await rig.get("/audit/verify")
        assert (verdict["intact"], verdict["checkpoint_seq"]) == (True, ENTRIES)
        assert verdict["checkpoint_signature_ok"] is True
        _sign_something_else(rig.file)
        verdict = await rig.get("/audit/verify")
        assert (verdict["first_bad_seq"], verdict["problem"]) == (ENTRIES, "bad_signature")
        assert error_of(await rig.api.post("/audit/checkpoints", json={})) == (409, "audit_broken")
    alerts = (await rig.get("/alerts"))["alerts"]
    assert [each["title"] for each in alerts] == ["the audit chain was changed"]
    rig.file.write_text("rubbish\n")
    assert (await rig.get("/audit/verify"))["problem"] == "bad_checkpoint"


def _sign_something_else(file: Path) -> None:
    [line] = file.read_text().splitlines()
    changed = Checkpoint.model_validate_json(line).model_copy(update={"hash": "0" * 64})
    file.write_text(changed.model_dump_json() + "\n")
