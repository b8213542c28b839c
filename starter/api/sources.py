"""Submitting source."""

import asyncio
import uuid
from typing import Annotated

from fastapi import Depends, Response

from models.access import Action
from models.intake import SourceUpload
from models.settings import Settings
from models.source import MAX_SOURCE_BYTES, SourceManifest
from starter.api import routing
from starter.api.auth import may
from starter.api.body import JsonBody
from starter.api.state import State
from starter.intake.accept import accept

router = routing.router("sources")

Reader = Annotated[str, may(Action.REVIEWS_READ)]
Writer = Annotated[str, may(Action.REVIEWS_WRITE)]

JSON_OVERHEAD = 2
"""A source's JSON may be this many times its text: escapes and the artifacts' base64."""


def body_limit(settings: Settings) -> int:
    """Bytes of a submission at most."""
    return min(settings.max_source_bytes, MAX_SOURCE_BYTES) * JSON_OVERHEAD


@router.post("/sources", status_code=201, response_model=SourceManifest)
async def submit_source(
    response: Response,
    owner: Writer,
    state: State,
    upload: Annotated[SourceUpload, Depends(JsonBody(SourceUpload, body_limit))],
) -> SourceManifest:
    """Store source for review; the same content again gives the source it was stored as."""
    settings = state.services.settings
    source = await asyncio.to_thread(
        accept,
        upload,
        source_id=uuid.uuid4().hex,
        max_files=settings.max_files,
        max_source_bytes=settings.max_source_bytes,
    )
    manifest = await state.services.sources.save(owner, source)
    response.headers["Location"] = f"/sources/{manifest.source_id}"
    return manifest


@router.get("/sources/{source_id}")
async def read_source(source_id: str, owner: Reader, state: State) -> SourceManifest:
    """What is known of a source; never its text."""
    return await state.services.sources.manifest(owner, source_id)
