"""What a provider's error means: from protocol fields and HTTP status to one of our codes.

Sources: the vendors' error pages and SDKs. Messages are never looked at; their wording changes. A code says more than a
type, a type more than a status: the same 429 is "slow down" or "your money is spent".
"""

from models.call import Billing, CallFailure
from models.provider import WireProtocol

_ANY: dict[str, CallFailure] = {
    "insufficient_quota": CallFailure.BILLING,
    "rate_limit_exceeded": CallFailure.RATE_LIMITED,
    "model_not_found": CallFailure.MODEL_NOT_FOUND,
}

_OPENAI: dict[str, CallFailure] = {
    # codes
    "slow_down": CallFailure.OVERLOADED,
    "server_is_overloaded": CallFailure.OVERLOADED,
    "server_error": CallFailure.SERVER_ERROR,
    "credit_balance_exhausted": CallFailure.BILLING,
    "billing_not_active": CallFailure.BILLING,
    "billing_hard_limit_reached": CallFailure.SPEND_LIMIT,
    "organization_usage_limit_exceeded": CallFailure.SPEND_LIMIT,
    "organization_spend_limit_exceeded": CallFailure.SPEND_LIMIT,
    "project_spend_limit_exceeded": CallFailure.SPEND_LIMIT,
    "invalid_api_key": CallFailure.KEY_INVALID,
    "unsupported_country_region_territory": CallFailure.KEY_FORBIDDEN,
    "context_length_exceeded": CallFailure.CONTEXT_TOO_LONG,
    "content_filter": CallFailure.CONTENT_FILTERED,
    "content_policy_violation": CallFailure.CONTENT_FILTERED,
    # types; text-generation-inference says "overloaded" and "generation"
    "overloaded": CallFailure.OVERLOADED,
    "generation": CallFailure.SERVER_ERROR,
    "incomplete_generation": CallFailure.SERVER_ERROR,
}

_ANTHROPIC: dict[str, CallFailure] = {
    # details.error_code
    "ramp_limit_exceeded": CallFailure.RATE_LIMITED,
    "enforced_spend_limit_reached": CallFailure.SPEND_LIMIT,
    "contract_spend_limit_reached": CallFailure.SPEND_LIMIT,
    # types
    "authentication_error": CallFailure.KEY_INVALID,
    "permission_error": CallFailure.KEY_FORBIDDEN,
    "billing_error": CallFailure.BILLING,
    "not_found_error": CallFailure.MODEL_NOT_FOUND,
    "conflict_error": CallFailure.CONFLICT,
    "request_too_large": CallFailure.REQUEST_TOO_LARGE,
    "rate_limit_error": CallFailure.RATE_LIMITED,
    "api_error": CallFailure.SERVER_ERROR,
    "timeout_error": CallFailure.SERVER_ERROR,
    "overloaded_error": CallFailure.OVERLOADED,
}

_NAMES: dict[WireProtocol, dict[str, CallFailure]] = {
    WireProtocol.OPENAI_RESPONSES: _ANY | _OPENAI,
    WireProtocol.OPENAI_CHAT: _ANY | _OPENAI,
    WireProtocol.ANTHROPIC_MESSAGES: _ANY | _ANTHROPIC,
}

_STATUS: dict[int, CallFailure] = {
    400: CallFailure.INVALID_REQUEST,
    401: CallFailure.KEY_INVALID,
    402: CallFailure.BILLING,
    403: CallFailure.KEY_FORBIDDEN,
    404: CallFailure.MODEL_NOT_FOUND,
    408: CallFailure.SERVER_ERROR,
    409: CallFailure.CONFLICT,
    413: CallFailure.REQUEST_TOO_LARGE,
    422: CallFailure.INVALID_REQUEST,
    424: CallFailure.SERVER_ERROR,
    425: CallFailure.SERVER_ERROR,
    429: CallFailure.RATE_LIMITED,
    503: CallFailure.OVERLOADED,
    529: CallFailure.OVERLOADED,
}

_FROM_THE_MIDDLE = frozenset({502, 504, 520, 522, 524})
"""What proxies in front of a model say when it did not answer them: it may have been at work."""


def failure_of(
    protocol: WireProtocol, status: int, error_type: str | None = None, error_code: str | None = None
) -> CallFailure:
    """The meaning of an answer that is none.

    Args:
        protocol: whose names these are.
        status: of HTTP; 200 when the error stood in the body of a success.
        error_type: `error.type`.
        error_code: `error.code` (OpenAI) or `error.details.error_code` (Anthropic).
    """
    names = _NAMES[protocol]
    for name in (error_code, error_type):
        if name is not None and name in names:
            return names[name]
    if status in _STATUS:
        return _STATUS[status]
    if 300 <= status < 400:
        return CallFailure.REDIRECTED
    if 400 <= status < 500:
        return CallFailure.INVALID_REQUEST
    return CallFailure.SERVER_ERROR if status >= 500 else CallFailure.BAD_RESPONSE


def billing_of(status: int, said_by_provider: bool) -> Billing:
    """Whether an answer with this status, without counted tokens, costs.

    Args:
        status: of HTTP.
        said_by_provider: whether the body is an error object of the protocol; a proxy on the way sends none.
    """
    if status < 300 or (status in _FROM_THE_MIDDLE and not said_by_provider):
        return Billing.UNKNOWN
    return Billing.FREE
