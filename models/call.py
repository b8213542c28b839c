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


POSTURE: dict[CallFailure, Posture] = {
    # The same question to the same place may work in a moment.
    CallFailure.RATE_LIMITED: Posture.RETRY,
    CallFailure.OVERLOADED: Posture.RETRY,
    CallFailure.SERVER_ERROR: Posture.RETRY,
    CallFailure.CONFLICT: Posture.RETRY,
    CallFailure.UNREACHABLE: Posture.RETRY,
    CallFailure.DNS_FAILED: Posture.RETRY,
    CallFailure.BAD_RESPONSE: Posture.RETRY,
    CallFailure.BUSY: Posture.RETRY,
    CallFailure.QUOTA_UNAVAILABLE: Posture.RETRY,
    CallFailure.KEK_UNAVAILABLE: Posture.RETRY,
    # The answer came and was bad; one more try, told why, may be better.
    CallFailure.TRUNCATED: Posture.RETRY,
    CallFailure.SCHEMA_VIOLATION: Posture.RETRY,
    # The key is at fault, or whoever pays for it; the provider is well.
    CallFailure.KEY_INVALID: Posture.NEXT_KEY,
    CallFailure.KEY_FORBIDDEN: Posture.NEXT_KEY,
    CallFailure.BILLING: Posture.NEXT_KEY,
    CallFailure.SPEND_LIMIT: Posture.NEXT_KEY,
    CallFailure.KEY_UNREADABLE: Posture.NEXT_KEY,
    # This provider will not do better; another may.
    CallFailure.TIMEOUT: Posture.NEXT_PROVIDER,  # it had all the time there is, and may charge for it again
    CallFailure.TLS_FAILED: Posture.NEXT_PROVIDER,
    CallFailure.REDIRECTED: Posture.NEXT_PROVIDER,
    CallFailure.ADDRESS_NOT_ALLOWED: Posture.NEXT_PROVIDER,
    CallFailure.MODEL_NOT_FOUND: Posture.NEXT_PROVIDER,
    CallFailure.INVALID_REQUEST: Posture.NEXT_PROVIDER,  # protocols differ in what they take
    CallFailure.CONTEXT_TOO_LONG: Posture.NEXT_PROVIDER,
    CallFailure.REQUEST_TOO_LARGE: Posture.NEXT_PROVIDER,
    CallFailure.RESPONSE_TOO_LARGE: Posture.NEXT_PROVIDER,
    CallFailure.REFUSED: Posture.NEXT_PROVIDER,  # benign security work is refused too, by some
    CallFailure.CONTENT_FILTERED: Posture.NEXT_PROVIDER,
    CallFailure.PRICE_UNKNOWN: Posture.NEXT_PROVIDER,
    # Nobody can do better.
    CallFailure.NO_ROUTE: Posture.STOP,
    CallFailure.QUOTA_EXCEEDED: Posture.STOP,
}
"""The rule book: what to do after each failure. How often, and how long to wait, is the caller's to bound."""

_QUALITY = frozenset({CallFailure.TRUNCATED, CallFailure.SCHEMA_VIOLATION})


def is_quality(failure: CallFailure) -> bool:
    """Whether the answer itself was bad: the provider is well, and one repair try may help."""
    return failure in _QUALITY


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
    geo: Slug | None = None
    """Where the answer says it was made; some vendors charge more for one place. None: anywhere."""

    @property
    def total(self) -> int:
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h + self.output
