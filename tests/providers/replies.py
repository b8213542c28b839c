"""What a scripted provider says: replies, and correct answers in each protocol."""

import json
from dataclasses import dataclass, field
from typing import Any

from models.call import TokenUsage

USUAL = TokenUsage(input=1_000, output=200)
USUAL_ANSWER: dict[str, Any] = {"findings": [], "summary": "Nothing found.", "execution_time_ms": 1}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to one request. Each field alone does one thing; they combine."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes | str | dict[str, Any] | list[Any] | None = None
    """None: the correct answer of the path's protocol (for status 200), else an empty object."""
    usage: TokenUsage | None = None
    """Counted in a correct answer and on the bill; None: the provider's usual."""
    delay: float = 0.0
    """Seconds before the first byte."""
    raw: bytes | None = None
    """Sent instead of status, headers and body; the connection is closed after it."""
    says_length: bool = True
    """False: no Content-Length, the end of the connection ends the body."""
    cut: int | None = None
    """Only so many bytes of the body are sent, then the connection is closed."""
    drip: float | None = None
    """Seconds between single bytes of the body."""
    drip_head: float | None = None
    """Seconds between single bytes of status line and headers."""
    disconnect: bool = False
    """The connection is closed (reset) after the request was read: no byte of an answer."""
    hang: bool = False
    """Never answers; the connection stays open."""


def correct(path: str, request: dict[str, Any], answer: str, usage: TokenUsage) -> dict[str, Any]:
    """A whole answer in the protocol of this path."""
    model = str(request.get("model", "model"))
    if path.endswith("/responses"):
        return responses_body(answer, usage, model)
    if path.endswith("/chat/completions"):
        return chat_body(answer, usage, model)
    if path.endswith("/messages"):
        return messages_body(answer, usage, model)
    return {"object": "list", "data": [{"id": model, "object": "model"}]}


def responses_body(answer: str, usage: TokenUsage, model: str = "model", **changes: Any) -> dict[str, Any]:
    """OpenAI Responses: input includes what was read from and written to a cache."""
    whole = usage.total - usage.output
    body: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": answer, "annotations": []}],
            },
        ],
        "service_tier": usage.service_tier or "default",
        "usage": {
            "input_tokens": whole,
            "input_tokens_details": {
                "cached_tokens": usage.cache_read,
                "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
            },
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.total,
        },
    }
    return body | changes


def chat_body(
    answer: str | None, usage: TokenUsage, model: str = "model", finish: str = "stop", **message: Any
) -> dict[str, Any]:
    """OpenAI Chat: as Responses, by other names."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": answer, "refusal": None} | message,
            }
        ],
        "usage": {
            "prompt_tokens": usage.total - usage.output,
            "completion_tokens": usage.output,
            "total_tokens": usage.total,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        },
    }


def messages_body(answer: str, usage: TokenUsage, model: str = "model", **changes: Any) -> dict[str, Any]:
    """Anthropic Messages: input excludes what was read from and written to a cache."""
    body: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": answer}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage.input,
            "cache_read_input_tokens": usage.cache_read,
            "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
            "cache_creation": {
                "ephemeral_5m_input_tokens": usage.cache_write_5m,
                "ephemeral_1h_input_tokens": usage.cache_write_1h,
            },
            "output_tokens": usage.output,
            "service_tier": usage.service_tier or "standard",
        },
    }
    return body | changes


def encoded(body: bytes | str | dict[str, Any] | list[Any] | None) -> bytes:
    """The bytes of a body; None is an empty object."""
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body if body is not None else {}).encode()
