"""The API over the real servers, one application for a whole module, where names resolve as told."""

import socket
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from activities.storage.statements import Statements
from models.settings import Settings
from starter.api.app import create_app
from starter.api.state import ApiState
from starter.provider_services import ProviderServices
from starter.stack.launcher import Stack

TOKEN = "test-token-0123456789"
PUBLIC = "93.184.216.34"
KEY = "sk-test-0123456789abcd"
PRICE = {"input": 1, "output": 2}


@dataclass
class Names:
    """What host names resolve to, instead of what the machine would say. Addresses resolve as always."""

    told: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Names not in here resolve to one public address; an empty list: to nothing."""
    asked: list[str] = field(default_factory=list[str])
    change_after_first: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real: Callable[..., Any] = socket.getaddrinfo

        def resolve(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
            if not isinstance(host, str) or host in ("localhost", "") or host[0].isdigit() or ":" in host:
                return real(host, port, *rest, **named)
            addresses = self.told.get(host, [PUBLIC])
            if host in self.asked and host in self.change_after_first:
                addresses = self.change_after_first[host]
            self.asked.append(host)
            if not addresses:
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, int(port))) for each in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)


@dataclass
class Desk:
    """The application, a client with its token, and how names resolve."""

    app: FastAPI
    api: httpx.AsyncClient
    names: Names

    @property
    def providers(self) -> ProviderServices:
        return self.app.state.conclave.services.providers

    def use(self, **changed: Any) -> None:
        """Go on with other parts."""
        state: ApiState = self.app.state.conclave
        providers = replace(state.services.providers, **changed)
        self.app.state.conclave = replace(state, services=replace(state.services, providers=providers))

    async def provider(self, **changes: Any) -> dict[str, Any]:
        """A new provider, as the API shows it."""
        answer = await self.api.post("/providers", json=body(**changes))
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def key(self, provider: str, key: str = KEY, **changes: Any) -> dict[str, Any]:
        """A new key, as the API shows it."""
        answer = await self.api.post("/user-providers", json={"provider": provider, "key": key} | changes)
        assert answer.status_code == 201, answer.text
        return answer.json()


def body(**changes: Any) -> dict[str, Any]:
    """A provider that nothing is wrong with."""
    return {
        "name": f"p-{uuid.uuid4().hex[:12]}",
        "kind": "compatible",
        "model": "model-1",
        "endpoint": "https://models.test/v1",
        "price": PRICE,
    } | changes


@asynccontextmanager
async def desk_on(stack: Stack, **settings: str) -> AsyncGenerator[Desk, None]:
    """The application with these settings, over tables of its own: nobody else meets its providers."""
    environment = {**stack.environment(), **settings}
    async with _new_schema(environment["CONCLAVE_DATABASE_OWNER_URL"]) as schema:
        with pytest.MonkeyPatch.context() as monkeypatch:

            def engine(url: Any, **options: Any) -> AsyncEngine:
                options["connect_args"]["server_settings"]["search_path"] = schema
                return create_async_engine(url, **options)

            monkeypatch.setattr("activities.storage.database.create_async_engine", engine)
            monkeypatch.setattr("starter.composition.Statements", partial(Statements, search_path=schema))
            async with _running(monkeypatch, environment) as found:
                yield found


@asynccontextmanager
async def _new_schema(database_url: str) -> AsyncGenerator[str, None]:
    name = f"desk_{uuid.uuid4().hex}"
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE SCHEMA {name}"))
    try:
        yield name
    finally:
        async with engine.begin() as connection:
            await connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
        await engine.dispose()


@asynccontextmanager
async def _running(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> AsyncGenerator[Desk, None]:
    told = {
        **environment,
        "CONCLAVE_API_TOKEN": TOKEN,
        "CONCLAVE_CODEC_TOKEN": "codec-token-0123456789",
        "CONCLAVE_MIGRATE": "true",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    names = Names()
    names.install(monkeypatch)
    app = create_app(Settings())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
            yield Desk(app, client, names)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.json()["error"]["code"]
