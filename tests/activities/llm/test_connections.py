"""Where connections lead, and what two calls share: a connection, nothing else."""

import asyncio
import json

import pytest

from activities.llm.client import HttpModelWire
from models.call import Billing as B
from models.call import CallFailure as F
from tests.activities.llm.questions import KEY, QUESTION, failed
from tests.providers.replies import Reply
from tests.providers.server import ScriptedProvider

CHAT = "/v1/chat/completions"


async def test_a_provider_that_comes_back_is_asked_over_a_new_connection(
    server: ScriptedProvider, wire: HttpModelWire
) -> None:
    await wire.ask(server.catalogue_entry(), bytearray(KEY), QUESTION)
    await server.stop()
    await server.start()
    await wire.ask(server.catalogue_entry(), bytearray(KEY), QUESTION)
    assert server.connections == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(wire: HttpModelWire, server: ScriptedProvider, status: int) -> None:
    async with ScriptedProvider() as elsewhere:
        server.script(CHAT, Reply(status=status, headers={"location": f"{elsewhere.url}/v1/chat/completions"}))
        failure = await failed(wire, server.catalogue_entry())
        assert (failure.failure, failure.billing) == (F.REDIRECTED, B.FREE)
        assert elsewhere.connections == 0


async def test_proxies_of_the_environment_are_not_used(
    server: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedProvider() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        wire = HttpModelWire(loopback_allowed=True)
        assert await wire.ask(server.catalogue_entry(), bytearray(KEY), QUESTION)
        await wire.aclose()
        assert proxy.connections == 0


async def test_cookies_of_one_call_do_not_go_out_with_the_next(server: ScriptedProvider, wire: HttpModelWire) -> None:
    server.script(CHAT, Reply(headers={"set-cookie": "session=1; Path=/"}))
    for _ in range(2):
        await wire.ask(server.catalogue_entry(), bytearray(KEY), QUESTION)
    assert all("cookie" not in seen.headers for seen in server.requests)


async def test_connections_are_used_again_and_each_call_has_its_own_key(
    server: ScriptedProvider, wire: HttpModelWire
) -> None:
    for number in range(5):
        await wire.ask(server.catalogue_entry(), bytearray(b"sk-%d" % number), QUESTION)
    await wire.ask(server.catalogue_entry(), None, QUESTION)
    assert server.connections == 1
    sent = [seen.headers.get("authorization") for seen in server.requests]
    assert sent == [*(f"Bearer sk-{number}" for number in range(5)), None]


async def test_many_at_once_get_their_own_answers(server: ScriptedProvider, wire: HttpModelWire) -> None:
    server.answer = lambda seen: {"to": seen.headers["authorization"][-3:]}
    server.latency = 0.05
    keys = [b"sk-%03d" % number for number in range(60)]
    entry = server.catalogue_entry(timeout_seconds=30)
    answers = await asyncio.gather(*(wire.ask(entry, bytearray(key), QUESTION) for key in keys))
    assert [json.loads(answer.text)["to"] for answer in answers] == [key[-3:].decode() for key in keys]
    assert server.most_at_once > 30


async def test_a_cancelled_call_frees_its_connection(server: ScriptedProvider, wire: HttpModelWire) -> None:
    server.script(CHAT, Reply(hang=True))
    asked = asyncio.create_task(wire.ask(server.catalogue_entry(), bytearray(KEY), QUESTION))
    while not server.requests:
        await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await wire.ask(server.catalogue_entry(), bytearray(KEY), QUESTION)
    assert (len(server.bill), len(server.unanswered)) == (1, 1)
