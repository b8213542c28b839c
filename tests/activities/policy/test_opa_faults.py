"""An OPA server that is broken, slow or hostile: nothing passes, and the two ways of failing are told apart."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from activities.experiment_ports import PolicyMalformed, PolicyUnavailable
from activities.policy.opa_engine import OpaEngine
from activities.policy.policies import published
from models.gate import Outcome, PolicyName
from tests.activities.policy.facts import facts
from tests.activities.policy.opa_server import free_port

POLICY = published(PolicyName.DEFAULT)
GOOD = {"allow": True, "outcome": "pass", "deny": [], "policy": "default", "revision": POLICY.namespace}
DENIAL = {"id": "x", "metric": "n", "observed": 1, "bound": 2, "limit": "ge", "conclusive": True}


class Server:
    """Answers each request with the next of some raw answers, the last one again and again."""

    def __init__(self, *answers: bytes | Callable[[asyncio.StreamWriter], Any]) -> None:
        self.answers, self.requests, self.address = list(answers), list[bytes](), ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"content-length" in line.lower())
            self.requests.append(head + await reader.readexactly(length))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(writer)
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(*answers: bytes | Callable[[asyncio.StreamWriter], Any]) -> AsyncGenerator[Server]:
    script = Server(*answers)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield script
    finally:
        server.close()


def http(body: Any, status: str = "200 OK", *headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def decided(address: str) -> Outcome:
    question = facts(POLICY.hash)
    return (await OpaEngine(address, SecretStr("a-token")).decide(PolicyName.DEFAULT, question)).outcome


async def test_a_decision_is_read_whatever_else_the_server_adds() -> None:
    more = {"result": GOOD, "decision_id": "d-1", "metrics": {"timer": 1}, "provenance": {"version": "1.20.2"}}
    async with serving(http(more)) as server:
        engine = OpaEngine(server.address, SecretStr("a-token"))
        decision = await engine.decide(PolicyName.DEFAULT, facts(POLICY.hash))
    assert (decision.outcome, decision.engine, decision.decision_id) == (Outcome.PASS, "opa", "d-1")
    head, body = server.requests[0].split(b"\r\n\r\n")
    assert head.startswith(f"POST /v1/data/{POLICY.decision.replace('.', '/')} HTTP/1.1".encode())
    assert b"authorization: bearer a-token" in head.lower()
    assert json.loads(body) == {"input": json.loads(facts(POLICY.hash).document)}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"result": None},
        {"result": True},
        {"result": "true"},
        {"result": 1},
        {"result": []},
        {"result": {"allow": True}},
        {"result": GOOD | {"allow": "true"}},
        {"result": GOOD | {"allow": 1}},
        {"result": GOOD | {"deny": None}},
        {"result": GOOD | {"deny": {}}},
        {"result": GOOD | {"deny": [DENIAL]}},
        {"result": GOOD | {"deny": [{}]}},
        {"result": GOOD | {"outcome": "fail"}},
        {"result": GOOD | {"outcome": "PASS"}},
        {"result": GOOD | {"policy": "strict"}},
        {"result": GOOD | {"revision": published(PolicyName.STRICT).namespace}},
        {"result": GOOD | {"revision": None}},
        {"result": GOOD | {"extra": 1}},
        {"result": {key: value for key, value in GOOD.items() if key != "revision"}},
        [GOOD],
        None,
        b"",
        b"true",
        b"not json",
        b'{"result": ' + json.dumps(GOOD).encode(),
        b'{"result": {"allow": NaN}}',
        b"\xff\xfe",
        b" " * (10 * 1024 * 1024),
        b"[" * 60_000,
    ],
    ids=lambda body: str(body)[:70],
)
async def test_what_is_no_decision_of_the_policy_is_malformed(body: Any) -> None:
    async with serving(http(body)) as server:
        with pytest.raises(PolicyMalformed):
            await decided(server.address)


@pytest.mark.parametrize(
    "answer",
    [
        http(b"", "302 Found", "Location: http://127.0.0.1:9/"),
        http({"code": "invalid_parameter"}, "400 Bad Request"),
        http({}, "401 Unauthorized"),
        http({}, "403 Forbidden"),
        http({}, "404 Not Found"),
        http({"result": GOOD}, "201 Created"),
        http({"result": GOOD}, "200 OK", "Content-Encoding: gzip"),
    ],
    ids=lambda answer: answer[9:12].decode(),
)
async def test_other_answers_are_malformed_and_not_asked_again(answer: bytes) -> None:
    async with serving(answer) as server:
        with pytest.raises(PolicyMalformed):
            await decided(server.address)
    assert len(server.requests) == 1


async def slow(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(1)


async def drip(writer: asyncio.StreamWriter) -> None:
    for byte in http({"result": GOOD}):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def cut(writer: asyncio.StreamWriter) -> None:
    writer.write(http({"result": GOOD})[:-10])


async def silent(writer: asyncio.StreamWriter) -> None:
    pass


@pytest.mark.parametrize(
    "answer",
    [http({}, "500 Internal Server Error"), http({}, "503 Unavailable"), http({}, "429 Slow"), slow, drip, cut, silent],
    ids=["500", "503", "429", "slow", "drip", "cut", "silent"],
)
async def test_no_answer_is_unavailable_after_three_tries(answer: Any) -> None:
    async with serving(answer) as server, asyncio.timeout(3):
        with pytest.raises(PolicyUnavailable):
            await decided(server.address)
    assert len(server.requests) == 3


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(PolicyUnavailable):
        await decided(f"http://127.0.0.1:{free_port()}")


async def test_a_moment_of_trouble_passes() -> None:
    async with serving(http({}, "503 Unavailable"), slow, http({"result": GOOD})) as server:
        assert await decided(server.address) is Outcome.PASS


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with serving(http({"result": GOOD})) as server:
        assert await decided(server.address) is Outcome.PASS


async def test_a_policy_that_is_not_there_is_put_there_and_asked_again() -> None:
    async with serving(http({}), http({}), http({}), http({"result": GOOD})) as server:
        assert await decided(server.address) is Outcome.PASS
    paths = [request.split(b" ")[:2] for request in server.requests]
    assert [method for method, _ in paths] == [b"POST", b"PUT", b"PUT", b"POST"]
    for request, (module, text) in zip(server.requests[1:3], POLICY.modules.items(), strict=True):
        assert request.startswith(f"PUT /v1/policies/{POLICY.namespace}/{module} ".encode())
        assert request.endswith(text.encode())


async def test_a_server_that_takes_no_policy_denies() -> None:
    async with serving(http({}), http({"code": "unauthorized"}, "401 Unauthorized")) as server:
        with pytest.raises(PolicyMalformed):
            await decided(server.address)
