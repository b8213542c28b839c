"""Who comes in, with which token, how far role, scope and limit let them; nobody sees what is another's."""

import re
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from sqlalchemy import text, update

from activities.policy.access import AccessPolicy
from activities.policy.opa_engine import OpaEngine
from activities.quota.best_effort import BestEffortRedis, impatient_client
from activities.quota.rates import RedisRates
from activities.storage.access_tokens import TOKENS, PostgresTokens
from activities.storage.statements import Statements
from models.access import Action
from models.identity import Role, digest
from starter.api import routing
from starter.api.auth import DECLARED, May, calls_of, open_to_all
from starter.api.state import ApiState
from starter.stack.launcher import Stack
from tests.starter.api.provider_desk import KEY, Desk, body, desk_on

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROLES = {"ursula": Role.USER, "vera": Role.USER, "oscar": Role.OPERATOR, "ada": Role.APPROVER, "adam": Role.ADMIN}
OPEN_PATHS = {"/healthz", "/readyz", "/codec/decode", "/codec/encode", "/codec/{token}/decode", "/metrics"}
"""Those of the codec look at a token of their own."""


def secret_of(name: str) -> str:
    return f"the-secret-of-{name}-0123456789"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(stack: Stack) -> AsyncGenerator[Desk]:
    import json

    declared = [{"name": n, "token_sha256": digest(secret_of(n)), "roles": [r]} for n, r in ROLES.items()]
    async with desk_on(stack, CONCLAVE_IDENTITIES=json.dumps(declared)) as found:
        yield found


def state_of(desk: Desk) -> ApiState:
    return cast(ApiState, desk.app.state.conclave)


async def ask(
    desk: Desk, token: str, method: str, path: str, sent: Any = None, headers: dict[str, str] | None = None
) -> httpx.Response:
    told = {"Authorization": f"Bearer {token}", **(headers or {})}
    return await desk.api.request(method, path, json=sent, headers=told)


async def as_(desk: Desk, who: str, method: str, path: str, sent: Any = None) -> httpx.Response:
    return await ask(desk, secret_of(who), method, path, sent)


