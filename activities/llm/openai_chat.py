"""OpenAI's Chat protocol: also Hugging Face's router, vLLM, text-generation-inference, and many others."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from activities.llm.dialect import Count, Outgoing, Said, Told, bad, mapping, told
from activities.llm.openai_usage import InputDetails, OutputDetails, error_names, rate_limits, token_usage
from activities.provider_ports import CallFailed, ModelQuestion, RateLimits
from models.call import CallFailure, TokenUsage
from models.call_errors import failure_of
from models.provider import Provider, ProviderKind, WireProtocol

_FINISH = {
    "length": CallFailure.TRUNCATED,
    "content_filter": CallFailure.CONTENT_FILTERED,
    "tool_calls": CallFailure.SCHEMA_VIOLATION,
    "function_call": CallFailure.SCHEMA_VIOLATION,
}
_WHOLE = ("stop", "eos_token", "stop_sequence")
"""Ends of a whole answer; the last two are text-generation-inference's."""


class _Usage(Told):
    prompt_tokens: int = Count
    completion_tokens: int = Count
    total_tokens: int | None = Count
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None


class _Part(Told):
    type: str
    text: str | None = None


class _Message(Told):
    content: str | list[_Part] | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None


class _Choice(Told):
    finish_reason: str | None = None
    message: _Message


class _Body(Told):
    model: str = ""
    choices: list[_Choice]


class OpenAIChat:
    """`POST /chat/completions`, not streamed."""

    def request(self, provider: Provider, question: ModelQuestion) -> Outgoing:
        answer_format = {"name": question.schema_name, "schema": question.schema, "strict": True}
        body: dict[str, Any] = {
            "model": provider.model,
            "messages": [
                {"role": "system", "content": question.system},
                {"role": "user", "content": question.prompt},
            ],
            "response_format": {"type": "json_schema", "json_schema": answer_format},
        }
        if provider.kind is ProviderKind.OPENAI:
            # Newer name, which bounds reasoning as well; compatible servers know the older one.
            body |= {
                "max_completion_tokens": question.max_output_tokens,
                "store": False,
                "service_tier": "default",  # not what the project is set to: money is set aside at this one's price
            }
        else:
            body["max_tokens"] = question.max_output_tokens
        return Outgoing("/chat/completions", [], body)

    def listing(self, provider: Provider) -> tuple[str, list[tuple[bytes, bytes]]]:
        return "/models", []

    def answer(self, body: Mapping[str, Any]) -> Said:
        usage = self._usage(body)
        names = error_names(body)
        if names is not None:
            raise bad(failure_of(WireProtocol.OPENAI_CHAT, 200, *names), usage)
        answer = told(_Body, body, usage)
        if not answer.choices:
            raise bad(CallFailure.BAD_RESPONSE, usage)
        choice = answer.choices[0]
        message = choice.message
        if message.refusal:
            raise bad(CallFailure.REFUSED, usage)
        if choice.finish_reason not in _WHOLE:
            raise bad(_FINISH.get(choice.finish_reason or "", CallFailure.BAD_RESPONSE), usage)
        if message.tool_calls:
            raise bad(CallFailure.SCHEMA_VIOLATION, usage)  # no tool was offered
        text = _text(message.content)
        if not text or usage is None:
            raise bad(CallFailure.BAD_RESPONSE, usage)
        return Said(text, usage, answer.model)

    def error(self, body: Mapping[str, Any]) -> tuple[str | None, str | None] | None:
        return error_names(body)

    def limits(self, headers: Mapping[str, str], now: datetime) -> RateLimits:
        return rate_limits(headers, now)

    def _usage(self, body: Mapping[str, Any]) -> TokenUsage | None:
        counted = body.get("usage")
        if "prompt_tokens" not in mapping(counted) or "completion_tokens" not in mapping(counted):
            return None
        try:
            usage = told(_Usage, counted)
        except CallFailed:
            return None
        # Some servers leave reasoning out of the completion and count it in the total only.
        output = max(usage.completion_tokens, (usage.total_tokens or 0) - usage.prompt_tokens)
        reasoning = (usage.completion_tokens_details or OutputDetails()).reasoning_tokens or 0
        parts = usage.prompt_tokens_details or InputDetails()
        return token_usage(usage.prompt_tokens, output, parts, reasoning, body.get("service_tier"))


def _text(content: str | list[_Part] | None) -> str:
    if isinstance(content, list):
        return "".join(part.text or "" for part in content if part.type == "text")
    return content or ""
