"""What is sent in each protocol, and what is made of each answer."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from activities.llm.anthropic_messages import LONGEST_UNSTREAMED
from activities.llm.client import DIALECTS, HttpModelWire
from activities.provider_ports import CallFailed, RateLimits
from models.call import Billing, CallFailure, TokenUsage
from models.provider import ProviderKind, WireProtocol
from tests.activities.llm.questions import KEY, QUESTION, failed
from tests.providers.replies import USUAL_ANSWER, Reply, chat_body, messages_body, responses_body
from tests.providers.server import ScriptedProvider

RESPONSES, CHAT, MESSAGES = WireProtocol
PATHS = {RESPONSES: "/v1/responses", CHAT: "/v1/chat/completions", MESSAGES: "/v1/messages"}
USAGE = TokenUsage(input=700, cache_read=200, cache_write_5m=100, output=50, reasoning=30)
CHAT_USAGE = USAGE.model_copy(update={"input": 800, "cache_write_5m": 0})
MESSAGES_USAGE = TokenUsage(input=700, cache_read=200, cache_write_5m=60, cache_write_1h=40, output=50)
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


async def sent(server: ScriptedProvider, wire: HttpModelWire, protocol: WireProtocol, **changes: Any) -> dict[str, Any]:
    await wire.ask(server.catalogue_entry(protocol, **changes), bytearray(KEY), QUESTION)
    seen = server.requests[-1]
    assert (seen.method, seen.path) == ("POST", PATHS[protocol])
    assert seen.headers["authorization"] == f"Bearer {KEY.decode()}"
    assert seen.headers["accept-encoding"] == "identity"
    assert "cookie" not in seen.headers
    return seen.json


async def test_responses_asks_for_strict_json_and_no_storage(server: ScriptedProvider, wire: HttpModelWire) -> None:
    body = await sent(server, wire, RESPONSES)
    assert body == {
        "model": "model-1",
        "instructions": QUESTION.system,
        "input": QUESTION.prompt,
        "text": {"format": {"type": "json_schema", "name": "review", "schema": QUESTION.schema, "strict": True}},
        "max_output_tokens": 3_000,
        "store": False,
        "service_tier": "default",
    }


@pytest.mark.parametrize(
    "kind", [ProviderKind.HUGGINGFACE, ProviderKind.VLLM, ProviderKind.TGI, ProviderKind.COMPATIBLE]
)
async def test_chat_for_compatible_servers(server: ScriptedProvider, wire: HttpModelWire, kind: ProviderKind) -> None:
    body = await sent(server, wire, CHAT, kind=kind)
    assert body == {
        "model": "model-1",
        "messages": [{"role": "system", "content": QUESTION.system}, {"role": "user", "content": QUESTION.prompt}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "review", "schema": QUESTION.schema, "strict": True},
        },
        "max_tokens": 3_000,
    }


async def test_chat_at_openai_itself(server: ScriptedProvider, wire: HttpModelWire) -> None:
    body = await sent(server, wire, CHAT, kind=ProviderKind.OPENAI)
    assert body["max_completion_tokens"] == 3_000
    assert (body["store"], body["service_tier"]) == (False, "default")
    assert "max_tokens" not in body


async def test_messages_pins_its_version_and_sends_no_sampling(server: ScriptedProvider, wire: HttpModelWire) -> None:
    body = await sent(server, wire, MESSAGES)
    assert server.requests[-1].headers["anthropic-version"] == "2026-10-21"
    assert body == {
        "model": "model-1",
        "max_tokens": 3_000,
        "service_tier": "standard_only",
        "system": QUESTION.system,
        "messages": [{"role": "user", "content": QUESTION.prompt}],
        "output_config": {"format": {"type": "json_schema", "schema": QUESTION.schema}},
    }


def test_messages_never_asks_for_what_would_have_to_be_streamed() -> None:
    provider = ScriptedProvider().catalogue_entry(MESSAGES)
    body = DIALECTS[MESSAGES].request(provider, replace(QUESTION, max_output_tokens=50_000)).body
    assert body["max_tokens"] == LONGEST_UNSTREAMED == 21_333


def test_messages_takes_a_base_address_with_its_version() -> None:
    provider = ScriptedProvider().catalogue_entry(MESSAGES, endpoint="https://api.example.com/v1")
    assert DIALECTS[MESSAGES].request(provider, QUESTION).path == "/messages"


async def test_a_provider_without_a_key_is_sent_none(server: ScriptedProvider, wire: HttpModelWire) -> None:
    await wire.ask(server.catalogue_entry(CHAT), None, QUESTION)
    assert "authorization" not in server.requests[-1].headers


@pytest.mark.parametrize(
    ("protocol", "usage", "tier"),
    [(RESPONSES, USAGE, "default"), (CHAT, CHAT_USAGE, None), (MESSAGES, MESSAGES_USAGE, "standard")],
)
async def test_every_token_is_counted_once(
    server: ScriptedProvider, wire: HttpModelWire, protocol: WireProtocol, usage: TokenUsage, tier: str | None
) -> None:
    server.script(PATHS[protocol], Reply(usage=usage))
    answer = await wire.ask(server.catalogue_entry(protocol), bytearray(KEY), QUESTION)
    reasoning = 0 if protocol is MESSAGES else usage.reasoning
    assert answer.usage == usage.model_copy(update={"service_tier": tier, "reasoning": reasoning})
    assert json.loads(answer.text) == USUAL_ANSWER
    assert answer.model == "model-1"


def said_usage(protocol: WireProtocol, body: dict[str, Any]) -> TokenUsage:
    return DIALECTS[protocol].answer(body).usage


def test_tier_speed_and_place_of_the_answer_count() -> None:
    body = responses_body("{}", USAGE, service_tier="Priority")
    assert said_usage(RESPONSES, body).service_tier == "priority"
    assert said_usage(RESPONSES, body | {"service_tier": "a b"}).service_tier == "unknown"
    assert said_usage(RESPONSES, body | {"service_tier": None}).service_tier is None
    fast = messages_body("{}", MESSAGES_USAGE)
    fast["usage"] |= {"speed": "fast", "inference_geo": "us", "output_tokens_details": {"thinking_tokens": 20}}
    usage = said_usage(MESSAGES, fast)
    assert (usage.speed, usage.geo, usage.reasoning) == ("fast", "us", 20)


def test_cache_writes_without_a_split_are_of_the_usual_lifetime() -> None:
    body = messages_body("{}", MESSAGES_USAGE)
    body["usage"]["cache_creation"] = None
    assert said_usage(MESSAGES, body).cache_write_5m == 100
    body["usage"] |= {"cache_creation_input_tokens": None, "cache_read_input_tokens": None}
    assert said_usage(MESSAGES, body).total == 750


def test_reasoning_that_a_server_leaves_out_of_the_completion_is_billed() -> None:
    body = chat_body("{}", CHAT_USAGE)
    body["usage"]["total_tokens"] += 500
    assert said_usage(CHAT, body).output == 550


def test_parts_larger_than_their_whole_are_cut() -> None:
    body = responses_body("{}", USAGE)
    body["usage"]["input_tokens_details"] = {"cached_tokens": 5_000, "cache_write_tokens": 5_000}
    usage = said_usage(RESPONSES, body)
    assert (usage.cache_read, usage.input, usage.cache_write_5m) == (1_000, 0, 0)


def edited(body: dict[str, Any], **usage: Any) -> dict[str, Any]:
    return body | {"usage": body["usage"] | usage}


R, C, M = responses_body("{}", USAGE), chat_body("{}", CHAT_USAGE), messages_body("{}", MESSAGES_USAGE)
CALL = {"type": "function_call", "name": "fetch", "arguments": "{}", "call_id": "1"}
REFUSAL = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}
TOOL = {"type": "tool_use", "id": "1", "name": "fetch", "input": {}}
F = CallFailure

PAID_AND_USELESS = [
    (RESPONSES, R | {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, F.TRUNCATED),
    (RESPONSES, R | {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, F.CONTENT_FILTERED),
    (RESPONSES, R | {"status": "incomplete", "incomplete_details": {"reason": "steered"}}, F.BAD_RESPONSE),
    (RESPONSES, R | {"status": "incomplete", "incomplete_details": None}, F.BAD_RESPONSE),
    (RESPONSES, R | {"status": "failed", "error": {"code": "server_error", "message": "x"}}, F.SERVER_ERROR),
    (RESPONSES, R | {"status": "failed", "error": {"code": "rate_limit_exceeded"}}, F.RATE_LIMITED),
    (RESPONSES, R | {"status": "in_progress"}, F.BAD_RESPONSE),
    (RESPONSES, R | {"status": "queued"}, F.BAD_RESPONSE),
    (RESPONSES, R | {"status": "cancelled"}, F.BAD_RESPONSE),
    (RESPONSES, R | {"output": []}, F.BAD_RESPONSE),
    (RESPONSES, R | {"output": None}, F.BAD_RESPONSE),
    (RESPONSES, R | {"output": [REFUSAL]}, F.REFUSED),
    (RESPONSES, R | {"output": [*R["output"], CALL]}, F.SCHEMA_VIOLATION),
    (CHAT, chat_body("{", CHAT_USAGE, finish="length"), F.TRUNCATED),
    (CHAT, chat_body("{}", CHAT_USAGE, finish="content_filter"), F.CONTENT_FILTERED),
    (CHAT, chat_body(None, CHAT_USAGE, finish="tool_calls", tool_calls=[TOOL]), F.SCHEMA_VIOLATION),
    (CHAT, chat_body("{}", CHAT_USAGE, tool_calls=[TOOL]), F.SCHEMA_VIOLATION),
    (CHAT, chat_body(None, CHAT_USAGE, finish="function_call"), F.SCHEMA_VIOLATION),
    (CHAT, chat_body(None, CHAT_USAGE, refusal="no"), F.REFUSED),
    (CHAT, chat_body(None, CHAT_USAGE), F.BAD_RESPONSE),
    (CHAT, chat_body("", CHAT_USAGE), F.BAD_RESPONSE),
    (CHAT, chat_body("{}", CHAT_USAGE, finish="else"), F.BAD_RESPONSE),
    (CHAT, C | {"choices": []}, F.BAD_RESPONSE),
    (CHAT, C | {"error": {"message": "x", "type": "overloaded"}}, F.OVERLOADED),
    (MESSAGES, M | {"stop_reason": "max_tokens"}, F.TRUNCATED),
    (MESSAGES, M | {"stop_reason": "stop_sequence"}, F.TRUNCATED),
    (MESSAGES, M | {"stop_reason": "refusal", "stop_details": {"category": "cyber"}}, F.REFUSED),
    (MESSAGES, M | {"stop_reason": "model_context_window_exceeded"}, F.CONTEXT_TOO_LONG),
    (MESSAGES, M | {"stop_reason": "tool_use", "content": [TOOL]}, F.SCHEMA_VIOLATION),
    (MESSAGES, M | {"content": [*M["content"], TOOL]}, F.SCHEMA_VIOLATION),
    (MESSAGES, M | {"stop_reason": "pause_turn"}, F.BAD_RESPONSE),
    (MESSAGES, M | {"stop_reason": None}, F.BAD_RESPONSE),
    (MESSAGES, M | {"content": []}, F.BAD_RESPONSE),
    (MESSAGES, M | {"content": "text"}, F.BAD_RESPONSE),
]


@pytest.mark.parametrize(("protocol", "body", "meaning"), PAID_AND_USELESS)
async def test_answers_that_are_none_are_told_apart_and_paid(
    server: ScriptedProvider,
    wire: HttpModelWire,
    protocol: WireProtocol,
    body: dict[str, Any],
    meaning: CallFailure,
) -> None:
    server.script(PATHS[protocol], Reply(body=body))
    failure = await failed(wire, server.catalogue_entry(protocol))
    assert (failure.failure, failure.billing) == (meaning, Billing.USED)
    assert failure.usage is not None
    assert failure.usage.total == 1_050


NOT_COUNTED = [
    (RESPONSES, R | {"usage": None}, F.BAD_RESPONSE),
    (RESPONSES, {name: R[name] for name in R if name != "usage"}, F.BAD_RESPONSE),
    (RESPONSES, edited(R, input_tokens=-1), F.BAD_RESPONSE),
    (RESPONSES, edited(R, input_tokens="12"), F.BAD_RESPONSE),
    (RESPONSES, edited(R, output_tokens=10**30), F.BAD_RESPONSE),
    (RESPONSES, {"status": "failed", "error": {"code": "server_error"}}, F.SERVER_ERROR),
    (CHAT, C | {"usage": None}, F.BAD_RESPONSE),
    (CHAT, edited(C, completion_tokens=True), F.BAD_RESPONSE),
    (CHAT, {"error": {"message": "secret", "type": "x", "code": "slow_down"}}, F.OVERLOADED),
    (CHAT, {"error": "secret", "error_type": "overloaded"}, F.OVERLOADED),
    (CHAT, {"choices": {"a": 1}}, F.BAD_RESPONSE),
    (CHAT, {}, F.BAD_RESPONSE),
    (MESSAGES, M | {"usage": {"output_tokens": 1}}, F.BAD_RESPONSE),
    (MESSAGES, {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, F.OVERLOADED),
    (MESSAGES, {"type": "message"}, F.BAD_RESPONSE),
]


@pytest.mark.parametrize(("protocol", "body", "meaning"), NOT_COUNTED)
async def test_an_answer_that_counts_no_tokens_is_none_and_of_unknown_cost(
    server: ScriptedProvider,
    wire: HttpModelWire,
    protocol: WireProtocol,
    body: dict[str, Any],
    meaning: CallFailure,
) -> None:
    server.script(PATHS[protocol], Reply(body=body))
    failure = await failed(wire, server.catalogue_entry(protocol))
    assert (failure.failure, failure.billing, failure.usage) == (meaning, Billing.UNKNOWN, None)


def test_chat_text_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "{"}, {"type": "text", "text": "}"}]
    body = chat_body(None, CHAT_USAGE, content=parts)
    assert DIALECTS[CHAT].answer(body).text == "{}"


LIMITS = [
    (
        RESPONSES,
        {
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-limit-tokens": "150000",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        RateLimits(59, 1.0, 0, 360.0),
    ),
    (CHAT, {"x-ratelimit-remaining-requests": "-1", "x-ratelimit-reset-requests": "0"}, RateLimits()),
    (
        MESSAGES,
        {
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "49",
            "anthropic-ratelimit-requests-reset": "2026-11-26T12:00:30Z",
            "anthropic-ratelimit-tokens-limit": "40000",
            "anthropic-ratelimit-tokens-remaining": "39000",
            "anthropic-ratelimit-tokens-reset": "2026-11-26T11:00:00Z",
        },
        RateLimits(49, 30.0, 39_000, None),
    ),
    (MESSAGES, {}, RateLimits()),
]


@pytest.mark.parametrize(("protocol", "headers", "limits"), LIMITS)
def test_rate_limit_headers(protocol: WireProtocol, headers: dict[str, str], limits: RateLimits) -> None:
    assert DIALECTS[protocol].limits(headers, NOW) == limits


async def test_rate_limits_come_with_the_answer(server: ScriptedProvider, wire: HttpModelWire) -> None:
    headers = {"X-RateLimit-Remaining-Tokens": "5", "X-RateLimit-Reset-Tokens": "2s"}
    server.script(PATHS[CHAT], Reply(headers=headers))
    answer = await wire.ask(server.catalogue_entry(CHAT), bytearray(KEY), QUESTION)
    assert answer.limits == RateLimits(None, None, 5, 2.0)


def test_a_failure_says_codes_and_nothing_else() -> None:
    with pytest.raises(CallFailed) as caught:
        DIALECTS[MESSAGES].answer({"type": "error", "error": {"type": "overloaded_error", "message": "canary"}})
    assert "canary" not in repr(caught.value) + str(caught.value)
