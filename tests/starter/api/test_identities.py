"""Who the API takes a caller for, and what it lets them do."""

from collections.abc import AsyncGenerator
from typing import Any, cast

import httpx
import pytest

from activities.policy.access import AccessPolicy
from activities.policy.regopy_engine import RegopyEngine
from models.identity import Role, digest
from models.settings import Settings
from starter.access_services import AccessServices
from starter.api.app import create_app
from starter.api.state import ApiState
from starter.connection import SettingMissing

TOKENS = {"ursula": "token-of-a-user", "oscar": "token-of-an-operator", "adam": "token-of-an-administrator"}
ROLES = {"ursula": [Role.USER, Role.APPROVER], "oscar": [Role.OPERATOR], "adam": [Role.ADMIN]}


def declared() -> list[dict[str, Any]]:
    return [{"name": name, "token_sha256": digest(TOKENS[name]), "roles": ROLES[name]} for name in TOKENS]


class Unlimited:
    """Counts no requests."""

    async def take(self, *_: object) -> None:
        return None


@pytest.fixture
async def door() -> AsyncGenerator[httpx.AsyncClient]:
    """The API with these identities and nothing behind it: who comes past the door gets a 500."""
    settings = Settings.model_validate({"identities": declared()})
    app = create_app(settings)
    decides = AccessServices(settings, AccessPolicy(RegopyEngine()), cast(Any, None), cast(Any, Unlimited()))
    app.state.conclave = ApiState(services=cast(Any, None), access=decides)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def enter(door: httpx.AsyncClient, token: str, method: str, path: str) -> tuple[int, str]:
    answer = await door.request(method, path, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()["error"]["message"]


@pytest.mark.parametrize("token", ["", "token-of-nobody", digest(TOKENS["adam"]), TOKENS["adam"][:-1], "adam"])
async def test_nobody_comes_in_without_a_token(door: httpx.AsyncClient, token: str) -> None:
    assert (await enter(door, token, "GET", "/versions"))[0] == 401
    assert (await door.get("/versions")).status_code == 401


async def test_a_role_that_is_missing_is_named(door: httpx.AsyncClient) -> None:
    for name, method, path, status, role in (
        ("ursula", "PUT", "/quotas/somebody", 403, "admin"),
        ("oscar", "GET", "/alerts", 403, "admin"),
        ("ursula", "POST", "/datasets", 403, "operator"),
        ("adam", "GET", "/alerts", 500, ""),
        ("adam", "GET", "/versions", 500, ""),
        ("oscar", "GET", "/versions", 500, ""),
    ):
        answered, message = await enter(door, TOKENS[name], method, path)
        assert answered == status and role in message, (name, path, message)


def test_a_service_that_nobody_may_call_does_not_start() -> None:
    with pytest.raises(SettingMissing, match="CONCLAVE_API_TOKEN"):
        create_app(Settings.model_validate({}))
