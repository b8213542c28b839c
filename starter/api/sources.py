"""Submitting source."""

import asyncio
import uuid

from fastapi import APIRouter, Request, Response

from models.intake import SourceUpload
from models.source import MAX_SOURCE_BYTES, SourceManifest
from starter.api.auth import Caller
from starter.api.body import parsed
from starter.api.state import State
from starter.intake.accept import accept

router = APIRouter(tags=["sources"])

JSON_OVERHEAD = 2
"""A source's JSON may be this many times its text: escapes and the artifacts' base64."""


@router.post("/sources", status_code=201, response_model=SourceManifest)
async def submit_source(request: Request, response: Response, owner: Caller, state: State) -> SourceManifest:
    """Store source for review; the same content again gives the source it was stored as."""
    settings = state.services.settings
    limit = min(settings.max_source_bytes, MAX_SOURCE_BYTES) * JSON_OVERHEAD
    upload = await parsed(request, SourceUpload, limit)
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
async def read_source(source_id: str, owner: Caller, state: State) -> SourceManifest:
    """What is known of a source; never its text."""
    return await state.services.sources.manifest(owner, source_id)
