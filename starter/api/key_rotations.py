"""Rotation of the keys that wrap stored keys, for administrators."""

from typing import Annotated

from fastapi import Depends, Response

from models.access import Action
from models.errors import InvalidInput
from models.ids import key_rotation_workflow_id
from models.key_rotation import RotationRequest, RotationView
from starter.api import routing
from starter.api.auth import may
from starter.api.body import JsonBody
from starter.api.state import ApiState, State
from starter.key_rotations import latest_rotation, start_rotation

router = routing.router("keys")

Rotator = Annotated[str, may(Action.KEYS_ROTATE)]

MAX_BODY_BYTES = 4 * 1024
LATEST = "/key-rotations/latest"


@router.post("/key-rotations", status_code=202, responses=routing.refuses(404))
async def begin_rotation(
    response: Response,
    _owner: Rotator,
    state: State,
    body: Annotated[RotationRequest, Depends(JsonBody(RotationRequest, MAX_BODY_BYTES))],
) -> RotationView:
    """Wrap all stored keys anew. While one rotation runs, asking for another shows the one that runs."""
    await start_rotation(state.services.temporal, state.services.settings.task_queue, body)
    response.headers["Location"] = LATEST
    return await _latest(state)


@router.get(LATEST, responses=routing.refuses(404))
async def read_rotation(_owner: Rotator, state: State) -> RotationView:
    """How the rotation that was started last goes; with its report when it is done."""
    return await _latest(state)


async def _latest(state: ApiState) -> RotationView:
    settings = state.services.settings
    ui, workflow_id = settings.temporal_ui_url, key_rotation_workflow_id(settings.task_queue)
    url = f"{ui.rstrip('/')}/namespaces/{settings.temporal_namespace}/workflows/{workflow_id}" if ui else None
    try:
        return await latest_rotation(state.services.temporal, settings.task_queue, url)
    except LookupError:
        raise InvalidInput(
            "rotation_unknown", "No key rotation was started of late; `conclave key rewrap` starts one.", 404
        ) from None
