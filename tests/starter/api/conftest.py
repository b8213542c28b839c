"""The API over the real servers, in this process."""

import os
from collections.abc import AsyncGenerator

import httpx
import pytest
from fastapi import FastAPI

from models.settings import Settings
from starter.api.app import create_app
from starter.stack.launcher import Stack

TOKEN = "test-token-0123456789"


@pytest.fixture
async def app(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[FastAPI, None]:
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CONCLAVE_API_TOKEN", TOKEN)
    monkeypatch.setenv("CONCLAVE_CODEC_TOKEN", "codec-token-0123456789")
    monkeypatch.setenv("CONCLAVE_MIGRATE", "true")
    monkeypatch.setenv("CONCLAVE_MAX_FILES", "50")
    monkeypatch.setenv("CONCLAVE_MAX_SOURCE_BYTES", "1000000")
    # Nothing works on reviews here, so they pile up.
    monkeypatch.setenv("CONCLAVE_MAX_OPEN_REVIEWS", "1000000")
    if "CONCLAVE_MAX_OPEN_REVIEWS_PER_CALLER" not in os.environ:
        monkeypatch.setenv("CONCLAVE_MAX_OPEN_REVIEWS_PER_CALLER", "1000000")
    app = create_app(Settings())
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient, None]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
async def api(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    anonymous.headers["Authorization"] = f"Bearer {TOKEN}"
    return anonymous
