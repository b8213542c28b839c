"""Rows of the catalogue for tests that need a provider in the database."""

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from activities.storage.database import Database
from models.provider import Provider
from models.tables import Provider as ProviderRow


def a_provider(**changes: Any) -> Provider:
    """A provider with an id of its own."""
    unique = uuid.uuid4().hex
    base: dict[str, Any] = {
        "id": unique,
        "name": f"loop-{unique[:8]}",
        "kind": "vllm",
        "protocol": "openai-chat",
        "model": "model-1",
        "endpoint": "http://127.0.0.1:9/v1",
        "tier": "cheap",
        "context_tokens": 8_000,
        "max_output_tokens": 1_000,
        "timeout_seconds": 5,
    }
    return Provider.model_validate(base | changes)


async def catalogued(database: Database, provider: Provider) -> Provider:
    """The same, stored."""
    now = datetime.now(UTC)
    row = ProviderRow(
        id=provider.id,
        name=provider.name,
        provider_type=provider.kind.value,
        protocol=provider.protocol.value,
        model_name=provider.model,
        api_endpoint=provider.endpoint,
        tier=provider.tier.value,
        needs_key=provider.needs_key,
        context_tokens=provider.context_tokens,
        max_tokens=provider.max_output_tokens,
        created_at=now,
        updated_at=now,
    )
    async with database.statements() as session:
        await session.execute(insert(ProviderRow).values(row.model_dump()))
    return provider
