"""The audit chain: reading, verifying, exporting and vouching for it."""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from models.access import Action
from models.audit import AuditAction, AuditVerdict
from models.audit_views import AuditPage, CheckpointReport, CheckpointRequest
from starter import audit
from starter.api import cursors, routing
from starter.api.auth import may
from starter.api.body import JsonBody
from starter.api.state import ApiState, State

router = routing.router("audit")

Reader = Annotated[str, may(Action.AUDIT_READ)]
Signer = Annotated[str, may(Action.AUDIT_CHECKPOINT)]

LINES = "application/x-ndjson"
MAX_BODY_BYTES = 1024
Wanted = Annotated[str | None, Query(min_length=1, max_length=120, pattern=r"^[^\x00]*$")]


@router.get("/audit")
async def list_entries(
    _who: Reader,
    state: State,
    action: AuditAction | None = None,
    subject: Wanted = None,
    actor: Wanted = None,
    cursor: cursors.Cursor = None,
    page_size: cursors.PageSize = 50,
) -> AuditPage:
    """Entries, newest first; of one action, subject or actor where they are given."""
    before = cursors.number_of(cursor)
    found = await state.services.versions.audit.page(before, page_size + 1, action, subject, actor)
    shown, following = cursors.cut(found, page_size, lambda row: cursors.of_number(row.seq))
    return AuditPage(entries=tuple(shown), next_cursor=following)


@router.get("/audit/verify")
async def verify_chain(_who: Reader, state: State) -> AuditVerdict:
    """Follow the whole chain, compare it with every signed checkpoint, and name the first entry that does not fit."""
    versions = state.services.versions
    return await audit.verify(versions.audit, versions.checkpoints)


@router.get("/audit/export", response_class=StreamingResponse, responses={200: {"content": routing.texts(LINES)}})
async def export_chain(_who: Reader, state: State) -> StreamingResponse:
    """Every entry from the first, one JSON object a line: what `conclave audit verify FILE` reads."""
    return StreamingResponse(_lines(state), media_type=LINES)


async def _lines(state: ApiState) -> AsyncGenerator[str, None]:
    async for entry in state.services.versions.audit.entries():
        yield entry.model_dump_json() + "\n"


@router.post("/audit/checkpoints")
async def write_checkpoint(
    _who: Signer,
    state: State,
    _body: Annotated[CheckpointRequest, Depends(JsonBody(CheckpointRequest, MAX_BODY_BYTES))],
) -> CheckpointReport:
    """Have the head of the chain signed now, if there are entries that no checkpoint vouches for."""
    return await audit.checkpoint_now(state.services.temporal, state.services.settings.task_queue)
