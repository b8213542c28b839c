"""Every bad input of the provider registry, and what is said about it. Nothing is saved, nothing repeated."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote

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
        found.names.told |= {
            "private.test": ["93.184.216.34", "10.0.0.5"],
            "metadata.test": ["169.254.169.254"],
            "mapped.test": ["::ffff:127.0.0.1"],
            "nowhere.test": [],
        }
        yield found


def at(endpoint: str) -> dict[str, Any]:
    return body(endpoint=endpoint)


NOT_ALLOWED = [
    # 56-59: the loopback, the metadata services, private networks, in all their spellings
    *("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "a.localhost", "localhost.", "LOCALHOST"),
    *("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[fe80::1]", "[fc00::1]"),
    *("2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0x7f000001", "017700000001", "①②⑦.0.0.1", "127。0。0。1"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[::ffff:0:127.0.0.1]"),
    *("router.local", "db.internal", "intranet", "metadata.google.internal"),
    # 60: every address of a name counts
    *("private.test", "metadata.test", "mapped.test"),
]

BAD_PROVIDERS: list[tuple[str, dict[str, Any], int, str]] = [
    ("51 climbing name", body(name="../x"), 422, "invalid_field"),
    ("51 control in the name", body(name="a\nb"), 422, "invalid_field"),
    ("51 line end behind the name", body(name="ab\n"), 422, "invalid_field"),
    ("51 bidi in the name", body(name="a\u202eb"), 422, "invalid_field"),
    ("51 300 characters of name", body(name="a" * 300), 422, "invalid_field"),
    ("51 NUL in the name", body(name="a\0b"), 422, "invalid_field"),
    ("52 http", at("http://models.test/v1"), 422, "https_required"),
    *((f"53 {scheme}", at(f"{scheme}models.test"), 422, "https_required") for scheme in ("file://", "gopher://")),
    *((f"53 {scheme}", at(f"{scheme}models.test"), 422, "https_required") for scheme in ("ftp://", "data:")),
    ("54 user in the address", at(f"https://{CANARY}@models.test/v1"), 422, "invalid_endpoint"),
    ("54 password in the address", at(f"https://a:{CANARY}@models.test"), 422, "invalid_endpoint"),
    ("55 query", at(f"https://models.test/v1?key={CANARY}"), 422, "invalid_endpoint"),
    ("55 fragment", at(f"https://models.test/v1#{CANARY}"), 422, "invalid_endpoint"),
    *((f"56-60 {host}", at(f"https://{host}/v1"), 422, "address_not_allowed") for host in NOT_ALLOWED),
    *(
        (f"62 port {port}", at(f"https://models.test:{port}/v1"), 422, "port_not_allowed")
        for port in (22, 25, 0, 70000)
    ),
    ("64 no such name", at("https://nowhere.test/v1"), 422, "dns_failed"),
    ("66 unknown type", body(kind=CANARY), 422, "invalid_field"),
    ("67 empty model", body(model=""), 422, "invalid_field"),
    ("67 500 characters of model", body(model="m" * 500), 422, "invalid_field"),
    ("67 a model with a line end", body(model="m\nx"), 422, "invalid_field"),
    ("68 temperature", body(temperature=9), 422, "unknown_field"),
    ("68 no answer", body(max_output_tokens=-1), 422, "invalid_field"),
    ("68 an endless answer", body(max_output_tokens=10**9), 422, "invalid_field"),
    ("68 an answer as long as the context", body(context_tokens=1000, max_output_tokens=1000), 422, "invalid_field"),
    ("68 quality", body(quality=1.5), 422, "invalid_field"),
    ("68 timeout", body(timeout_seconds=0), 422, "invalid_field"),
    ("68 text for a number", body(timeout_seconds="60"), 422, "invalid_field"),
    ("68 true for a number", body(max_concurrency=True), 422, "invalid_field"),
    ("68 negative price", body(price={"input": -1, "output": 1}), 422, "invalid_field"),
    ("68 a price that is none", body(price={"input": "NaN", "output": 1}), 422, "invalid_number"),
    ("68 half a price", body(price={"input": 1}), 422, "field_required"),
    ("nowhere", {**body(), "endpoint": None}, 422, "endpoint_required"),
    ("an address of 5,000 characters", at("https://models.test/" + "a" * 5000), 422, "invalid_field"),
]


@pytest.mark.parametrize(
    ("sent", "status", "code"), [case[1:] for case in BAD_PROVIDERS], ids=[case[0] for case in BAD_PROVIDERS]
)
async def test_bad_providers(desk: Desk, sent: dict[str, Any], status: int, code: str) -> None:
    answer = await desk.api.post("/providers", json=sent)
    assert error_of(answer) == (status, code), answer.text
    assert answer.json()["error"]["message"]
    assert CANARY not in answer.text
    assert (await desk.api.get(f"/providers/{quote(str(sent['name']), safe='')}")).status_code == 404


BAD_KEYS: list[tuple[str, Any, str]] = [
    ("46 empty", "", "empty"),
    ("46 blanks", "  ", "blank"),
    ("46 blank inside", f"sk-{CANARY} x", "blank"),
    ("46 line end inside", f"sk-{CANARY}\nx", "blank"),
    ("46 line end behind", f"sk-{CANARY}\n", "blank"),
    ("46 NUL", f"sk-{CANARY}\0", "blank"),
    ("47 10 KB", CANARY * 600, "too_long"),
    ("48 not ASCII", f"sk-{CANARY}-é", "not_ascii"),
    ("49 a URL", f"https://models.test/?key={CANARY}", "url"),
    ("49 JSON", f'{{"key": "{CANARY}"}}', "json"),
]


@pytest.mark.parametrize(("key", "hint"), [case[1:] for case in BAD_KEYS], ids=[case[0] for case in BAD_KEYS])
async def test_bad_keys(desk: Desk, key: str, hint: str) -> None:
    provider = (await desk.provider())["name"]
    stored = await desk.key(provider)
    for path, sent in (
        ("/user-providers", {"provider": provider, "key": key}),
        (f"/user-providers/{stored['id']}/rotate", {"key": key}),
    ):
        answer = await desk.api.post(path, json=sent)
        assert error_of(answer) == (422, "invalid_key_format")
        assert answer.json()["error"]["details"]["hint"] == hint
        assert CANARY not in answer.text
    shown = (await desk.api.get("/user-providers")).json()["keys"]
    assert [each for each in shown if each["provider"] == provider] == [stored]


async def test_50_a_name_is_taken_once(desk: Desk) -> None:
    name = (await desk.provider())["name"]
    assert error_of(await desk.api.post("/providers", json=body(name=name))) == (409, "provider_exists")


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


@pytest.mark.parametrize(
    ("extra", "status", "code"),
    [
        ({"endpoint": "https://evil.test/v1"}, 409, "endpoint_mismatch"),
        ({"endpoint": "http://127.0.0.1"}, 422, "address_not_allowed"),
        ({"base_url": "https://evil.test"}, 422, "unknown_field"),
        ({"provider": {"endpoint": "https://evil.test"}}, 422, "invalid_field"),
        ({"provider": "no-such"}, 404, "provider_unknown"),
        ({"provider": "\0"}, 404, "provider_unknown"),
        ({"provider": f"sk-{CANARY}"}, 404, "provider_unknown"),
        ({"key": {"value": CANARY}}, 422, "invalid_field"),
        ({"key": None}, 422, "invalid_field"),
    ],
)
async def test_a_key_goes_nowhere_else(desk: Desk, extra: dict[str, Any], status: int, code: str) -> None:
    provider = (await desk.provider())["name"]
    answer = await desk.api.post("/user-providers", json={"provider": provider, "key": KEY} | extra)
    assert error_of(answer) == (status, code)
    assert CANARY not in answer.text and KEY not in answer.text


async def test_66_an_unknown_type_lists_the_types(desk: Desk) -> None:
    message = (await desk.api.post("/providers", json=body(kind="azure"))).json()["error"]["message"]
    assert all(kind in message for kind in ("openai", "anthropic", "huggingface", "vllm", "tgi", "compatible"))


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
    answer = await desk.api.post("/providers", json=at("http://127.0.0.1:8000/v1"))
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


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
@pytest.mark.parametrize(
    "path",
    [
        "/providers",
        "/user-providers",
        "/providers/gpt-4-turbo/test",
        "/user-providers/x/rotate",
        "/alerts/x/acknowledge",
    ],
)
async def test_idempotency_keys_that_are_none(desk: Desk, path: str, key: str) -> None:
    answer = await desk.api.post(path, json={}, headers={"Idempotency-Key": key})
    assert error_of(answer) == (400, "invalid_idempotency_key")
