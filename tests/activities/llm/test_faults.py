"""What goes wrong on the way to a provider and back, one fault at a time, over real HTTP on the loopback."""

import gzip
import json
import logging
import tracemalloc
from dataclasses import replace
from time import monotonic

import pytest

from activities.llm.client import HttpModelWire
from activities.llm.http import LARGEST_ANSWER, bearer
from activities.provider_ports import CallFailed
from models.call import Billing, CallFailure
from models.provider import WireProtocol
from tests.activities.llm.questions import KEY, QUESTION, failed
from tests.providers.replies import USUAL, Reply, chat_body, messages_body
from tests.providers.server import ScriptedProvider

CHAT = "/v1/chat/completions"
WHOLE = json.dumps(chat_body("{}", USUAL)).encode()
LONG = WHOLE + b" " * 100
F, B = CallFailure, Billing


def head(status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


FAULTS = {
    "a proxy's page for a lost answer": (Reply(status=502, body="<html>"), F.SERVER_ERROR, B.UNKNOWN),
    "a no in a form nobody knows": (Reply(status=500, body="<html>"), F.SERVER_ERROR, B.FREE),
    "a no without a body": (Reply(status=429, body=b""), F.RATE_LIMITED, B.FREE),
    "a no cut short": (Reply(status=401, body="x" * 50, cut=10), F.KEY_INVALID, B.FREE),
    "a no far too long": (Reply(status=401, body="x" * 300_000), F.KEY_INVALID, B.FREE),
    "a no in gzip": (
        Reply(status=400, body=gzip.compress(b"{}"), headers={"content-encoding": "gzip"}),
        F.INVALID_REQUEST,
        B.FREE,
    ),
    "reset without a word": (Reply(disconnect=True), F.UNREACHABLE, B.UNKNOWN),
    "closed without a word": (Reply(raw=b""), F.BAD_RESPONSE, B.UNKNOWN),
    "closed in the headers": (Reply(raw=b"HTTP/1.1 200 OK\r\ncontent-le"), F.BAD_RESPONSE, B.UNKNOWN),
    "cut short, with a length": (Reply(body=LONG, cut=40), F.BAD_RESPONSE, B.UNKNOWN),
    "cut short, without a length": (Reply(body=LONG, cut=40, says_length=False), F.BAD_RESPONSE, B.UNKNOWN),
    "chunks cut short": (Reply(raw=head(transfer_encoding="chunked") + b"50\r\n{"), F.BAD_RESPONSE, B.UNKNOWN),
    "no HTTP at all": (Reply(raw=b"SSH-2.0-x\r\n\r\n"), F.BAD_RESPONSE, B.UNKNOWN),
    "headers without end": (Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 40_000), F.BAD_RESPONSE, B.UNKNOWN),
    "no content": (Reply(status=204, raw=head("204 None")), F.BAD_RESPONSE, B.UNKNOWN),
    "an empty body": (Reply(body=b""), F.BAD_RESPONSE, B.UNKNOWN),
    "not JSON": (Reply(body="<html>welcome</html>"), F.BAD_RESPONSE, B.UNKNOWN),
    "JSON, but no object": (Reply(body=b"[1]"), F.BAD_RESPONSE, B.UNKNOWN),
    "JSON twice": (Reply(body=WHOLE + WHOLE), F.BAD_RESPONSE, B.UNKNOWN),
    "server-sent events": (Reply(body=b"data: {}\n\n"), F.BAD_RESPONSE, B.UNKNOWN),
    "invalid UTF-8": (Reply(body=WHOLE.replace(b"{}", b"\xff")), F.BAD_RESPONSE, B.UNKNOWN),
    "a NUL": (Reply(body=WHOLE.replace(b"{}", b"\\u0000")), F.BAD_RESPONSE, B.UNKNOWN),
    "half a surrogate pair": (Reply(body=WHOLE.replace(b"{}", b"\\ud800")), F.BAD_RESPONSE, B.UNKNOWN),
    "a byte order mark": (Reply(body=b"\xef\xbb\xbf" + WHOLE), F.BAD_RESPONSE, B.UNKNOWN),
    "NaN": (Reply(body=WHOLE.replace(b"200", b"NaN")), F.BAD_RESPONSE, B.UNKNOWN),
    "infinity": (Reply(body=WHOLE.replace(b"200", b"1e999")), F.BAD_RESPONSE, B.UNKNOWN),
    "10^5 nested arrays": (Reply(body=b"[" * 100_000), F.BAD_RESPONSE, B.UNKNOWN),
    "too large, and says so": (
        Reply(raw=head(content_length="100000000") + b" " * 1000),
        F.RESPONSE_TOO_LARGE,
        B.UNKNOWN,
    ),
    "too large, without saying so": (
        Reply(body=b" " * (LARGEST_ANSWER + 1), says_length=False),
        F.RESPONSE_TOO_LARGE,
        B.UNKNOWN,
    ),
    "gzip nobody asked for": (
        Reply(body=gzip.compress(WHOLE), headers={"content-encoding": "gzip"}),
        F.BAD_RESPONSE,
        B.UNKNOWN,
    ),
    "an encoding nobody knows": (Reply(headers={"content-encoding": "x"}), F.BAD_RESPONSE, B.UNKNOWN),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_has_its_name_and_its_cost(server: ScriptedProvider, wire: HttpModelWire, name: str) -> None:
    reply, meaning, billing = FAULTS[name]
    server.script(CHAT, reply)
    failure = await failed(wire, server.catalogue_entry())
    assert (failure.failure, failure.billing) == (meaning, billing)
    assert len(server.requests) == 1  # the wire never asks twice
    assert await wire.ask(server.catalogue_entry(), bytearray(KEY), QUESTION)  # and is none the worse for it


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (Reply(hang=True), F.TIMEOUT),
        (Reply(drip=0.2), F.TIMEOUT),
        (Reply(drip_head=0.2), F.TIMEOUT),
        (Reply(delay=30), F.TIMEOUT),
    ],
    ids=["hangs", "drips the body", "drips the headers", "waits"],
)
async def test_a_call_ends_at_its_deadline(
    server: ScriptedProvider, wire: HttpModelWire, reply: Reply, meaning: CallFailure
) -> None:
    server.script(CHAT, reply)
    started = monotonic()
    failure = await failed(wire, server.catalogue_entry(timeout_seconds=1))
    assert (failure.failure, failure.billing) == (meaning, B.UNKNOWN)
    assert 0.9 < monotonic() - started < 2


