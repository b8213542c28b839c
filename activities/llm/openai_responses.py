"""OpenAI's Responses protocol."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from activities.llm.dialect import Count, Outgoing, Said, Told, bad, elements, mapping, told, word
from activities.llm.openai_usage import InputDetails, OutputDetails, error_names, rate_limits, token_usage
from activities.provider_ports import CallFailed, ModelQuestion, RateLimits
from models.call import CallFailure, TokenUsage
from models.call_errors import failure_of
from models.provider import Provider, ProviderKind, WireProtocol

_INCOMPLETE = {
    "max_output_tokens": CallFailure.TRUNCATED,
    "content_filter": CallFailure.CONTENT_FILTERED,
}


STANDARD_TIER = "default"
"""Not what the project is set to: money is set aside at the price of this one."""


class _Usage(Told):
    input_tokens: int = Count
    output_tokens: int = Count
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class _Part(Told):
    type: str
    text: str | None = None


class _Item(Told):
    type: str
    content: Any = None
    """Of a message: its parts. Other items have other shapes, or none."""


class _Body(Told):
    status: str
    model: str
    output: list[_Item]


class OpenAIResponses:
    """`POST /responses`, not streamed, not stored."""

    def request(self, provider: Provider, question: ModelQuestion) -> Outgoing:
        answer_format = {
            "type": "json_schema",
            "name": question.schema_name,
            "schema": question.schema,
            "strict": True,
        }
        body: dict[str, Any] = {
            "model": provider.model,
            "instructions": question.system,
            "input": question.prompt,
            "text": {"format": answer_format},
            "max_output_tokens": question.max_output_tokens,  # bounds reasoning as well
            "store": False,  # the default keeps customers' code for weeks
        }
        if provider.kind is ProviderKind.OPENAI:
            body["service_tier"] = STANDARD_TIER
        return Outgoing("/responses", [], body)

    def listing(self, provider: Provider) -> tuple[str, list[tuple[bytes, bytes]]]:
        return "/models", []

    def answer(self, body: Mapping[str, Any]) -> Said:
        usage = self._usage(body)
        if body.get("status") in ("failed", "incomplete") or body.get("error") is not None:
            raise bad(self._failure(body), usage)
        answer = told(_Body, body, usage)
        messages = [item.content for item in answer.output if item.type == "message"]
        parts = [told(_Part, part, usage) for content in messages for part in elements(content)]
        if any(part.type == "refusal" for part in parts):
            raise bad(CallFailure.REFUSED, usage)
        if any(item.type.endswith("_call") for item in answer.output):
            raise bad(CallFailure.SCHEMA_VIOLATION, usage)  # no tool was offered
        text = "".join(part.text or "" for part in parts if part.type == "output_text")
        if answer.status != "completed" or not text or usage is None:
            raise bad(CallFailure.BAD_RESPONSE, usage)
        return Said(text, usage, answer.model)

    def error(self, body: Mapping[str, Any]) -> tuple[str | None, str | None] | None:
        return error_names(body)

    def limits(self, headers: Mapping[str, str], now: datetime) -> RateLimits:
        return rate_limits(headers, now)

    def _usage(self, body: Mapping[str, Any]) -> TokenUsage | None:
        counted = body.get("usage")
        if "input_tokens" not in mapping(counted) or "output_tokens" not in mapping(counted):
            return None
        try:
            usage = told(_Usage, counted)
        except CallFailed:
            return None
        reasoning = (usage.output_tokens_details or OutputDetails()).reasoning_tokens or 0
        parts = usage.input_tokens_details or InputDetails()
        return token_usage(usage.input_tokens, usage.output_tokens, parts, reasoning, body.get("service_tier"))

    def _failure(self, body: Mapping[str, Any]) -> CallFailure:
        if body.get("status") == "incomplete":
            reason = word(mapping(body.get("incomplete_details")).get("reason"))
            return _INCOMPLETE.get(reason or "", CallFailure.BAD_RESPONSE)
        names = error_names(body) or (None, None)
        return failure_of(WireProtocol.OPENAI_RESPONSES, 200, *names)
