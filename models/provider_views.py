"""Providers and keys as the API shows them. Every field is named here: nothing slips out."""

from enum import StrEnum

from models.health import Health
from models.pricing import STANDARD, PriceSheet
from models.provider import KeyState, ModelTier, PriceOverride, Provider, ProviderKey, ProviderKind, WireProtocol
from models.wire import Wire


class Access(StrEnum):
    """With what the caller can ask a provider."""

    OWN_KEY = "own_key"
    PLATFORM_KEY = "platform_key"
    NO_KEY_NEEDED = "no_key_needed"
    NO_KEY = "no_key"
    """It needs a key, and there is none that the caller may use."""


class PriceView(Wire):
    """USD per million tokens of the standard tier, for inputs of the smallest size."""

    source: str
    """`override`, or the price library and its version."""
    input: str
    output: str
    varies: bool = False
    """Whether other tiers or larger inputs have other prices."""


class HealthView(Wire):
    """Where a provider stands."""

    is_healthy: bool = True
    last_check_at: str | None = None
    """None: nobody looked yet."""
    last_error: str | None = None
    consecutive_failures: int = 0
    good_streak: int = 0
    response_time_ms: int | None = None
    success_rate: float | None = None


class ProviderView(Wire):
    """A provider."""

    id: str
    name: str
    kind: ProviderKind
    protocol: WireProtocol
    model: str
    endpoint: str
    tier: ModelTier
    quality: float
    context_tokens: int
    max_output_tokens: int
    timeout_seconds: int
    is_active: bool
    is_platform_provided: bool
    needs_key: bool
    last_resort: bool
    price_override: PriceOverride | None = None
    max_concurrency: int
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    price: PriceView | None = None
    """None: nothing prices it, so it is never asked; give it a price."""
    health: HealthView
    access: Access


class ProviderPage(Wire):
    """Some providers, by name."""

    providers: tuple[ProviderView, ...] = ()
    next_cursor: str | None = None
    """Pass as `cursor` for the next page; None at the end."""


class ProbeView(Wire):
    """What a test of a provider saw: codes and numbers, never what the provider wrote."""

    provider: str
    good: bool
    http_status: int | None = None
    latency_ms: int
    valid_json: bool
    failure: str | None = None
    key_id: str | None = None
    """The key it was tested with; None: none is needed."""


class KeyView(Wire):
    """What may be known of a stored key; never the key."""

    id: str
    provider: str
    provider_id: str
    platform: bool
    last_four: str
    """Empty for short keys."""
    version: int
    state: KeyState
    reason: str | None = None
    created_at: str
    rotated_at: str | None = None


class KeyList(Wire):
    """Keys of one owner, oldest first."""

    keys: tuple[KeyView, ...] = ()
    next_cursor: str | None = None
    """Pass as `cursor` for the next page; None at the end."""


class ProviderHealthView(Wire):
    """The health of one provider."""

    id: str
    name: str
    health: HealthView


class HealthOverview(Wire):
    """The health of every provider that is switched on."""

    healthy: bool
    """Whether all of them are."""
    providers: tuple[ProviderHealthView, ...] = ()


def provider_view(
    provider: Provider, sheet: PriceSheet | None, health: Health | None, keys: list[ProviderKey], owner: str
) -> ProviderView:
    """A provider for one caller.

    Args:
        provider: the entry.
        sheet: its prices; None: there are none.
        health: None: nobody looked yet.
        keys: usable keys of the caller and the platform, of any provider.
        owner: the caller.
    """
    values = {name: getattr(provider, name) for name in Provider.model_fields if name != "price"}
    return ProviderView(
        **values,
        price_override=provider.price,
        price=None if sheet is None else price_view(sheet),
        health=health_view(health),
        access=access_of(provider, keys, owner),
    )


def access_of(provider: Provider, keys: list[ProviderKey], owner: str) -> Access:
    """With what a user can ask a provider: their own key comes first."""
    if not provider.needs_key:
        return Access.NO_KEY_NEEDED if provider.is_platform_provided else Access.NO_KEY
    owners = {key.owner for key in keys if key.provider_id == provider.id}
    if owner in owners:
        return Access.OWN_KEY
    return Access.PLATFORM_KEY if owners and provider.is_platform_provided else Access.NO_KEY


def price_view(sheet: PriceSheet) -> PriceView:
    """A price sheet in short."""
    first = sheet.steps[STANDARD][0].rates
    varies = len(sheet.steps) > 1 or any(len(steps) > 1 for steps in sheet.steps.values()) or bool(sheet.geo)
    return PriceView(
        source=sheet.source, input=format(first.input, "f"), output=format(first.output, "f"), varies=varies
    )


def health_view(health: Health | None) -> HealthView:
    """Where a provider stands; one that nobody looked at counts as healthy."""
    if health is None:
        return HealthView()
    return HealthView(**{name: getattr(health, name) for name in HealthView.model_fields})


def key_view(key: ProviderKey, platform: bool) -> KeyView:
    """A key for its owner."""
    same = ("id", "provider_id", "last_four", "version", "state", "reason", "created_at", "rotated_at")
    return KeyView(provider=key.provider_name, platform=platform, **{name: getattr(key, name) for name in same})
