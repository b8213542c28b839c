"""What OpenAI's two protocols share: counting tokens, error objects, rate-limit headers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from activities.llm.dialect import Count, Told, mapping, tier_name, word
from activities.provider_ports import RateLimits
from models.call import TokenUsage
from models.call_headers import duration_seconds, remaining


class InputDetails(Told):
    """Parts of the input."""

    cached_tokens: int | None = Count
    cache_write_tokens: int | None = Count


class OutputDetails(Told):
    """Parts of the output."""

    reasoning_tokens: int | None = Count


def token_usage(whole_input: int, output: int, parts: InputDetails, reasoning: int, tier: Any) -> TokenUsage:
    """Tokens counted once each.

    The input includes what was read from and written to a cache, the output includes reasoning. Parts larger than
    their whole are cut to it: nothing is ever counted below what the whole says.
    """
    read = min(parts.cached_tokens or 0, whole_input)
    written = min(parts.cache_write_tokens or 0, whole_input - read)
    return TokenUsage(
        input=whole_input - read - written,
        cache_read=read,
        cache_write_5m=written,
        output=output,
        reasoning=min(reasoning, output),
        service_tier=tier_name(tier),
    )


def error_names(body: Mapping[str, Any]) -> tuple[str | None, str | None] | None:
    """Type and code of `{"error": {...}}`; text-generation-inference and old vLLM say it flatter."""
    error = body.get("error")
    if isinstance(error, dict):
        inner = mapping(error)
        return word(inner.get("type")), word(inner.get("code"))
    if isinstance(error, str):
        return word(body.get("error_type")), None
    if body.get("object") == "error":
        return word(body.get("type")), None
    return None


def rate_limits(headers: Mapping[str, str], now: datetime) -> RateLimits:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}`; resets are durations from now on."""

    def left(kind: str) -> int | None:
        return remaining(headers.get(f"x-ratelimit-remaining-{kind}"), headers.get(f"x-ratelimit-limit-{kind}"))

    return RateLimits(
        requests_remaining=left("requests"),
        requests_reset_seconds=duration_seconds(headers.get("x-ratelimit-reset-requests")),
        tokens_remaining=left("tokens"),
        tokens_reset_seconds=duration_seconds(headers.get("x-ratelimit-reset-tokens")),
    )
