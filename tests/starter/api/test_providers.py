"""Providers and keys as their users meet them: what is shown, who may do what, and that no key ever comes back."""

import json
import logging
import re
import uuid
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from activities.storage.providers import PROVIDERS
from models.access import Caller
from models.identity import Role
from starter.api.auth import identity
from starter.stack.launcher import Stack
from tests.providers.replies import Reply
from tests.providers.server import ScriptedProvider
from tests.starter.api.provider_desk import KEY, TOKEN, Desk, body, desk_on, error_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANARY = "sk-canary-90ab12cd34ef56"
"""A key that is planted everywhere; its last four characters are the most that may be seen."""
TRACE = CANARY[:-5]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(stack: Stack) -> AsyncGenerator[Desk, None]:
    async with desk_on(stack, CONCLAVE_ALLOW_LOOPBACK_PROVIDERS="true") as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncGenerator[ScriptedProvider, None]:
    async with ScriptedProvider() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def local(desk: Desk, server: ScriptedProvider) -> dict[str, Any]:
    """A provider on this machine."""
    server.reset()
    return await desk.provider(endpoint=f"{server.url}/v1")


async def test_the_catalogue_is_there_from_the_start(desk: Desk) -> None:
    found: dict[str, dict[str, Any]] = {}
    cursor = None
    while True:
        page = (
            await desk.api.get("/providers", params={"page_size": 7} | ({"cursor": cursor} if cursor else {}))
        ).json()
        assert 0 < len(page["providers"]) <= 7
        found |= {each["name"]: each for each in page["providers"]}
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert list(found) == sorted(found)
    assert {
        "gpt-4-turbo",
        "gpt-3.5-turbo",
        "claude-3-opus",
        "claude-3-sonnet",
        "codellama",
        "starcoder",
    } <= found.keys()
    assert found["claude-haiku-4-5"]["price"]["source"].startswith("genai-prices-")
    assert found["codellama"]["price"] is None
    assert {each["access"] for each in found.values() if each["name"].startswith("gpt-")} <= {"no_key", "own_key"}
    assert (await desk.api.get("/providers/gpt-4-turbo")).json() == found["gpt-4-turbo"]
    assert (await desk.api.get(f"/providers/{found['gpt-4-turbo']['id']}")).json() == found["gpt-4-turbo"]


@pytest.mark.parametrize("cursor", ["tampered!", "AAAA", "bmFtZSA=", "bmFtZSAA", "x" * 400])
async def test_cursors_that_are_none(desk: Desk, cursor: str) -> None:
    for path in ("/providers", "/quotas", "/alerts"):
        answer = await desk.api.get(path, params={"cursor": cursor})
        assert answer.status_code in (400, 422)


async def test_what_is_not_told_is_as_the_catalogue_or_the_kind_has_it(desk: Desk) -> None:
    known = await desk.provider(kind="openai", model="gpt-5.6-luna", endpoint=None, price=None)
    assert (known["endpoint"], known["protocol"]) == ("https://api.openai.com/v1", "openai-responses")
    assert (known["tier"], known["context_tokens"], known["price"]["source"][:12]) == (
        "cheap",
        1_050_000,
        "genai-prices",
    )
    own = await desk.provider()
    assert (own["protocol"], own["tier"], own["access"]) == ("openai-chat", "cheap", "no_key")
    assert own["max_output_tokens"] < own["context_tokens"]
    assert own["price"] == {"source": "override", "input": "1", "output": "2", "varies": False}
    long = await desk.provider(max_output_tokens=100_000)
    assert long["context_tokens"] > 100_000
    short = await desk.provider(context_tokens=2_000)
    assert short["max_output_tokens"] < 2_000


async def test_a_model_without_a_price_says_so(desk: Desk) -> None:
    provider = await desk.provider(price=None)
    assert provider["price"] is None
    priced = (await desk.api.patch(f"/providers/{provider['name']}", json={"price": {"input": 0, "output": 0}})).json()
    assert (priced["price"]["source"], priced["price"]["input"]) == ("override", "0")
    again = (await desk.api.patch(f"/providers/{provider['name']}", json={"price": None})).json()
    assert again == provider


