"""What clients ask for about providers, keys and limits, and what that means for the catalogue."""

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from models.catalogue import seed
from models.errors import InvalidInput
from models.provider import (
    ENDPOINT_OF_KIND,
    PROTOCOL_OF_KIND,
    ModelName,
    ModelTier,
    PriceOverride,
    Provider,
    ProviderKind,
    ProviderName,
    WireProtocol,
)
from models.quota import QuotaLimits
from models.wire import Wire

MOST_CALLS = 10**12
MOST_MICRO_USD = 10**15
"""A billion dollars: a limit above that is no limit."""
MOST_PER_MINUTE = 10**12

LOCAL_KINDS = frozenset({ProviderKind.VLLM, ProviderKind.TGI, ProviderKind.COMPATIBLE})
"""Servers that are anywhere: their address has to be told."""

LEAST_SIZES = {
    ProviderKind.OPENAI: (128_000, 16_384),
    ProviderKind.ANTHROPIC: (200_000, 8_192),
    ProviderKind.HUGGINGFACE: (32_768, 4_096),
}
"""Context and longest answer, in tokens, that every model one would add today has; used for models nobody knows."""
LEAST_LOCAL_SIZES = (8_192, 2_048)

UserId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$", max_length=120)]
"""A name of a user. Without `:` and `*`, which mean something in Redis."""


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_day)]
"""A day in UTC, `2026-11-26`."""

Quality = Annotated[float, Field(ge=0, le=1)]
ContextTokens = Annotated[int, Field(ge=1_000, le=100_000_000)]
OutputTokens = Annotated[int, Field(ge=1, le=10_000_000)]
Seconds = Annotated[int, Field(ge=1, le=600)]
Calls = Annotated[int, Field(ge=1, le=10_000)]
PerMinute = Annotated[int, Field(ge=1, le=MOST_PER_MINUTE)]
Endpoint = Annotated[str, Field(max_length=4_000)]
"""As a person wrote it: what is wrong with it is told by `models.endpoint`."""


class ProviderRequest(Wire):
    """Body of `POST /providers`."""

    name: ProviderName
    kind: ProviderKind
    model: ModelName
    protocol: WireProtocol | None = None
    """None: the kind's."""
    endpoint: Endpoint | None = None
    """Base address; None: the kind's, where it has one."""
    tier: ModelTier | None = None
    """None: as the seeded catalogue has the model; else cheap for servers of one's own, balanced for services."""
    quality: Quality | None = None
    context_tokens: ContextTokens | None = None
    max_output_tokens: OutputTokens | None = None
    """None: as the seeded catalogue has the model, else small enough for any."""
    timeout_seconds: Seconds = 120
    is_platform_provided: bool = True
    """Whether everybody may use it with the platform's keys; otherwise only users with keys of their own."""
    needs_key: bool = True
    last_resort: bool = False
    price: PriceOverride | None = None
    """USD per million tokens; None: the price library's."""
    max_concurrency: Calls = 16
    requests_per_minute: PerMinute | None = None
    tokens_per_minute: PerMinute | None = None


class ProviderChange(Wire):
    """Body of `PATCH /providers/{id}`: what is left out stays as it is."""

    protocol: WireProtocol | None = None
    model: ModelName | None = None
    endpoint: Endpoint | None = None
    tier: ModelTier | None = None
    quality: Quality | None = None
    context_tokens: ContextTokens | None = None
    max_output_tokens: OutputTokens | None = None
    timeout_seconds: Seconds | None = None
    is_active: bool | None = None
    is_platform_provided: bool | None = None
    needs_key: bool | None = None
    last_resort: bool | None = None
    price: PriceOverride | None = None
    """null: back to the price library's."""
    max_concurrency: Calls | None = None
    requests_per_minute: PerMinute | None = None
    tokens_per_minute: PerMinute | None = None
    """null: no limit."""


CLEARABLE = frozenset({"price", "requests_per_minute", "tokens_per_minute"})
"""Fields of a change that may be null; null means nothing for the others."""


class KeyRequest(Wire):
    """Body of `POST /user-providers`."""

    provider: Annotated[str, StringConstraints(max_length=120)]
    """Name or id."""
    key: SecretStr
    endpoint: Endpoint | None = None
    """Where the sender believes the provider is; refused when it is elsewhere."""
    platform: bool = False
    """Administrators: a key that serves every user."""


