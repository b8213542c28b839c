"""What the protocols have in common: how a request and an answer look to whoever sends and receives them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from activities.provider_ports import CallFailed, ModelQuestion, RateLimits
from models.call import Billing, CallFailure, TokenUsage
from models.provider import Provider

UNKNOWN_TIER = "unknown"
"""A service tier that is no name at all; unknown to every price sheet, so priced at its dearest."""
_TIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


class Told(BaseModel):
    """A part of an answer that we rely on; whatever else stands there is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


Count = Field(default=0, ge=0, le=10**12)

Model = TypeVar("Model", bound=Told)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request without its key."""

    path: str
    """Appended to the provider's endpoint."""
    headers: list[tuple[bytes, bytes]]
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """A usable answer."""

    text: str = field(repr=False)
    usage: TokenUsage
    model: str


class Dialect(Protocol):
    """One protocol. Everything in it is a pure function of what goes in."""

    def request(self, provider: Provider, question: ModelQuestion) -> Outgoing: ...

    def listing(self, provider: Provider) -> tuple[str, list[tuple[bytes, bytes]]]:
        """Path and headers of the unbilled request that shows whether key and server are well."""
        ...

    def answer(self, body: Mapping[str, Any]) -> Said:
        """Read the body of a success.

        Raises:
            CallFailed: it is no usable answer; `used` with its usage when it counted tokens, else `unknown`.
        """
        ...

    def error(self, body: Mapping[str, Any]) -> tuple[str | None, str | None] | None:
        """Type and code of an error body; None when this is none of the protocol's."""
        ...

    def limits(self, headers: Mapping[str, str], now: datetime) -> RateLimits: ...


def mapping(value: Any) -> Mapping[str, Any]:
    """The value when it is an object, else an empty one."""
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def elements(value: Any) -> Sequence[Any]:
    """The value when it is an array, else an empty one."""
    return cast(Sequence[Any], value) if isinstance(value, list) else ()


def word(value: Any) -> str | None:
    """The value when it is text of reasonable length, else None."""
    return value if isinstance(value, str) and len(value) <= 200 else None


def tier_name(value: Any) -> str | None:
    """A service tier, speed or place as a slug; None when the answer tells none."""
    if value is None:
        return None
    text = value.lower() if isinstance(value, str) else ""
    return text if _TIER.fullmatch(text) else UNKNOWN_TIER


def told(kind: type[Model], value: Any, usage: TokenUsage | None = None) -> Model:
    """A part of an answer.

    Raises:
        CallFailed: it is not as it must be.
    """
    try:
        return kind.model_validate(value)
    except ValidationError:
        raise bad(CallFailure.BAD_RESPONSE, usage) from None


def bad(failure: CallFailure, usage: TokenUsage | None) -> CallFailed:
    """A failure inside a success: paid where tokens were counted, unknown where they were not."""
    return CallFailed(failure, Billing.UNKNOWN if usage is None else Billing.USED, usage=usage, http_status=200)
