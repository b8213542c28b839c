"""The scripted provider itself: what others' tests rely on."""

import asyncio
import json
import signal
import sys

import httpx
import pytest

from tests.providers.replies import Reply
from tests.providers.server import ScriptedProvider

CALL = {"model": "m"}


async def test_its_bill_has_what_it_answered_and_what_it_did_not() -> None:
    async with ScriptedProvider() as server, httpx.AsyncClient(base_url=server.url) as client:
        server.script("/v1/responses", Reply(), Reply(status=500), Reply(disconnect=True), Reply(cut=5))
        for _ in range(2):
            await client.post("/v1/responses", json=CALL)
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                await client.post("/v1/responses", json=CALL)
        await client.get("/v1/models")
        assert [(line.number, line.status) for line in server.bill] == [(1, 200)]
        assert [line.number for line in server.unanswered] == [3, 4]
        told = (await client.get("/bill")).json()
        assert told["bill"][0]["usage"]["output"] == 200
        assert len(told["unanswered"]) == 2


async def test_who_hangs_up_before_the_answer_is_not_charged() -> None:
    async with ScriptedProvider(latency=0.2) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=0.1) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/v1/messages", json=CALL)
        async with asyncio.timeout(5):
            while not server.unanswered:
                await asyncio.sleep(0.01)
        assert server.bill == []


async def test_as_a_process() -> None:
    command = (sys.executable, "-m", "tests.providers.server", "--port", "0", "--output-tokens", "7")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        async with httpx.AsyncClient(base_url=url) as client:
            answer = (await client.post("/v1/messages", json=CALL)).json()
            assert json.loads(answer["content"][0]["text"])["findings"] == []
            assert (await client.get("/bill")).json()["bill"][0]["usage"]["output"] == 7
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