class RotateRequest(Wire):
    """Body of `POST /user-providers/{id}/rotate`."""

    key: SecretStr


class QuotaRequest(Wire):
    """Body of `PUT /quotas/{user}`: all four, so that none is lifted by being forgotten. null: no limit."""

    daily_requests: Annotated[int, Field(ge=0, le=MOST_CALLS)] | None
    monthly_requests: Annotated[int, Field(ge=0, le=MOST_CALLS)] | None
    daily_micro_usd: Annotated[int, Field(ge=0, le=MOST_MICRO_USD)] | None
    monthly_micro_usd: Annotated[int, Field(ge=0, le=MOST_MICRO_USD)] | None

    @property
    def limits(self) -> QuotaLimits:
        return QuotaLimits(**self.model_dump())


def provider_of(request: ProviderRequest, provider_id: str, endpoint: str) -> Provider:
    """The entry that a request means.

    Args:
        request: checked by itself.
        provider_id: of the new entry.
        endpoint: `endpoint_of(request)`, checked and normalised.

    Raises:
        InvalidInput: `invalid_field`: its numbers contradict each other.
    """
    kind = request.kind
    known = next((each for each in seed() if (each.kind, each.model) == (kind, request.model)), None)
    context, output = LEAST_SIZES.get(kind, LEAST_LOCAL_SIZES)
    tier = ModelTier.CHEAP if kind in LOCAL_KINDS else ModelTier.BALANCED
    usual: dict[str, Any] = {
        "protocol": known.protocol if known else PROTOCOL_OF_KIND[kind],
        "tier": known.tier if known else tier,
        "quality": known.quality if known else 0.5,
        "context_tokens": known.context_tokens if known else max(context, 4 * (request.max_output_tokens or 0)),
        "max_output_tokens": known.max_output_tokens if known else output,
    }
    told = {name: getattr(request, name) for name in ProviderRequest.model_fields}
    values = told | {name: value for name, value in usual.items() if told[name] is None}
    if request.max_output_tokens is None:
        values["max_output_tokens"] = min(values["max_output_tokens"], values["context_tokens"] // 2)
    return coherent(Provider.model_validate(values | {"id": provider_id, "endpoint": endpoint}))


def endpoint_of(request: ProviderRequest) -> str:
    """The address that a request means, unchecked.

    Raises:
        InvalidInput: `endpoint_required`: it names none, and its kind has none.
    """
    endpoint = request.endpoint or ENDPOINT_OF_KIND.get(request.kind)
    if endpoint is None:
        raise InvalidInput(
            "endpoint_required", f"`endpoint` is missing: a provider of kind {request.kind} can be anywhere."
        )
    return endpoint


def changes_of(change: ProviderChange) -> dict[str, Any]:
    """The fields that a change names, with their new values.

    Raises:
        InvalidInput: `nothing_to_change`, or `invalid_field` for a null where there must be a value.
    """
    changes = {name: getattr(change, name) for name in ProviderChange.model_fields if name in change.model_fields_set}
    if not changes:
        raise InvalidInput("nothing_to_change", "The body names no field; say what is to be changed.")
    for name, value in changes.items():
        if value is None and name not in CLEARABLE:
            raise InvalidInput("invalid_field", f"`{name}` may not be null; leave it out to keep it.", field=name)
    return changes


def changed(provider: Provider, changes: dict[str, Any]) -> Provider:
    """A provider after changes of `changes_of`.

    Raises:
        InvalidInput: `invalid_field`: its numbers contradict each other.
    """
    return coherent(provider.model_copy(update=changes))


def coherent(provider: Provider) -> Provider:
    """The same provider.

    Raises:
        InvalidInput: `invalid_field`: the longest answer leaves no room for a question.
    """
    if provider.max_output_tokens >= provider.context_tokens:
        raise InvalidInput(
            "invalid_field",
            f"`max_output_tokens` must be below `context_tokens` ({provider.context_tokens}): the context holds "
            "question and answer.",
            field="max_output_tokens",
        )
    return provider
