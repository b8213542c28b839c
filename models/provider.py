"""Model providers: an endpoint, the protocol it speaks, one model behind it, and what may be asked of it."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from models.wire import Slug, Wire

PLATFORM = "platform"
"""Owner of the keys that serve every user."""


class ProviderKind(StrEnum):
    """Who answers; decides the default endpoint and protocol."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    HUGGINGFACE = "huggingface"
    VLLM = "vllm"
    TGI = "tgi"
    COMPATIBLE = "compatible"
    """Any other server that speaks OpenAI's Chat protocol."""


class WireProtocol(StrEnum):
    """How one speaks to an endpoint."""

    OPENAI_RESPONSES = "openai-responses"
    OPENAI_CHAT = "openai-chat"
    ANTHROPIC_MESSAGES = "anthropic-messages"


PROTOCOL_OF_KIND: dict[ProviderKind, WireProtocol] = {
    ProviderKind.OPENAI: WireProtocol.OPENAI_RESPONSES,
    ProviderKind.ANTHROPIC: WireProtocol.ANTHROPIC_MESSAGES,
    ProviderKind.HUGGINGFACE: WireProtocol.OPENAI_CHAT,
    ProviderKind.VLLM: WireProtocol.OPENAI_CHAT,
    ProviderKind.TGI: WireProtocol.OPENAI_CHAT,
    ProviderKind.COMPATIBLE: WireProtocol.OPENAI_CHAT,
}

ENDPOINT_OF_KIND: dict[ProviderKind, str] = {
    ProviderKind.OPENAI: "https://api.openai.com/v1",
    ProviderKind.ANTHROPIC: "https://api.anthropic.com",
    ProviderKind.HUGGINGFACE: "https://router.huggingface.co/v1",
}
"""Base addresses of the services that have one; the protocol's path is appended."""


class ModelTier(StrEnum):
    """How much model one gets; routing by complexity picks the tier."""

    CHEAP = "cheap"
    BALANCED = "balanced"
    POWERFUL = "powerful"

    @property
    def rank(self) -> int:
        """0 for cheap up to 2 for powerful."""
        return list(ModelTier).index(self)


ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)]
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$", min_length=1, max_length=200)]


class PriceOverride(Wire):
    """USD per million tokens, for models that the price library does not know or that are priced by contract."""

    input: Decimal = Field(ge=0, le=100_000)
    output: Decimal = Field(ge=0, le=100_000)
    cache_read: Decimal | None = Field(default=None, ge=0, le=100_000)
    """None: as `input`."""
    cache_write: Decimal | None = Field(default=None, ge=0, le=100_000)
    """None: as `input`."""


class Provider(Wire):
    """One model at one endpoint, as the catalogue has it."""

    id: str
    name: ProviderName
    kind: ProviderKind
    protocol: WireProtocol
    model: ModelName
    endpoint: str = Field(max_length=300)
    """Base address, normalised: scheme, host in punycode, port unless it is the scheme's own, path."""
    tier: ModelTier
    quality: float = Field(default=0.5, ge=0, le=1)
    """Prior belief in how good its reviews are; measured values replace it later."""
    context_tokens: int = Field(ge=1_000, le=100_000_000)
    """Tokens of question and answer together."""
    max_output_tokens: int = Field(ge=1, le=10_000_000)
    timeout_seconds: int = Field(default=120, ge=1, le=600)
    """Total deadline of one call."""
    is_active: bool = True
    is_platform_provided: bool = True
    """Whether everybody may use it; otherwise only users with a key of their own."""
    needs_key: bool = True
    last_resort: bool = False
    """Asked only when nothing else is left; what it says is marked degraded."""
    price: PriceOverride | None = None
    """None: the price library's; unknown there refuses, it is never free."""
    max_concurrency: int = Field(default=16, ge=1, le=10_000)
    """Calls at once over all workers."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)


class KeyState(StrEnum):
    """Whether a key is used. Key health is separate from provider health."""

    ACTIVE = "active"
    INVALID = "invalid"
    """The provider refused it (401, 403, billing); waits for its owner."""
    REVOKED = "revoked"


class ProviderKey(Wire):
    """What may be known of a stored key; never the key."""

    id: str
    owner: str
    provider_id: str
    provider_name: Slug
    last_four: Annotated[str, StringConstraints(max_length=4)]
    version: int = Field(ge=1)
    """Counts up with each rotation."""
    state: KeyState = KeyState.ACTIVE
    reason: Slug | None = None
    """Why it is not active."""
    created_at: str
    rotated_at: str | None = None
