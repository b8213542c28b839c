"""One call to a model: what it may say, how it may fail, and what is done about each failure."""

from enum import StrEnum

from pydantic import Field

from models.wire import Slug, Wire


class Posture(StrEnum):
    """What to do after a failed call."""

    RETRY = "retry"
    """The same provider with the same key, after a while."""
    NEXT_KEY = "next_key"
    """Another key of this provider, else the next provider; this key is set aside."""
    NEXT_PROVIDER = "next_provider"
    STOP = "stop"
    """No provider can do better: the request itself is at fault."""


class CallFailure(StrEnum):
    """One code per way a call fails. Never content: codes travel in histories, logs and prompts."""

    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    CONFLICT = "conflict"
    TIMEOUT = "provider_timeout"
    UNREACHABLE = "provider_unreachable"
    DNS_FAILED = "provider_dns"
    TLS_FAILED = "provider_tls"
    REDIRECTED = "provider_redirect"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    KEY_INVALID = "key_invalid"
    KEY_FORBIDDEN = "key_forbidden"
    BILLING = "provider_billing"
    SPEND_LIMIT = "provider_spend_limit"
    MODEL_NOT_FOUND = "model_not_found"
    INVALID_REQUEST = "invalid_request"
    CONTEXT_TOO_LONG = "context_too_long"
    REQUEST_TOO_LARGE = "request_too_large"
    BAD_RESPONSE = "provider_bad_response"
    RESPONSE_TOO_LARGE = "response_too_large"
    TRUNCATED = "answer_truncated"
    REFUSED = "model_refused"
    CONTENT_FILTERED = "content_filtered"
    SCHEMA_VIOLATION = "schema_violation"
    NO_ROUTE = "no_route"
    QUOTA_EXCEEDED = "quota_exceeded"
    QUOTA_UNAVAILABLE = "quota_unavailable"
    KEY_UNREADABLE = "key_unreadable"
    KEK_UNAVAILABLE = "kek_unavailable"
    PRICE_UNKNOWN = "price_unknown"
    BUSY = "provider_busy"
    """Our own limit of calls at once or per minute."""


class Billing(StrEnum):
    """Whether a failed call costs money."""

    FREE = "free"
    """The provider said no, or was never reached."""
    USED = "used"
    """It answered and counted tokens: unusable, but billed."""
    UNKNOWN = "unknown"
    """The question left us and no whole answer came back."""


class TokenUsage(Wire):
    """Tokens of one call, each counted once."""

    input: int = Field(default=0, ge=0)
    """Input that was neither read from nor written to a cache."""
    cache_read: int = Field(default=0, ge=0)
    cache_write_5m: int = Field(default=0, ge=0)
    """Written to a cache, at the usual lifetime."""
    cache_write_1h: int = Field(default=0, ge=0)
    output: int = Field(default=0, ge=0)
    """All output that is billed, reasoning included."""
    reasoning: int = Field(default=0, ge=0)
    """Part of `output`."""
    service_tier: Slug | None = None
    """As the answer says, which may differ from what was asked; None: standard."""
    speed: Slug | None = None

    @property
    def total(self) -> int:
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h + self.output