async def test_nobody_listens(server: ScriptedProvider, wire: HttpModelWire) -> None:
    entry = server.catalogue_entry()
    await server.stop()
    failure = await failed(wire, entry)
    assert (failure.failure, failure.billing) == (F.UNREACHABLE, B.FREE)


async def test_a_large_answer_costs_little_memory(server: ScriptedProvider, wire: HttpModelWire) -> None:
    bomb = gzip.compress(b" " * 200_000_000, compresslevel=1)
    server.script(CHAT, Reply(body=bomb, headers={"content-encoding": "gzip"}))
    tracemalloc.start()
    failure = await failed(wire, server.catalogue_entry())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert failure.failure is F.BAD_RESPONSE
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "12"}, 12.0), ({"retry-after": "-1"}, None), ({"retry-after-ms": "250"}, 0.25), ({}, None)],
)
async def test_the_wait_that_is_asked_for_is_told(
    server: ScriptedProvider, wire: HttpModelWire, headers: dict[str, str], seconds: float | None
) -> None:
    server.script(CHAT, Reply(status=429, headers=headers, body={"error": {"code": "rate_limit_exceeded"}}))
    failure = await failed(wire, server.catalogue_entry())
    assert (failure.failure, failure.retry_after_seconds, failure.http_status) == (F.RATE_LIMITED, seconds, 429)


async def test_error_bodies_are_read_by_protocol(server: ScriptedProvider, wire: HttpModelWire) -> None:
    spent = {
        "type": "error",
        "error": {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}},
    }
    server.script("/v1/messages", Reply(status=429, body=spent))
    failure = await failed(wire, server.catalogue_entry(WireProtocol.ANTHROPIC_MESSAGES))
    assert failure.failure is F.SPEND_LIMIT
    quota = {"error": {"type": "insufficient_quota", "code": "credit_balance_exhausted", "message": "x"}}
    server.script("/v1/responses", Reply(status=429, body=quota))
    failure = await failed(wire, server.catalogue_entry(WireProtocol.OPENAI_RESPONSES))
    assert failure.failure is F.BILLING


@pytest.mark.parametrize("key", [b"", b"sk 1", b"sk\n1", b"sk\r\nhost: x", b"sk\x00", "sk-\u00e4".encode()])
async def test_a_key_that_is_no_header_is_never_sent(server: ScriptedProvider, wire: HttpModelWire, key: bytes) -> None:
    failure = await failed(wire, server.catalogue_entry(), key)
    assert (failure.failure, failure.billing) == (F.KEY_INVALID, B.FREE)
    assert server.connections == 0


async def test_keys_and_texts_are_in_no_log_and_no_error(
    server: ScriptedProvider, wire: HttpModelWire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    for reply, _, _ in FAULTS.values():
        server.script(CHAT, reply)
        failure = await failed(wire, server.catalogue_entry())
        told += [repr(failure), str(failure), repr(failure.__cause__), repr(failure.__context__)]
    answer = await wire.ask(server.catalogue_entry(), bytearray(KEY), QUESTION)
    assert answer
    text = caplog.text + "".join(told)
    canary = KEY.decode()
    assert canary in server.requests[-1].headers["authorization"]  # it was there to be found
    for secret in (canary, canary[3:], QUESTION.prompt, "127.0.0.1", "welcome"):
        assert secret not in text


async def test_a_header_with_a_key_shows_nothing() -> None:
    name, value = bearer(bytearray(KEY))
    assert value == b"Bearer " + KEY
    assert "canary" not in f"{value!r} {value!s} {(name, value)} {[value]}"


async def test_a_refusal_is_not_an_error(server: ScriptedProvider, wire: HttpModelWire) -> None:
    body = messages_body("", USUAL, stop_reason="refusal", content=[])
    server.script("/v1/messages", Reply(body=body))
    failure = await failed(wire, server.catalogue_entry(WireProtocol.ANTHROPIC_MESSAGES))
    assert (failure.failure, failure.billing, failure.http_status) == (F.REFUSED, B.USED, 200)
    assert failure.usage is not None
    assert failure.usage.input == USUAL.input


async def test_half_a_surrogate_pair_in_a_question_is_ours_to_mend(
    server: ScriptedProvider, wire: HttpModelWire
) -> None:
    with pytest.raises(CallFailed, match="invalid_request"):
        await wire.ask(server.catalogue_entry(), bytearray(KEY), replace(QUESTION, prompt="\ud800"))
    assert server.connections == 0