async def test_a_change_leaves_the_rest(desk: Desk) -> None:
    provider = await desk.provider(requests_per_minute=60)
    change = {"tier": "powerful", "requests_per_minute": None, "is_active": False}
    changed = (await desk.api.patch(f"/providers/{provider['id']}", json=change)).json()
    assert changed == provider | change
    assert (await desk.api.get(f"/providers/{provider['id']}")).json() == changed


async def test_with_what_a_provider_can_be_asked(desk: Desk) -> None:
    async def access(name: str) -> str:
        return (await desk.api.get(f"/providers/{name}")).json()["access"]

    mine, private, free = await desk.provider(), await desk.provider(is_platform_provided=False), None
    assert await access(mine["name"]) == "no_key"
    shared = await desk.key(mine["name"], platform=True)
    await desk.key(private["name"], platform=True)
    assert (await access(mine["name"]), await access(private["name"])) == ("platform_key", "no_key")
    own = await desk.key(mine["name"])
    assert await access(mine["name"]) == "own_key"
    free = await desk.provider(needs_key=False)
    assert free["access"] == "no_key_needed"
    assert error_of(await desk.api.post("/user-providers", json={"provider": free["name"], "key": KEY})) == (
        422,
        "no_key_needed",
    )
    for each in (own, shared):
        assert (await desk.api.delete(f"/user-providers/{each['id']}")).status_code == 204
    assert await access(mine["name"]) == "no_key"


async def test_a_key_is_shown_by_its_last_four_and_rotated(desk: Desk) -> None:
    provider = await desk.provider()
    key = await desk.key(provider["name"], CANARY)
    assert (key["last_four"], key["version"], key["state"], key["platform"]) == (CANARY[-4:], 1, "active", False)
    rotated = (await desk.api.post(f"/user-providers/{key['id']}/rotate", json={"key": "sk-another-key-9876"})).json()
    assert rotated | {"rotated_at": None} == key | {"version": 2, "last_four": "9876"}
    assert rotated["rotated_at"]
    assert rotated in (await desk.api.get("/user-providers")).json()["keys"]
    async with desk.providers.keys.opened(key["id"], await desk.providers.catalogue.get(provider["id"])) as clear:
        assert clear == b"sk-another-key-9876"
    assert (await desk.api.delete(f"/user-providers/{key['id']}")).status_code == 204
    gone = await desk.api.post(f"/user-providers/{key['id']}/rotate", json={"key": KEY})
    assert error_of(gone) == (404, "key_unknown")
    assert error_of(await desk.api.delete(f"/user-providers/{key['id']}")) == (404, "key_unknown")


async def test_the_platforms_keys_are_apart(desk: Desk) -> None:
    provider = await desk.provider()
    key = await desk.key(provider["name"], platform=True)
    assert key["platform"]
    own = (await desk.api.get("/user-providers")).json()["keys"]
    shared = (await desk.api.get("/user-providers", params={"platform": True})).json()["keys"]
    assert key in shared and key["id"] not in {each["id"] for each in own}
    rotated = await desk.api.post(f"/user-providers/{key['id']}/rotate", json={"key": KEY})
    assert (rotated.status_code, rotated.json()["platform"]) == (200, True)


