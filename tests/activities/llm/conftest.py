"""A scripted provider and a wire that may speak to it."""

from collections.abc import AsyncGenerator

import pytest

from activities.llm.client import HttpModelWire
from tests.providers.server import ScriptedProvider


@pytest.fixture
async def server() -> AsyncGenerator[ScriptedProvider, None]:
    async with ScriptedProvider() as provider:
        yield provider


@pytest.fixture
async def wire() -> AsyncGenerator[HttpModelWire, None]:
    wire = HttpModelWire(loopback_allowed=True)
    yield wire
    await wire.aclose()
