"""The providers a new installation knows. Without a key nobody can ask them, so knowing them is safe."""

from pydantic import Field

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
from models.wire import Wire

LOCAL_VLLM = "http://127.0.0.1:8000/v1"
LOCAL_TGI = "http://127.0.0.1:8080/v1"
"""Where these servers listen unless told otherwise."""


class CatalogueEntry(Wire):
    """A provider that was not stored yet: everything of `Provider` but its id."""

    name: ProviderName
    kind: ProviderKind
    protocol: WireProtocol
    model: ModelName
    endpoint: str = Field(max_length=300)
    tier: ModelTier
    quality: float = Field(ge=0, le=1)
    context_tokens: int = Field(ge=1_000, le=100_000_000)
    max_output_tokens: int = Field(ge=1, le=10_000_000)
    is_active: bool = True
    is_platform_provided: bool = True
    needs_key: bool = True
    last_resort: bool = False
    price: PriceOverride | None = None

    def provider(self, provider_id: str) -> Provider:
        """This entry under an id, with the usual limits."""
        return Provider(id=provider_id, **{name: getattr(self, name) for name in CatalogueEntry.model_fields})


def seed(local_price: PriceOverride | None = None) -> tuple[CatalogueEntry, ...]:
    """The entries of a new installation, names unique.

    Args:
        local_price: what a token of the local models costs, where that was decided; without it they have no price,
            and what has no price is never asked. Zero is a price.
    """
    local = tuple(entry.model_copy(update={"price": local_price}) for entry in _LOCAL)
    return (*_RETIRED, *_CURRENT, *local)


def _entry(
    name: str,
    kind: ProviderKind,
    tier: ModelTier,
    quality: float,
    sizes: tuple[int, int],
    *,
    model: str | None = None,
    protocol: WireProtocol | None = None,
    is_active: bool = True,
) -> CatalogueEntry:
    context, output = sizes
    return CatalogueEntry(
        name=name,
        kind=kind,
        protocol=protocol or PROTOCOL_OF_KIND[kind],
        model=model or name,
        endpoint=ENDPOINT_OF_KIND[kind],
        tier=tier,
        quality=quality,
        context_tokens=context,
        max_output_tokens=output,
        is_active=is_active,
    )


def _local(name: str, kind: ProviderKind, model: str, endpoint: str, quality: float) -> CatalogueEntry:
    return CatalogueEntry(
        name=name,
        kind=kind,
        protocol=PROTOCOL_OF_KIND[kind],
        model=model,
        endpoint=endpoint,
        tier=ModelTier.CHEAP,
        quality=quality,
        context_tokens=16_384,
        max_output_tokens=4_096,
        is_active=False,
        needs_key=False,
        last_resort=True,
    )


_OPENAI, _ANTHROPIC, _ROUTER = ProviderKind.OPENAI, ProviderKind.ANTHROPIC, ProviderKind.HUGGINGFACE
_CHEAP, _BALANCED, _POWERFUL = ModelTier.CHEAP, ModelTier.BALANCED, ModelTier.POWERFUL
_CHAT = WireProtocol.OPENAI_CHAT

# Sizes (context, longest answer) are those of the vendors' model pages in November 2026. Qualities are beliefs, ordered
# by the vendors' own ranking of their models; measured values replace them.

_RETIRED = (
    # Their makers no longer serve these (OpenAI since 23 October 2026; Anthropic since 21 July 2025 and 5 January
    # 2026). They are here to be switched on where a gateway still has them, at an endpoint of one's own.
    _entry("gpt-4-turbo", _OPENAI, _POWERFUL, 0.6, (128_000, 4_096), protocol=_CHAT, is_active=False),
    _entry("gpt-3.5-turbo", _OPENAI, _CHEAP, 0.35, (16_385, 4_096), protocol=_CHAT, is_active=False),
    _entry(
        "claude-3-opus", _ANTHROPIC, _POWERFUL, 0.6, (200_000, 4_096), model="claude-3-opus-20240229", is_active=False
    ),
    _entry(
        "claude-3-sonnet",
        _ANTHROPIC,
        _BALANCED,
        0.5,
        (200_000, 4_096),
        model="claude-3-sonnet-20240229",
        is_active=False,
    ),
)

_CURRENT = (
    _entry("gpt-6-astra", _OPENAI, _POWERFUL, 0.95, (1_050_000, 128_000)),
    _entry("gpt-6.1-sol", _OPENAI, _POWERFUL, 0.92, (1_050_000, 128_000)),
    _entry("gpt-6.1-terra", _OPENAI, _BALANCED, 0.85, (1_050_000, 128_000)),
    _entry("gpt-6-luna", _OPENAI, _CHEAP, 0.7, (1_050_000, 128_000)),
    _entry("gpt-5.6-sol", _OPENAI, _POWERFUL, 0.88, (1_050_000, 128_000)),
    _entry("gpt-5.6-terra", _OPENAI, _BALANCED, 0.8, (1_050_000, 128_000)),
    _entry("gpt-5.6-luna", _OPENAI, _CHEAP, 0.65, (1_050_000, 128_000)),
    _entry("claude-opus-5-5", _ANTHROPIC, _POWERFUL, 0.95, (1_000_000, 128_000)),
    _entry("claude-opus-5", _ANTHROPIC, _POWERFUL, 0.9, (1_000_000, 128_000)),
    _entry("claude-sonnet-5-5", _ANTHROPIC, _BALANCED, 0.88, (1_000_000, 128_000)),
    _entry("claude-sonnet-5", _ANTHROPIC, _BALANCED, 0.85, (1_000_000, 128_000)),
    _entry("claude-haiku-5-5", _ANTHROPIC, _CHEAP, 0.72, (1_000_000, 128_000)),
    _entry("claude-haiku-4-5", _ANTHROPIC, _CHEAP, 0.65, (200_000, 64_000)),
    # The router's price is that of the service behind it, so the service is part of the name.
    _entry(
        "qwen3-coder-480b",
        _ROUTER,
        _BALANCED,
        0.65,
        (262_144, 32_768),
        model="Qwen/Qwen3-Coder-480B-A35B-Instruct:novita",
    ),
    _entry("gpt-oss-120b", _ROUTER, _CHEAP, 0.55, (131_072, 32_768), model="openai/gpt-oss-120b:fireworks-ai"),
)

_LOCAL = (
    _local("codellama", ProviderKind.VLLM, "codellama/CodeLlama-34b-Instruct-hf", LOCAL_VLLM, 0.3),
    _local("starcoder", ProviderKind.TGI, "bigcode/starcoder2-15b-instruct-v0.1", LOCAL_TGI, 0.25),
)
