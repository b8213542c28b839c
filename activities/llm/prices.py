"""Prices from the genai-prices library as it is installed: it is never updated over the network."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

from genai_prices.data import providers as library
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices
from genai_prices.types import Provider as Vendor

from activities.provider_ports import PriceUnknown
from models.pricing import STANDARD, PriceSheet, PriceStep, Rates
from models.provider import PriceOverride, Provider, ProviderKind

SOURCE = f"genai-prices-{version('genai-prices')}"

_VENDORS = {ProviderKind.OPENAI: "openai", ProviderKind.ANTHROPIC: "anthropic"}
_TIER_KEYS = ("service_tier", "speed")
"""What the library's price variants call what we call a tier. Batches (`processing`) are never sent."""
_GEO = {"anthropic": {"us": Decimal("1.1")}}
"""What the library does not model: a factor on all tokens of calls that have to be answered in one place
(Anthropic, "Data residency", November 2026: `inference_geo` us, by request or as the workspace's default)."""
_KNOWN = frozenset(
    {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_5m_mtok", "cache_write_1h_mtok"}
)
_NOT_USED = re.compile(r".*(_searches_kcount|_kpages)|.*(audio|image|video).*")
"""Prices of what no call of ours asks for: searches, documents, sound and pictures."""


class LibraryPrices:
    """Price sheets of providers; implements `PriceBook`.

    A provider's own price comes first. Else the price is the vendor's for that model on that day, with every service
    tier and every step of input size that the library knows. A model that the library does not know, knows as free, or
    prices by something that is not in a sheet (per request, or reasoning apart from output) is refused: only an
    explicit price makes a call free.

    Endpoints that take no key have no vendor, so they need a price of their own, and so do endpoints that the library
    does not know. For the Hugging Face router the service behind it decides the price: it is named after the model
    (`org/model:nebius`) or in the endpoint's path. A provider of kind `openai` or `anthropic` has that vendor's prices
    wherever its endpoint is; a gateway or a region that charges otherwise needs a price of its own.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Index the installed prices.

        Args:
            now: the moment whose prices hold; prices change by day, and for some by hour.
        """
        self._now = now
        # Not the library's global snapshot: another package could start its automatic update.
        self._snapshot = DataSnapshot(providers=library, from_auto_update=False)
        self._by_id = {vendor.id: vendor for vendor in library}

    def sheet(self, provider: Provider) -> PriceSheet:
        """The prices of a provider's calls from now on.

        Raises:
            PriceUnknown: neither an override nor the library prices it.
        """
        if provider.price is not None:
            return _overridden(provider.model, provider.price)
        if not provider.needs_key:
            raise PriceUnknown
        try:
            vendor, model = self._found(provider)
        except LookupError:
            raise PriceUnknown from None
        return _sheet(vendor, model, self._now())

    def _found(self, provider: Provider) -> tuple[Vendor, ModelInfo]:
        """Raises LookupError."""
        model, name = provider.model, _VENDORS.get(provider.kind)
        if provider.kind is ProviderKind.HUGGINGFACE:
            model, _, served_by = provider.model.partition(":")
            name = f"huggingface_{served_by.lower()}" if served_by else None
        vendor = self._at(provider.endpoint) if name is None else self._by_id[name]
        return self._snapshot.find_provider_model(model, vendor, None, None)

    def _at(self, endpoint: str) -> Vendor:
        """Whose endpoint it is. The library's patterns match beginnings; names have to end where theirs do.

        Raises:
            LookupError: nobody's that the library knows.
        """
        for vendor in self._snapshot.providers:
            match = re.match(vendor.api_pattern, endpoint)
            if match and (match[0].endswith("/") or endpoint[match.end() :][:1] in ("", "/")):
                return vendor
        raise LookupError


def _overridden(model: str, price: PriceOverride) -> PriceSheet:
    write = price.input if price.cache_write is None else price.cache_write
    rates = Rates(
        input=price.input,
        cache_read=price.input if price.cache_read is None else price.cache_read,
        cache_write_5m=write,
        cache_write_1h=write,
        output=price.output,
    )
    return PriceSheet(source="override", model=model, steps={STANDARD: (PriceStep(rates=rates),)})


def _sheet(vendor: Vendor, model: ModelInfo, moment: datetime) -> PriceSheet:
    steps = {STANDARD: _steps(model.get_prices(moment))}
    # A model that is found through another vendor's list has no variants here, as in the library.
    variants = model.price_variants or [] if any(model is own for own in vendor.models) else []
    for variant in variants:
        (name, tier), *others = variant.when.items()
        if name in _TIER_KEYS and not others and tier not in (STANDARD, "default"):
            steps[tier] = _steps(model.get_prices(moment, {name: tier}))
    return PriceSheet(source=SOURCE, model=model.id, steps=steps, geo=_GEO.get(vendor.id, {}))


def _steps(price: ModelPrice) -> tuple[PriceStep, ...]:
    """One tier's rates, from 0 input tokens on.

    Raises:
        PriceUnknown: the price is missing, zero, or made of more than tokens.
    """
    named = {name: value for name, value in vars(price).items() if value is not None}
    if not {"input_mtok", "output_mtok"} <= named.keys():
        raise PriceUnknown
    if any(name not in _KNOWN and not _NOT_USED.fullmatch(name) for name in named):
        raise PriceUnknown
    rates = {name: value for name, value in named.items() if name in _KNOWN}
    # The library's tiers hold above their start, ours from a number on.
    starts = {tier.start + 1 for value in rates.values() if isinstance(value, TieredPrices) for tier in value.tiers}
    return tuple(PriceStep(from_input_tokens=start, rates=_rates(rates, start)) for start in sorted({0, *starts}))


def _rates(prices: dict[str, Decimal | TieredPrices], size: int) -> Rates:
    """Rates of an input of this size. Where a kind of token has no price, the more general kind's holds."""

    def rate(*names: str) -> Decimal:
        price = next(prices[name] for name in names if name in prices)
        if isinstance(price, TieredPrices):
            return next((tier.price for tier in reversed(price.tiers) if size > tier.start), price.base)
        return price

    rates = Rates(
        input=rate("input_mtok"),
        cache_read=rate("cache_read_mtok", "input_mtok"),
        cache_write_5m=rate("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
        cache_write_1h=rate("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
        output=rate("output_mtok"),
    )
    if rates.input == 0 and rates.output == 0:
        raise PriceUnknown
    return rates