async def test_a_hundred_keys_are_enough(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = await desk.provider()
    await desk.key(provider["name"])
    monkeypatch.setattr("starter.api.keys.MOST_KEYS", 1)
    refused = await desk.api.post("/user-providers", json={"provider": provider["name"], "key": KEY})
    assert error_of(refused) == (409, "too_many_keys")


async def test_a_test_sends_the_key_there_and_tells_codes(
    desk: Desk, server: ScriptedProvider, local: dict[str, Any]
) -> None:
    refused = await desk.api.post(f"/providers/{local['id']}/test")
    assert error_of(refused) == (409, "no_usable_key")
    assert not server.requests
    key = await desk.key(local["name"], CANARY)
    seen = (await desk.api.post(f"/providers/{local['name']}/test")).json()
    assert (seen["good"], seen["http_status"], seen["failure"], seen["key_id"]) == (True, 200, None, key["id"])
    assert server.requests[-1].headers["authorization"] == f"Bearer {CANARY}"
    server.script("/v1/models", Reply(status=500, body="banner of an internal server " + CANARY))
    failed = await desk.api.post(f"/providers/{local['name']}/test")
    assert (failed.json()["good"], failed.json()["failure"]) == (False, "server_error")
    assert "banner" not in failed.text and TRACE not in failed.text
    assert local["id"] not in await desk.providers.health.all()


async def test_a_key_that_is_refused_is_set_aside_until_it_works_again(
    desk: Desk, server: ScriptedProvider, local: dict[str, Any]
) -> None:
    async def state() -> tuple[str, str | None]:
        keys = (await desk.api.get("/user-providers")).json()["keys"]
        return next((each["state"], each["reason"]) for each in keys if each["id"] == key["id"])

    key = await desk.key(local["name"])
    server.script("/v1/models", Reply(status=401))
    assert (await desk.api.post(f"/providers/{local['name']}/test")).json()["failure"] == "key_invalid"
    assert await state() == ("invalid", "key_invalid")
    assert (await desk.api.get(f"/providers/{local['id']}")).json()["access"] == "no_key"
    assert (await desk.api.post(f"/providers/{local['name']}/test")).json()["good"]
    assert await state() == ("active", None)


async def test_a_stored_key_of_another_endpoint_is_not_sent(
    desk: Desk, server: ScriptedProvider, local: dict[str, Any]
) -> None:
    await desk.key(local["name"])
    # Past the rule, as somebody who can write to the database would do it.
    async with desk.app.state.conclave.services.database.statements() as session:
        move = update(PROVIDERS).where(PROVIDERS.c.id == local["id"])
        await session.execute(move.values(api_endpoint=f"{server.url}/v2"))
    assert error_of(await desk.api.post(f"/providers/{local['name']}/test")) == (409, "key_unreadable")
    assert not server.requests


ADMINS = {
    ("POST", "/providers"),
    ("PATCH", "/providers/{provider_id}"),
    ("DELETE", "/providers/{provider_id}"),
    ("PUT", "/quotas/{user}"),
    ("GET", "/alerts"),
    ("POST", "/alerts/{alert_id}/acknowledge"),
}


def user(name: str) -> Caller:
    return Caller(name=name, token_sha256="0" * 64, roles=frozenset({Role.USER}))


async def test_what_takes_an_administrator(desk: Desk, local: dict[str, Any]) -> None:
    key = await desk.key(local["name"], platform=True)
    desk.app.dependency_overrides[identity] = lambda: user("local")
    try:
        for method, path in ADMINS:
            answer = await desk.api.request(
                method, path.format(provider_id=local["id"], user="local", alert_id="0" * 32)
            )
            assert error_of(answer) == (403, "forbidden"), (method, path)
        for method, path, sent in (
            ("POST", "/user-providers", {"provider": local["name"], "key": KEY, "platform": True}),
            ("GET", "/user-providers?platform=true", None),
            ("GET", "/quotas?user=somebody", None),
            ("GET", "/usage?user=somebody", None),
            ("GET", "/usage?everybody=true", None),
        ):
            assert error_of(await desk.api.request(method, path, json=sent)) == (403, "forbidden"), (method, path)
        for method, path, sent in (
            ("POST", f"/user-providers/{key['id']}/rotate", {"key": KEY}),
            ("DELETE", f"/user-providers/{key['id']}", None),
        ):
            assert error_of(await desk.api.request(method, path, json=sent)) == (404, "key_unknown")
        assert error_of(await desk.api.post(f"/providers/{local['id']}/test")) == (409, "no_usable_key")
        assert [each["user"] for each in (await desk.api.get("/quotas")).json()["quotas"]] == ["local"]
        assert (await desk.api.get("/usage?user=local")).json()["user"] == "local"
    finally:
        desk.app.dependency_overrides.clear()


async def test_another_users_key_is_as_unknown_as_none(desk: Desk, local: dict[str, Any]) -> None:
    key = await desk.key(local["name"])
    desk.app.dependency_overrides[identity] = lambda: user("eve")
    try:
        rotated = await desk.api.post(f"/user-providers/{key['id']}/rotate", json={"key": KEY})
        removed = await desk.api.delete(f"/user-providers/{key['id']}")
        missing = await desk.api.delete(f"/user-providers/{uuid.uuid4().hex}")
        assert rotated.json() == removed.json() == missing.json()
        assert (await desk.api.get("/user-providers")).json()["keys"] == []
        assert (await desk.api.get(f"/providers/{local['id']}")).json()["access"] == "no_key"
        assert error_of(await desk.api.post(f"/providers/{local['id']}/test")) == (409, "no_usable_key")
    finally:
        desk.app.dependency_overrides.clear()


def planted(provider: str) -> list[bytes]:
    """Bodies with the canary, most of them broken in one way."""
    good = {"provider": provider, "key": CANARY}
    shapes: list[Any] = [
        good,
        good | {"surprise": CANARY},
        good | {CANARY: 1},
        {"key": CANARY},
        {"provider": provider, "key": [CANARY]},
        {"provider": provider, "key": {"key": CANARY}},
        {"provider": provider, "key": CANARY + "\n"},
        {"provider": provider, "key": CANARY * 100},
        {"provider": provider, "key": CANARY + "\u00e9"},
        {"provider": CANARY, "key": CANARY},
        good | {"endpoint": f"https://{CANARY}@x.test"},
        good | {"platform": CANARY},
        body(name=CANARY, kind=CANARY, endpoint=CANARY),
        body(model=CANARY + " x"),
        body(name=provider, model=CANARY),
        [CANARY],
        CANARY,
    ]
    texts = [json.dumps(each).encode() for each in shapes]
    whole = json.dumps(good).encode()
    broken = [
        whole[:-1],
        whole + CANARY.encode(),
        b'{"key": NaN, ' + whole[1:],
        whole.replace(b'"key"', b'"key": "", "key"'),
    ]
    return [
        *texts,
        *broken,
        whole + b"\xff",
        b'{"key": "' + CANARY.encode() + b'\\ud800"}',
        b'{"provider": ' + CANARY.encode(),
    ]


JSON = {"Content-Type": "application/json"}


def operations(desk: Desk) -> list[tuple[str, str]]:
    """Every method and path but removal, which would leave nothing to leak."""
    paths: dict[str, dict[str, object]] = desk.app.openapi()["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods if method != "delete"]


async def test_no_key_ever_comes_back(
    desk: Desk,
    local: dict[str, Any],
    server: ScriptedProvider,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    server.always("/v1/models", Reply(status=403, body=f"no: {CANARY}", headers={"x-key": CANARY}))
    key = await desk.key(local["name"], CANARY)
    statuses: set[int] = set()
    bodies = planted(local["name"])
    for method, path in operations(desk):
        address = re.sub(r"{(\w+)}", lambda found: key["id"] if found[1] == "key_id" else local["id"], path)
        sent: list[tuple[bytes, dict[str, str]]] = [(each, {}) for each in bodies] if method != "get" else [(b"", {})]
        sent += [(bodies[0], {"Authorization": f"Bearer {CANARY}"}), (bodies[0], {"Idempotency-Key": CANARY})]
        for content, headers in sent:
            answer = await desk.api.request(method, address, content=content, headers=JSON | headers)
            statuses.add(answer.status_code)
            assert TRACE not in answer.text, (method, path)
            assert not any(TRACE in value for value in answer.headers.values()), (method, path)
        query = {"cursor": CANARY, "by": CANARY, "user": CANARY + ":"}
        assert TRACE not in (await desk.api.request(method, address, params=query)).text
    assert {200, 201, 400, 401, 404, 409, 422} <= statuses
    assert not any(TRACE in record.getMessage() or TRACE in str(record.exc_text) for record in caplog.records)
    said = capfd.readouterr()
    assert TRACE not in said.out + said.err
    logging.getLogger("conclave.api").warning("a leak: %s", CANARY)
    assert any(TRACE in record.getMessage() for record in caplog.records), "a leak would be seen"


async def test_the_token_is_in_no_answer_either(desk: Desk) -> None:
    for path in ("/providers", "/user-providers", "/quotas", "/usage", "/health", "/alerts"):
        answer = await desk.api.get(path)
        assert answer.status_code == 200
        assert TOKEN not in answer.text