async def made(desk: Desk, who: str = "ursula", with_token: str | None = None, **wanted: Any) -> dict[str, Any]:
    answer = await ask(desk, with_token or secret_of(who), "POST", "/tokens", {"name": "a test"} | wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def expired(desk: Desk) -> str:
    token = await made(desk)
    async with state_of(desk).services.database.statements() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await session.execute(update(TOKENS).where(TOKENS.c.id == token["id"]).values(expires_at=past))
    return f"Bearer {token['token']}"


async def revoked(desk: Desk) -> str:
    token = await made(desk)
    assert (await as_(desk, "ursula", "DELETE", f"/tokens/{token['id']}")).status_code == 204
    return f"Bearer {token['token']}"


SQL = "' OR pg_sleep(5)--"
UNKNOWN = "cvt_" + "A" * 43


@pytest.mark.parametrize(
    ("headers", "status", "code_of"),
    [
        ([], 401, "unauthenticated"),
        ([("Authorization", "")], 401, "unauthenticated"),
        ([("Authorization", "Bearer ")], 401, "unauthenticated"),
        ([("Authorization", "Bearer     ")], 401, "unauthenticated"),
        ([("Authorization", "Basic dXNlcjpwYXNz")], 401, "unauthenticated"),
        ([("Authorization", f"Bearer {UNKNOWN}")], 401, "unauthenticated"),
        ([("Authorization", f"Bearer {UNKNOWN[:-1]}")], 401, "unauthenticated"),
        ([("Authorization", f"Bearer {digest(secret_of('adam'))}")], 401, "unauthenticated"),
        ([("Authorization", f"Bearer {SQL}")], 401, "unauthenticated"),
        ([("Authorization", f"Bearer cvt_{SQL}" + "A" * 25)], 401, "unauthenticated"),
        ([("Authorization", "Bearer " + "A" * 5000)], 401, "unauthenticated"),
        ([("X-Api-Key", SQL), ("Cookie", SQL), ("X-Forwarded-For", SQL)], 401, "unauthenticated"),
        ([("Authorization", expired)], 401, "token_expired"),
        ([("Authorization", revoked)], 401, "token_revoked"),
        (
            [("Authorization", f"Bearer {secret_of('ursula')}"), ("Authorization", f"Bearer {secret_of('adam')}")],
            400,
            "ambiguous_authorization",
        ),
    ],
    ids=[
        "nothing",
        "no scheme",
        "empty",
        "blanks",
        "basic",
        "unknown",
        "too short",
        "a digest",
        "sql",
        "sql as a token",
        "too long",
        "sql elsewhere",
        "expired",
        "revoked",
        "two",
    ],
)
async def test_who_does_not_come_in(desk: Desk, headers: list[tuple[str, Any]], status: int, code_of: str) -> None:
    sent = [(name, await value(desk) if callable(value) else value) for name, value in headers]
    transport = httpx.ASGITransport(desk.app)
    quickest = 1.0
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as nobody:
        for _ in range(3):
            begun = time.perf_counter()
            answer = await nobody.get("/reviews", headers=sent)
            quickest = min(quickest, time.perf_counter() - begun)
            assert code(answer) == (status, code_of)
            assert status == 400 or answer.headers["www-authenticate"] == "Bearer"
            assert SQL not in answer.text and "token" not in answer.headers
    assert quickest < 0.05


@pytest.mark.parametrize("host", ["a/#@evil", "evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example"])
async def test_another_host_is_refused_before_anybody_is_asked(desk: Desk, host: str) -> None:
    answer = await ask(desk, secret_of("adam"), "GET", "/reviews", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    ("who", "method", "path", "role"),
    [
        ("ursula", "GET", "/alerts", "admin"),
        ("ursula", "POST", "/datasets", "operator"),
        ("ursula", "GET", "/audit", "operator or approver"),
        ("oscar", "POST", "/reviews", "user"),
        ("oscar", "POST", f"/promotions/{'0' * 32}/approve", "approver"),
        ("adam", "POST", f"/promotions/{'0' * 32}/approve", "approver"),
    ],
)
async def test_a_role_that_is_missing_is_named(desk: Desk, who: str, method: str, path: str, role: str) -> None:
    answer = await as_(desk, who, method, path, {} if method == "POST" else None)
    assert code(answer) == (403, "forbidden")
    assert f"takes the role {role};" in answer.json()["error"]["message"]


def routes(app: FastAPI) -> Iterator[tuple[str, str, Dependant]]:
    for route in iter_route_contexts(app.routes):
        for method in (route.methods or set[str]()) - {"HEAD", "OPTIONS"}:
            if route.path != "/openapi.json":
                yield method, cast(str, route.path), cast(Dependant, getattr(route, "dependant", None))


async def test_every_route_says_what_it_does_and_only_those_that_say_so_are_open(desk: Desk) -> None:
    found = list(routes(desk.app))
    assert len(found) > 60
    transport = httpx.ASGITransport(desk.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as nobody:
        for method, path, dependant in found:
            calls = list(calls_of(dependant))
            assert len([each for each in calls if isinstance(each, May) or each is open_to_all]) == 1, path
            assert (open_to_all in calls) == (path in OPEN_PATHS), path
            answer = await nobody.request(method, re.sub(r"{\w+}", "0" * 32, path), json={})
            assert (answer.status_code == 401) == (path not in {"/healthz", "/readyz", "/metrics"}), path
    acts = {each.action for _, _, dependant in found for each in calls_of(dependant) if isinstance(each, May)}
    more = {Action.KEYS_PLATFORM, Action.QUOTAS_READ_ALL, Action.USAGE_READ_ALL, Action.TOKENS_ALL}
    assert acts | more | {Action.PROMOTIONS_WITHDRAW_ALL} == set(Action)


async def test_a_route_that_names_no_action_refuses_everybody(desk: Desk) -> None:
    router = routing.router("forgotten")

    @router.get(f"/forgotten-{uuid.uuid4().hex}")
    async def forgotten() -> dict[str, str]:
        return {"secret": "x"}

    desk.app.include_router(router, dependencies=[DECLARED])
    path = desk.app.url_path_for("forgotten")
    assert code(await ask(desk, secret_of("adam"), "GET", path)) == (403, "forbidden")
    desk.app.router.routes.pop()


async def test_what_is_anothers_is_as_unknown_as_nothing(desk: Desk) -> None:
    source = (
        await as_(desk, "ursula", "POST", "/sources", {"label": "x", "files": [{"path": "a.py", "text": "x = 1\n"}]})
    ).json()["source_id"]
    review = (await as_(desk, "ursula", "POST", "/reviews", {"source_id": source, "experts": ["meta"]})).json()["id"]
    provider = (await as_(desk, "adam", "POST", "/providers", body())).json()
    added = await as_(desk, "ursula", "POST", "/user-providers", {"provider": provider["name"], "key": KEY})
    ids = [source, review, added.json()["id"], (await made(desk))["id"]]
    for id_ in ids:  # they are ids of something
        looked = [await as_(desk, "ursula", "GET", f"/{kind}/{id_}") for kind in ("sources", "reviews", "tokens")]
        assert 200 in [each.status_code for each in looked] or id_ == added.json()["id"]
    asked = 0
    for who in ("vera", "oscar", "ada"):
        for method, path, _ in routes(desk.app):
            if "{" not in path or path in OPEN_PATHS:
                continue
            sent = {} if method in ("POST", "PUT", "PATCH") else None
            missing = await as_(desk, who, method, re.sub(r"{\w+}", uuid.uuid4().hex, path), sent)
            for id_ in ids:
                answer = await as_(desk, who, method, re.sub(r"{\w+}", id_, path), sent)
                if path == "/quotas/{user}":
                    assert answer.status_code == 403
                    continue
                assert (answer.status_code, answer.content) == (missing.status_code, missing.content), (method, path)
                assert answer.status_code >= 400, (method, path)
                asked += 1
        for path in ("/reviews", "/user-providers", "/tokens", "/usage", "/quotas"):
            answer = await as_(desk, who, "GET", path)
            assert answer.status_code == 200 and not any(id_ in answer.text for id_ in ids), path
    assert asked > 300
    theirs, nobodys = [
        await as_(desk, "vera", "POST", "/reviews", {"source_id": each}) for each in (source, uuid.uuid4().hex)
    ]
    assert (theirs.status_code, theirs.content) == (404, nobodys.content)
    assert (await as_(desk, "ursula", "GET", f"/reviews/{review}")).status_code == 200


async def test_a_token_is_shown_once_and_stored_by_its_digest_alone(desk: Desk) -> None:
    token = await made(desk, scopes=["reviews:read"], days=3)
    assert re.fullmatch(r"cvt_[A-Za-z0-9_-]{43}", token["token"])
    view = (await ask(desk, secret_of("ursula"), "GET", f"/tokens/{token['id']}")).json()
    assert view == {key: value for key, value in token.items() if key != "token"}
    assert (view["owner"], view["roles"], view["scopes"], view["state"]) == (
        "ursula",
        ["user"],
        ["reviews:read"],
        "active",
    )
    async with state_of(desk).services.database.statements() as session:
        for table in ("tokens", "audit_log", "idempotent_answers"):
            rows = (await session.execute(text(f"SELECT cast(t AS text) FROM {table} t"))).scalars().all()
            assert not any(token["token"][4:] in row for row in rows)
            assert any(token["id"] in row for row in rows) or table == "idempotent_answers"
    used = await ask(desk, token["token"], "GET", "/reviews")
    assert used.status_code == 200
    assert (await ask(desk, secret_of("ursula"), "GET", f"/tokens/{token['id']}")).json()["last_used_at"] is not None
    assert token["token"] not in (await as_(desk, "adam", "GET", "/tokens?everybody=true")).text


async def test_an_idempotency_key_does_not_bring_a_token_back(desk: Desk) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first, again = [
        await ask(desk, secret_of("vera"), "POST", "/tokens", {"name": "once"}, headers=key) for _ in range(2)
    ]
    assert first.status_code == 201
    assert code(again) == (409, "already_done") and first.json()["token"] not in again.text


async def test_scopes_take_away_and_are_handed_down(desk: Desk) -> None:
    narrow = (await made(desk, scopes=["reviews:read", "tokens:write"]))["token"]
    assert (await ask(desk, narrow, "GET", "/reviews")).status_code == 200
    refused = await ask(desk, narrow, "POST", "/reviews", {})
    assert code(refused) == (403, "scope_missing") and "reviews:write" in refused.json()["error"]["message"]
    inherited = await made(desk, with_token=narrow)
    assert inherited["scopes"] == ["reviews:read", "tokens:write"]
    wider = await ask(desk, narrow, "POST", "/tokens", {"name": "x", "scopes": ["reviews:write"]})
    assert code(wider) == (403, "scope_not_yours")


@pytest.mark.parametrize(
    ("who", "wanted", "status", "code_of"),
    [
        ("ursula", {"roles": ["admin"]}, 403, "role_not_yours"),
        ("ursula", {"roles": ["user", "approver"]}, 403, "role_not_yours"),
        ("ursula", {"owner": "vera"}, 403, "forbidden"),
        ("adam", {"roles": ["approver"]}, 403, "role_not_yours"),
        ("adam", {"owner": "ada", "roles": ["approver"]}, 403, "role_not_yours"),
        ("adam", {"owner": "Ada"}, 409, "owner_spelling"),
        ("adam", {"owner": "conclave"}, 422, "invalid_field"),
        ("ursula", {"days": 91}, 422, "invalid_field"),
        ("ursula", {"days": 0}, 422, "invalid_field"),
        ("ursula", {"roles": []}, 422, "invalid_field"),
        ("ursula", {"scopes": ["reviews:*"]}, 422, "invalid_field"),
        ("ursula", {"name": "\u202e"}, 422, "invalid_field"),
        ("ursula", {"token": UNKNOWN}, 422, "unknown_field"),
    ],
)
async def test_nobody_makes_a_token_that_may_more_than_they(
    desk: Desk, who: str, wanted: dict[str, Any], status: int, code_of: str
) -> None:
    answer = await as_(desk, who, "POST", "/tokens", {"name": "a test"} | wanted)
    assert code(answer) == (status, code_of)
    assert UNKNOWN not in answer.text


async def test_administrators_make_tokens_for_others_and_approvers_their_own(desk: Desk) -> None:
    bot = await made(desk, "adam", owner="build-bot", roles=["user", "operator"])
    assert (bot["owner"], bot["created_by"]) == ("build-bot", "adam")
    assert (await ask(desk, bot["token"], "GET", "/audit")).status_code == 200
    assert code(await as_(desk, "adam", "POST", "/tokens", {"name": "x", "owner": "Build-Bot"})) == (
        409,
        "owner_spelling",
    )
    assert (await made(desk, "ada"))["roles"] == ["approver"]
    mine = (await as_(desk, "ursula", "GET", "/tokens")).json()["tokens"]
    assert {each["owner"] for each in mine} == {"ursula"}
    for path in ("/tokens?everybody=true", "/tokens?user=build-bot"):
        assert code(await as_(desk, "ursula", "GET", path)) == (403, "forbidden")
        assert bot["id"] in (await as_(desk, "adam", "GET", path)).text


async def test_what_a_token_made_ends_with_it(desk: Desk) -> None:
    first = await made(desk, days=2)
    second = await made(desk, with_token=first["token"], days=90)
    third = await made(desk, with_token=second["token"])
    assert first["expires_at"] == second["expires_at"] == third["expires_at"]
    assert (await as_(desk, "adam", "DELETE", f"/tokens/{first['id']}")).status_code == 204
    for each in (first, second, third):
        assert code(await ask(desk, each["token"], "GET", "/reviews")) == (401, "token_revoked")
    again = await as_(desk, "ursula", "DELETE", f"/tokens/{first['id']}")
    assert again.status_code == 204
    entries = (await as_(desk, "oscar", "GET", f"/audit?subject={first['id']}")).json()["entries"]
    assert [(each["action"], each["actor"]) for each in entries] == [
        ("token_revoked", "adam"),
        ("token_created", "ursula"),
    ]
    assert entries[0]["data"] == {"also": sorted([second["id"], third["id"]])}


@contextmanager
def access(desk: Desk, **changed: Any) -> Iterator[None]:
    """Go on with other parts of what decides about callers."""
    before = state_of(desk)
    desk.app.state.conclave = replace(before, access=replace(before.access, **changed))
    try:
        yield
    finally:
        desk.app.state.conclave = before


async def test_without_the_database_nobody_is_taken_for_anybody(desk: Desk) -> None:
    token = (await made(desk))["token"]
    away = Statements("postgresql://conclave@127.0.0.1:1/conclave")
    with access(desk, tokens=PostgresTokens(state_of(desk).services.database, away)):
        for sent in (token, UNKNOWN):
            answer = await ask(desk, sent, "GET", "/reviews")
            assert code(answer) == (503, "store_unavailable") and answer.headers["retry-after"]
        assert code(await ask(desk, "no-token-of-ours", "GET", "/reviews")) == (401, "unauthenticated")
    assert (await ask(desk, token, "GET", "/reviews")).status_code == 200


async def test_without_the_policy_nobody_may_do_anything(desk: Desk) -> None:
    with access(desk, policy=AccessPolicy(OpaEngine("http://127.0.0.1:1"))):
        for path in ("/reviews", "/alerts", "/versions"):
            assert code(await as_(desk, "adam", "GET", path)) == (503, "policy_unavailable")
        assert (await desk.api.get("/healthz")).status_code == 200


async def test_too_many_requests_of_a_token_are_told_when_to_come_back(desk: Desk) -> None:
    token, other = (await made(desk))["token"], (await made(desk))["token"]
    few = state_of(desk).access.settings.model_copy(update={"rate_per_minute": 6, "rate_burst": 3})
    with access(desk, settings=few):
        answers = [await ask(desk, token, "GET", "/versions") for _ in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429]
        assert [each.headers["ratelimit-remaining"] for each in answers] == ["2", "1", "0", "0"]
        assert code(answers[3]) == (429, "rate_limited")
        assert 8 <= int(answers[3].headers["retry-after"]) <= 10
        assert answers[3].headers["ratelimit-limit"] == "3" and 27 <= int(answers[3].headers["ratelimit-reset"]) <= 30
        assert (await ask(desk, other, "GET", "/versions")).status_code == 200
        assert "ratelimit-limit" not in (await ask(desk, token, "GET", "/healthz")).headers


async def test_too_many_failures_of_an_address_are_slowed_down_and_nobody_else_is(desk: Desk) -> None:
    few = state_of(desk).access.settings.model_copy(update={"failed_logins_per_minute": 2})
    address = f"198.51.100.{uuid.uuid4().int % 250}-{uuid.uuid4().hex}"
    transport = httpx.ASGITransport(desk.app, client=(address, 1))
    with access(desk, settings=few):
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as there:
            guesses = [await there.get("/reviews", headers={"Authorization": f"Bearer {UNKNOWN}"}) for _ in range(4)]
            known = await there.get("/reviews", headers={"Authorization": f"Bearer {secret_of('ursula')}"})
    assert [each.status_code for each in guesses] == [401, 401, 429, 429]
    assert int(guesses[2].headers["retry-after"]) >= 1
    assert known.status_code == 200


async def test_without_redis_requests_go_ahead(desk: Desk) -> None:
    few = state_of(desk).access.settings.model_copy(update={"rate_per_minute": 1, "rate_burst": 1})
    away = impatient_client("redis://127.0.0.1:1")
    with access(desk, settings=few, rates=RedisRates(BestEffortRedis(away))):
        for _ in range(3):
            answer = await as_(desk, "ursula", "GET", "/versions")
            assert answer.status_code == 200 and "ratelimit-limit" not in answer.headers
    await away.aclose()
