"""The blacklist: configurations that are neither tried nor used, and their release."""

import re
from typing import Annotated

from fastapi import Depends, Query

from activities.experiment_ports import ExperimentUnknown, QuarantineUnknown
from models.access import Action
from models.ids import ID
from models.quarantine import BlacklistPage, Quarantine, QuarantineRequest, ReleaseRequest, ReviewStatus
from starter.api import cursors, routing
from starter.api.auth import may
from starter.api.body import JsonBody
from starter.api.state import State

router = routing.router("blacklist")

Reader = Annotated[str, may(Action.BLACKLIST_READ)]
Quarantiner = Annotated[str, may(Action.BLACKLIST_QUARANTINE)]
Releaser = Annotated[str, may(Action.BLACKLIST_RELEASE)]

MAX_BODY_BYTES = 4 * 1024

CONFIG_NAME = re.compile(r"cfg:v1:sha256:[0-9a-f]{64}")


@router.post("/experiments/{experiment_id}/quarantine")
async def quarantine(
    experiment_id: str,
    owner: Quarantiner,
    state: State,
    body: Annotated[QuarantineRequest, Depends(JsonBody(QuarantineRequest, MAX_BODY_BYTES))],
) -> Quarantine:
    """Put an experiment's configuration on the blacklist; an entry that is there stays as it is. It is used nowhere
    from now on: not by experiments that run, and if it is the stable one, by no review until it is rolled back.
    """
    if not ID.match(experiment_id):
        raise ExperimentUnknown
    return await state.services.versions.blacklist.quarantine_experiment(experiment_id, body.reason, owner)


@router.get("/blacklist")
async def list_blacklist(
    _owner: Reader,
    state: State,
    status: Annotated[ReviewStatus | None, Query()] = None,
    cursor: cursors.Cursor = None,
    page_size: cursors.PageSize = 50,
) -> BlacklistPage:
    """Quarantined configurations and those that were released, newest first."""
    found = await state.services.versions.blacklist.page(cursors.moment_of(cursor), page_size + 1, status)
    shown, following = cursors.cut(found, page_size, lambda row: cursors.of_moment(row.quarantined_at, row.id))
    return BlacklistPage(blacklist=tuple(shown), next_cursor=following)


@router.post("/blacklist/{config_hash}/release")
async def release(
    config_hash: str,
    owner: Releaser,
    state: State,
    body: Annotated[ReleaseRequest, Depends(JsonBody(ReleaseRequest, MAX_BODY_BYTES))],
) -> Quarantine:
    """Let a configuration be tried and used again: for approvers who neither made it, tried it nor quarantined it."""
    if not CONFIG_NAME.fullmatch(config_hash):
        raise QuarantineUnknown
    return await state.services.versions.blacklist.release(config_hash, body.reason, owner)
