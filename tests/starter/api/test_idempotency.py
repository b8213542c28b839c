"""A POST that is sent again with its Idempotency-Key is answered again and not done again, whatever happens between."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from activities.keys.sealer import EnvelopeSealer
from activities.keys.transit import TransitService
from activities.storage.user_keys import PostgresKeys
from models.idempotency import KEPT_DAYS, LEASE_SECONDS, sent_request
from models.wire import Wire
from starter.api import routing
from starter.api.body import NoBody
from starter.stack.launcher import Stack
from tests.activities.keys.scripted_http import ScriptedHttp, serving
from tests.starter.api.provider_desk import KEY, Desk, body, desk_on, error_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Secret(Wire):
    """An answer that is shown once."""

    token: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(stack: Stack) -> AsyncGenerator[Desk]:
    async with desk_on(stack) as found:
        secrets = routing.router("secrets")

        @secrets.post("/secrets", openapi_extra=routing.SECRET_ANSWER)
        async def make(_body: NoBody) -> Secret:  # pyright: ignore[reportUnusedFunction]
            return Secret(token=uuid.uuid4().hex)

        @secrets.post("/broken")
        async def fail(_body: NoBody) -> None:  # pyright: ignore[reportUnusedFunction]
            raise RuntimeError(KEY)

        found.app.include_router(secrets)
        yield found


async def post(desk: Desk, path: str, send: dict[str, Any] | None, key: str) -> httpx.Response:
    return await desk.api.post(path, json=send, headers={"Idempotency-Key": key})


async def change(desk: Desk, statement: str) -> None:
    async with desk.app.state.conclave.services.database.statements() as session:
        await session.execute(text(statement))


async def kept(desk: Desk) -> list[dict[str, Any]]:
    async with desk.app.state.conclave.services.database.statements() as session:
        return [dict(row) for row in (await session.execute(text("SELECT * FROM idempotent_answers"))).mappings()]


def is_replay(answer: httpx.Response) -> bool:
    return answer.headers.get("Idempotent-Replayed") == "true"


async def test_the_same_answer_comes_again_and_nothing_is_done_again(desk: Desk) -> None:
    key, sent = uuid.uuid4().hex, body()
    first, again = await post(desk, "/providers", sent, key), await post(desk, "/providers", sent, key)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["Location"] == again.headers["Location"]
    assert is_replay(again) and not is_replay(first)
    for name in ("X-Content-Type-Options", "Content-Type", "Cache-Control"):
        assert first.headers[name] == again.headers[name]


async def test_another_body_is_refused_and_other_paths_have_keys_of_their_own(desk: Desk) -> None:
    key, sent = uuid.uuid4().hex, body()
    made = (await post(desk, "/providers", sent, key)).json()
    assert error_of(await post(desk, "/providers", body(), key)) == (422, "idempotency_mismatch")
    added = await post(desk, "/user-providers", {"provider": made["name"], "key": KEY}, key)
    assert added.status_code == 201 and not is_replay(added)
    assert is_replay(await post(desk, "/user-providers", {"provider": made["name"], "key": KEY}, key))
    assert len((await desk.api.get("/user-providers")).json()["keys"]) == 1
    assert sent_request("ann", "POST", "/a", "k", b"").id != sent_request("ann", "POST", "/ak", "", b"").id
    assert sent_request("ann", "POST", "/a", "k", b"").id != sent_request("bob", "POST", "/a", "k", b"").id


async def test_many_at_once_are_one(desk: Desk) -> None:
    key, sent = uuid.uuid4().hex, body()
    answers = await asyncio.gather(*(post(desk, "/providers", sent, key) for _ in range(8)))
    done = [each for each in answers if each.status_code == 201]
    refused = [each for each in answers if each.status_code != 201]
    assert sum(not is_replay(each) for each in done) == 1
    assert len({each.content for each in done}) == 1
    assert all(error_of(each) == (409, "in_progress") and each.headers["Retry-After"] == "1" for each in refused)
    assert len(done) + len(refused) == 8 and (await post(desk, "/providers", sent, key)).content == done[0].content


async def test_a_refusal_leaves_the_key_free(desk: Desk) -> None:
    key = uuid.uuid4().hex
    taken = (await desk.provider())["name"]
    assert error_of(await post(desk, "/providers", body(name=taken), key)) == (409, "provider_exists")
    assert error_of(await post(desk, "/providers", {}, key)) == (422, "field_required")
    assert (await post(desk, "/providers", body(), key)).status_code == 201


async def test_a_failure_is_not_kept(desk: Desk) -> None:
    key, usual = uuid.uuid4().hex, desk.providers.keys
    sent = {"provider": (await desk.provider())["name"], "key": KEY}
    with serving(ScriptedHttp(503, {"errors": ["Vault is sealed"]})) as sealed:
        service = TransitService(sealed.address, "token", "transit", "conclave-provider-keys")
        desk.use(keys=PostgresKeys(desk.app.state.conclave.services.database, EnvelopeSealer(service)))
        assert error_of(await post(desk, "/user-providers", sent, key)) == (503, "kek_unavailable")
    desk.use(keys=usual)
    good = await post(desk, "/user-providers", sent, key)
    assert good.status_code == 201 and not is_replay(good)


async def test_a_service_that_breaks_says_no_more_than_that_and_keeps_nothing(desk: Desk) -> None:
    key, before = uuid.uuid4().hex, len(await kept(desk))
    for _ in range(2):
        answer = await post(desk, "/broken", None, key)
        assert error_of(answer) == (500, "internal") and KEY not in answer.text + str(answer.headers)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert len(await kept(desk)) == before


async def test_who_died_over_a_request_does_not_hold_its_key_for_ever(desk: Desk) -> None:
    key, sent = uuid.uuid4().hex, body()
    made = await post(desk, "/providers", sent, key)
    assert made.status_code == 201
    await desk.api.delete(made.headers["Location"])
    await change(desk, f"UPDATE idempotent_answers SET status = NULL, body = NULL WHERE id = '{_id(key)}'")
    assert error_of(await post(desk, "/providers", sent, key)) == (409, "in_progress")
    past = f"claimed_at = now() - interval '{LEASE_SECONDS + 1} seconds'"
    await change(desk, f"UPDATE idempotent_answers SET {past} WHERE id = '{_id(key)}'")
    assert error_of(await post(desk, "/providers", body(), key)) == (422, "idempotency_mismatch")
    # It is carried out again: here the name is taken, for the one that died had come that far.
    assert error_of(await post(desk, "/providers", sent, key)) == (409, "provider_exists")


def _id(key: str) -> str:
    return sent_request("local", "POST", "/providers", key, b"").id


async def test_a_late_answer_does_not_replace_that_of_who_took_over(desk: Desk) -> None:
    answers = desk.app.state.conclave.services.answers
    request = sent_request("local", "POST", "/providers", uuid.uuid4().hex, b"{}")
    slow = await answers.claim(request)
    past = f"claimed_at = now() - interval '{LEASE_SECONDS + 1} seconds'"
    await change(desk, f"UPDATE idempotent_answers SET {past} WHERE id = '{request.id}'")
    quick = await answers.claim(request)
    assert quick.token != slow.token
    from models.idempotency import KeptAnswer

    await answers.keep(quick, KeptAnswer(201, {}, b"quick"))
    await answers.keep(slow, KeptAnswer(201, {}, b"slow"))
    await answers.release(slow)
    assert (await answers.claim(request)).body == b"quick"


async def test_answers_go_after_a_week(desk: Desk) -> None:
    keys, sent = [uuid.uuid4().hex for _ in range(3)], body()
    for key in keys:
        await post(desk, "/providers/gpt-4-turbo/test", None, key)
        await post(desk, "/providers", sent | {"name": f"p-{key[:12]}"}, key)
    past = f"claimed_at = now() - interval '{KEPT_DAYS} days 1 second'"
    await change(desk, f"UPDATE idempotent_answers SET {past}")
    again = await post(desk, "/providers", sent | {"name": f"p-{keys[0][:12]}"}, keys[0])
    assert error_of(again) == (409, "provider_exists"), "a week later it is a new request"
    await post(desk, "/providers", body(), uuid.uuid4().hex)
    assert len(await kept(desk)) == 1, "the old ones are gone"


async def test_a_secret_is_answered_once(desk: Desk) -> None:
    key = uuid.uuid4().hex
    first = await post(desk, "/secrets", None, key)
    assert first.status_code == 200
    again = await post(desk, "/secrets", {}, key)
    assert error_of(again) == (409, "already_done")
    assert first.json()["token"] not in str(await kept(desk))


async def test_neither_keys_nor_bodies_can_be_read_from_what_is_kept(desk: Desk) -> None:
    key = uuid.uuid4().hex
    sent = {"provider": (await desk.provider())["name"], "key": KEY}
    assert (await post(desk, "/user-providers", sent, key)).status_code == 201
    stored = str(await kept(desk))
    assert key not in stored and KEY not in stored and sent["provider"] in stored


async def test_an_etag_holds_until_the_answer_changes(desk: Desk) -> None:
    made = await desk.provider()
    path = f"/providers/{made['id']}"
    first = await desk.api.get(path)
    tag = first.headers["ETag"]
    assert tag.startswith('"') and tag == (await desk.api.get(path)).headers["ETag"]
    for told in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = await desk.api.get(path, headers={"If-None-Match": told})
        assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
        assert same.headers["Cache-Control"] == "no-store"
    await desk.api.patch(path, json={"timeout_seconds": 33})
    changed = await desk.api.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag
    assert "ETag" not in (await desk.api.get("/providers/none", headers={"If-None-Match": "*"})).headers
    assert "ETag" not in (await desk.api.post(f"{path}/test")).headers
