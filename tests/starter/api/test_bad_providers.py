"""What goes wrong with the provider registry in several steps; what is one request is in `bad_inputs.py`."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from activities.keys.sealer import EnvelopeSealer
from activities.keys.transit import TransitService
from activities.storage.user_keys import PostgresKeys
from starter.stack.launcher import Stack
from tests.activities.keys.scripted_http import ScriptedHttp, serving
from tests.starter.api.provider_desk import KEY, Desk, body, desk_on, error_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANARY = "canary-5d1e-value"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(stack: Stack) -> AsyncGenerator[Desk, None]:
    async with desk_on(stack) as found:
        yield found


async def test_61_a_name_that_resolves_elsewhere_later_is_not_connected_to(desk: Desk) -> None:
    connections = 0

    async def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    desk.names.change_after_first["rebind.test"] = ["127.0.0.1"]
    provider = await desk.provider(endpoint=f"https://rebind.test:{port}/v1", needs_key=False)
    seen = (await desk.api.post(f"/providers/{provider['id']}/test")).json()
    assert (seen["good"], seen["failure"], seen["http_status"]) == (False, "address_not_allowed", None)
    assert desk.names.asked.count("rebind.test") == 2
    server.close()
    assert connections == 0


async def test_63_a_name_in_other_letters_is_shown_as_what_it_is(desk: Desk) -> None:
    provider = await desk.provider(endpoint="https://моdels.test/v1/")
    assert provider["endpoint"].startswith("https://xn--") and provider["endpoint"].isascii()


async def test_65_a_key_never_follows_its_provider(desk: Desk) -> None:
    provider = await desk.provider()
    key = await desk.key(provider["name"])
    await desk.key(provider["name"], platform=True)
    moved = await desk.api.patch(f"/providers/{provider['id']}", json={"endpoint": "https://evil.test/v1"})
    assert error_of(moved) == (409, "key_reentry_required")
    assert moved.json()["error"]["details"]["keys"] == 2
    assert (await desk.api.get(f"/providers/{provider['id']}")).json()["endpoint"] == provider["endpoint"]
    same = await desk.api.patch(f"/providers/{provider['id']}", json={"endpoint": "https://MODELS.test:443/v1/"})
    assert same.json()["endpoint"] == provider["endpoint"]
    for held in (await desk.api.get("/user-providers?platform=true")).json()["keys"] + [key]:
        if held["provider"] == provider["name"]:
            assert (await desk.api.delete(f"/user-providers/{held['id']}")).status_code == 204
    moved = await desk.api.patch(f"/providers/{provider['id']}", json={"endpoint": "https://other.test/v1"})
    assert moved.json()["endpoint"] == "https://other.test/v1"


async def test_69_a_provider_in_use_is_not_switched_off_by_accident(desk: Desk) -> None:
    provider = await desk.provider()
    await desk.key(provider["name"])
    refused = await desk.api.delete(f"/providers/{provider['id']}")
    assert error_of(refused) == (409, "provider_in_use")
    assert refused.json()["error"]["details"]["keys"] == 1
    off = await desk.api.patch(f"/providers/{provider['id']}", json={"is_active": False})
    assert not off.json()["is_active"]
    assert (await desk.api.delete(f"/providers/{provider['id']}")).status_code == 204


async def test_70_nothing_is_saved_while_the_key_service_is_sealed(desk: Desk) -> None:
    provider = (await desk.provider())["name"]
    stored = await desk.key(provider)
    usual = desk.providers.keys
    with serving(ScriptedHttp(503, {"errors": ["Vault is sealed"]})) as sealed:
        database = desk.app.state.conclave.services.database
        service = TransitService(sealed.address, "token", "transit", "conclave-provider-keys")
        desk.use(keys=PostgresKeys(database, EnvelopeSealer(service)))
        added = await desk.api.post("/user-providers", json={"provider": provider, "key": KEY})
        rotated = await desk.api.post(f"/user-providers/{stored['id']}/rotate", json={"key": KEY})
    desk.use(keys=usual)
    assert error_of(added) == error_of(rotated) == (503, "kek_unavailable")
    assert added.headers["Retry-After"]
    shown = (await desk.api.get("/user-providers")).json()["keys"]
    assert [each for each in shown if each["provider"] == provider] == [stored]


async def test_a_provider_on_this_machine_names_the_setting(desk: Desk) -> None:
    answer = await desk.api.post("/providers", json=body(endpoint="http://127.0.0.1:8000/v1"))
    assert error_of(answer) == (422, "address_not_allowed")
    assert "CONCLAVE_ALLOW_LOOPBACK_PROVIDERS" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "nothing_to_change"),
        ({"model": None}, "invalid_field"),
        ({"endpoint": None}, "invalid_field"),
        ({"name": "other"}, "unknown_field"),
        ({"id": "0" * 32}, "unknown_field"),
        ({"kind": "openai"}, "unknown_field"),
        ({"max_output_tokens": 100_000_000}, "invalid_field"),
        ({"context_tokens": 1000}, "invalid_field"),
        ({"endpoint": "https://127.0.0.1/"}, "address_not_allowed"),
    ],
)
async def test_bad_changes(desk: Desk, change: dict[str, Any], code: str) -> None:
    provider = await desk.provider()
    assert error_of(await desk.api.patch(f"/providers/{provider['id']}", json=change)) == (422, code)
    assert (await desk.api.get(f"/providers/{provider['id']}")).json() == provider


@pytest.mark.parametrize(
    "name", ["%00", "a%00", "%ff", "x" * 900, "%2e%2e", "%0a" + "a" * 32, "a" * 32 + "%0a", "0" * 32]
)
async def test_names_that_are_none_are_unknown(desk: Desk, name: str) -> None:
    for method, path in (
        ("GET", f"/providers/{name}"),
        ("DELETE", f"/providers/{name}"),
        ("POST", f"/providers/{name}/test"),
        ("DELETE", f"/user-providers/{name}"),
        ("POST", f"/alerts/{name}/acknowledge"),
    ):
        assert (await desk.api.request(method, path)).status_code == 404, (method, path)
    patched = await desk.api.patch(f"/providers/{name}", json={"is_active": True})
    rotated = await desk.api.post(f"/user-providers/{name}/rotate", json={"key": KEY})
    assert (patched.status_code, rotated.status_code) == (404, 404)
