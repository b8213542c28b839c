"""The API over the real servers, one application for a whole module, where names resolve as told."""

import socket
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

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
    """The application with these settings."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        told = {
            **stack.environment(),
            "CONCLAVE_API_TOKEN": TOKEN,
            "CONCLAVE_CODEC_TOKEN": "codec-token-0123456789",
            "CONCLAVE_MIGRATE": "true",
            **settings,
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
