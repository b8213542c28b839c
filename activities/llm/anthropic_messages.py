"""Anthropic's Messages protocol."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from activities.llm.dialect import Count, Outgoing, Said, Told, bad, mapping, tier_name, told, word
from activities.provider_ports import CallFailed, ModelQuestion, RateLimits
from models.call import CallFailure, TokenUsage
from models.call_errors import failure_of
from models.call_headers import remaining, until_rfc3339
from models.provider import Provider, WireProtocol

VERSION = (b"anthropic-version", b"2026-10-21")
LONGEST_UNSTREAMED = 21_333
"""Output tokens above which an answer must be streamed: at 128,000 an hour it would take over ten minutes."""

_STOP = {
    "max_tokens": CallFailure.TRUNCATED,
    "stop_sequence": CallFailure.TRUNCATED,
    "model_context_window_exceeded": CallFailure.CONTEXT_TOO_LONG,
    "refusal": CallFailure.REFUSED,
    "tool_use": CallFailure.SCHEMA_VIOLATION,
}
"""Ends that are no whole answer; we offer no tool and no stop sequence."""


class _CacheCreation(Told):
    ephemeral_5m_input_tokens: int | None = Count
    ephemeral_1h_input_tokens: int | None = Count


class _OutputDetails(Told):
    thinking_tokens: int | None = Count


class _Usage(Told):
    input_tokens: int = Count
    output_tokens: int = Count
    cache_read_input_tokens: int | None = Count
    cache_creation_input_tokens: int | None = Count
    cache_creation: _CacheCreation | None = None
    output_tokens_details: _OutputDetails | None = None


class _Block(Told):
    type: str
    text: str | None = None


class _Body(Told):
    model: str
    stop_reason: str | None
    content: list[_Block]


class AnthropicMessages:
    """`POST /v1/messages`, not streamed."""

    def request(self, provider: Provider, question: ModelQuestion) -> Outgoing:
        body = {
            "model": provider.model,
            # Lower than asked keeps within what was set aside; a longer answer would be cut, and is told as cut.
            "max_tokens": min(question.max_output_tokens, LONGEST_UNSTREAMED),
            "system": question.system,
            "messages": [{"role": "user", "content": question.prompt}],
            "service_tier": "standard_only",  # money is set aside at the price of this one
            "output_config": {"format": {"type": "json_schema", "schema": question.schema}},
        }
        return Outgoing(_path(provider, "/messages"), [VERSION], body)

    def listing(self, provider: Provider) -> tuple[str, list[tuple[bytes, bytes]]]:
        return _path(provider, "/models"), [VERSION]

    def answer(self, body: Mapping[str, Any]) -> Said:
        usage = self._usage(body)
        names = self.error(body)
        if names is not None:
            raise bad(failure_of(WireProtocol.ANTHROPIC_MESSAGES, 200, *names), usage)
        answer = told(_Body, body, usage)
        if answer.stop_reason != "end_turn":
            raise bad(_STOP.get(answer.stop_reason or "", CallFailure.BAD_RESPONSE), usage)
        if any(block.type.endswith("tool_use") for block in answer.content):
            raise bad(CallFailure.SCHEMA_VIOLATION, usage)
        text = "".join(block.text or "" for block in answer.content if block.type == "text")
        if not text or usage is None:
            raise bad(CallFailure.BAD_RESPONSE, usage)
        return Said(text, usage, answer.model)

    def error(self, body: Mapping[str, Any]) -> tuple[str | None, str | None] | None:
        if body.get("type") != "error" or not isinstance(body.get("error"), dict):
            return None
        error = mapping(body["error"])
        return word(error.get("type")), word(mapping(error.get("details")).get("error_code"))

    def limits(self, headers: Mapping[str, str], now: datetime) -> RateLimits:
        def left(kind: str) -> int | None:
            prefix = f"anthropic-ratelimit-{kind}"
            return remaining(headers.get(f"{prefix}-remaining"), headers.get(f"{prefix}-limit"))

        return RateLimits(
            requests_remaining=left("requests"),
            requests_reset_seconds=until_rfc3339(headers.get("anthropic-ratelimit-requests-reset"), now),
            tokens_remaining=left("tokens"),
            tokens_reset_seconds=until_rfc3339(headers.get("anthropic-ratelimit-tokens-reset"), now),
        )

    def _usage(self, body: Mapping[str, Any]) -> TokenUsage | None:
        counted = mapping(body.get("usage"))
        if "input_tokens" not in counted or "output_tokens" not in counted:
            return None
        try:
            usage = told(_Usage, counted)
        except CallFailed:
            return None
        split = usage.cache_creation or _CacheCreation()
        long = split.ephemeral_1h_input_tokens or 0
        written = max(usage.cache_creation_input_tokens or 0, long + (split.ephemeral_5m_input_tokens or 0))
        thinking = (usage.output_tokens_details or _OutputDetails()).thinking_tokens or 0
        return TokenUsage(
            input=usage.input_tokens,  # cache reads and writes are counted beside it
            cache_read=usage.cache_read_input_tokens or 0,
            cache_write_5m=written - long,
            cache_write_1h=long,
            output=usage.output_tokens,
            reasoning=min(thinking, usage.output_tokens),
            service_tier=tier_name(counted.get("service_tier")),
            speed=tier_name(counted.get("speed")),
            geo=tier_name(counted.get("inference_geo")),
        )


def _path(provider: Provider, rest: str) -> str:
    """Base addresses are written with and without the version."""
    return rest if provider.endpoint.endswith("/v1") else f"/v1{rest}"
