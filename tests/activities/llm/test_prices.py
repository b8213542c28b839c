"""Prices of the installed library: equal to what it calculates itself, and refused where it does not know."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data import providers as vendors
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice
from genai_prices.types import Provider as Vendor
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.llm.prices import SOURCE, LibraryPrices
from activities.provider_ports import PriceUnknown
from models.call import TokenUsage
from models.catalogue import seed
from models.pricing import cost_micro_usd, worst_case_micro_usd
from models.provider import PROTOCOL_OF_KIND, ModelTier, PriceOverride, Provider, ProviderKind

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BOOK = LibraryPrices(lambda: NOW)
PRICED = [entry for entry in seed() if entry.kind in (ProviderKind.OPENAI, ProviderKind.ANTHROPIC)]


def provider(kind: ProviderKind, model: str, endpoint: str = "https://api.example.com/v1", **more: Any) -> Provider:
    return Provider(
        id="1",
        name="p",
        kind=kind,
        protocol=PROTOCOL_OF_KIND[kind],
        model=model,
        endpoint=endpoint,
        tier=ModelTier.CHEAP,
        context_tokens=100_000,
        max_output_tokens=4_000,
        **more,
    )


amounts = st.integers(0, 400_000)
usages = st.builds(
    TokenUsage,
    input=amounts,
    cache_read=amounts,
    cache_write_5m=amounts,
    cache_write_1h=amounts,
    output=amounts,
)


def by_the_library(kind: ProviderKind, model: str, usage: TokenUsage) -> int:
    """The same bill, calculated by the library from its own kind of usage."""
    written = usage.cache_write_5m + usage.cache_write_1h
    tokens = Usage(
        input_tokens=usage.input + usage.cache_read + written,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=written,
        cache_write_5m_tokens=usage.cache_write_5m,
        cache_write_1h_tokens=usage.cache_write_1h,
        output_tokens=usage.output,
    )
    told = {"service_tier": usage.service_tier, "speed": usage.speed}
    price = calc_price(
        tokens,
        model,
        provider_id=kind.value,
        genai_request_timestamp=NOW,
        price_context={name: value for name, value in told.items() if value is not None},
    )
    return int((price.total_price * 1_000_000).to_integral_value(ROUND_CEILING))


@given(st.sampled_from(PRICED), usages, st.none() | st.sampled_from(["default", "flex", "priority", "fast"]))
@settings(max_examples=250)
def test_bills_are_those_of_the_library_for_every_model_tier_and_step(
    entry: Any, usage: TokenUsage, tier: str | None
) -> None:
    told = "service_tier" if entry.kind is ProviderKind.OPENAI else "speed"
    usage = usage.model_copy(update={told: tier})
    sheet = BOOK.sheet(entry.provider("1"))
    bill = by_the_library(entry.kind, entry.model, usage)
    if tier in (None, "default", *sheet.steps):
        assert cost_micro_usd(sheet, usage) == bill
    else:
        # The library takes a tier that it does not know for the standard one; ours is never cheaper than that.
        assert cost_micro_usd(sheet, usage) >= bill


@pytest.mark.parametrize("size", [100_000, 100_001, 200_000, 200_001, 272_000, 272_001])
@pytest.mark.parametrize("entry", PRICED, ids=lambda entry: entry.name)
def test_steps_begin_where_the_librarys_do(entry: Any, size: int) -> None:
    usage = TokenUsage(input=size, output=1_000)
    assert cost_micro_usd(BOOK.sheet(entry.provider("1")), usage) == by_the_library(entry.kind, entry.model, usage)


@pytest.mark.parametrize(
    ("kind", "model", "usage", "bill"),
    [
        # From the vendors' price lists of November 2026, by hand: 1,000 x 2 + 500 x 10.
        (ProviderKind.OPENAI, "gpt-6-sol", TokenUsage(input=1_000, output=500), 7_000),
        # Half of it, and the double.
        (ProviderKind.OPENAI, "gpt-6-sol", TokenUsage(input=1_000, output=500, service_tier="flex"), 3_500),
        (ProviderKind.OPENAI, "gpt-6-sol", TokenUsage(input=1_000, output=500, service_tier="priority"), 14_000),
        # Above 272,000 tokens of input: 300,000 x 4 + 500 x 15.
        (ProviderKind.OPENAI, "gpt-6-sol", TokenUsage(input=300_000, output=500), 1_207_500),
        # 1,000 x 5 for five minutes, 1,000 x 8 for an hour.
        (ProviderKind.ANTHROPIC, "claude-opus-5-5", TokenUsage(cache_write_5m=1_000, cache_write_1h=1_000), 13_000),
        (ProviderKind.ANTHROPIC, "claude-opus-5-5", TokenUsage(input=1_000, output=100, speed="fast"), 12_000),
        (ProviderKind.ANTHROPIC, "claude-opus-5-5", TokenUsage(input=1_000, output=100, geo="us"), 6_600),
        # No price for reading a cache: it counts as input, 2,000 x 10.
        (ProviderKind.OPENAI, "gpt-4-turbo", TokenUsage(input=1_000, cache_read=1_000), 20_000),
    ],
)
def test_published_prices(kind: ProviderKind, model: str, usage: TokenUsage, bill: int) -> None:
    assert cost_micro_usd(BOOK.sheet(provider(kind, model)), usage) == bill


@pytest.mark.parametrize("entry", [e for e in seed() if e.needs_key], ids=lambda entry: entry.name)
def test_every_seeded_model_that_takes_a_key_is_priced(entry: Any) -> None:
    sheet = BOOK.sheet(entry.provider("1"))
    assert sheet.source == SOURCE
    assert cost_micro_usd(sheet, TokenUsage(input=1_000, output=1_000)) > 0
    assert worst_case_micro_usd(sheet, 1_000, 1_000) > 0


@pytest.mark.parametrize("entry", [e for e in seed() if not e.needs_key], ids=lambda entry: entry.name)
def test_local_models_are_refused_until_somebody_says_what_they_cost(entry: Any) -> None:
    with pytest.raises(PriceUnknown):
        BOOK.sheet(entry.provider("1"))
    free = entry.model_copy(update={"price": PriceOverride(input=Decimal(0), output=Decimal(0))})
    sheet = BOOK.sheet(free.provider("1"))
    assert worst_case_micro_usd(sheet, 10**6, 10**6) == 0
    assert sheet.source == "override"


@pytest.mark.parametrize(
    "asked",
    [
        provider(ProviderKind.OPENAI, "gpt-99-nobody-knows"),
        provider(ProviderKind.ANTHROPIC, "gpt-6-sol"),
        provider(ProviderKind.OPENAI, "text-embedding-3-large"),
        provider(ProviderKind.OPENAI, "gpt-6-sol", needs_key=False),
        provider(ProviderKind.COMPATIBLE, "gpt-6-sol", "https://llm.example.com/v1"),
        provider(ProviderKind.COMPATIBLE, "gpt-6-sol", "https://api.openai.com.example.org/v1"),
        provider(ProviderKind.COMPATIBLE, "gpt-6-sol", "https://api.openai.computer/v1"),
        provider(ProviderKind.VLLM, "gpt-6-sol", "http://127.0.0.1:8000/v1", needs_key=True),
        provider(ProviderKind.COMPATIBLE, "sonar", "https://api.perplexity.ai"),
        provider(ProviderKind.COMPATIBLE, "google/gemma-3-27b-it:free", "https://openrouter.ai/api/v1"),
    ],
    ids=[
        "unknown",
        "another-vendors",
        "embedding",
        "keyless",
        "unknown-endpoint",
        "look-alike-host",
        "longer-host",
        "keyed-local",
        "priced-per-request",
        "free-of-charge",
    ],
)
def test_what_is_not_surely_priced_is_refused_never_free(asked: Provider) -> None:
    with pytest.raises(PriceUnknown):
        BOOK.sheet(asked)


@pytest.mark.parametrize(("input", "output", "known"), [("0", "0", False), ("0", "1", True), ("1", "0", True)])
def test_a_model_that_the_library_has_as_free_needs_an_explicit_price(
    input: str, output: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = ModelPrice(input_mtok=Decimal(input), output_mtok=Decimal(output))
    model = ModelInfo(id="gift", match=ClauseEquals(equals="gift"), prices=price)
    vendor = Vendor(id="openai", name="", api_pattern="https://api\\.openai\\.com", models=[model])
    monkeypatch.setattr("activities.llm.prices.library", [vendor])
    book = LibraryPrices(lambda: NOW)
    if known:
        assert worst_case_micro_usd(book.sheet(provider(ProviderKind.OPENAI, "gift")), 1, 1) == 1
    else:
        with pytest.raises(PriceUnknown):
            book.sheet(provider(ProviderKind.OPENAI, "gift"))


ROUTER = "https://router.huggingface.co/v1"
QWEN = "Qwen/Qwen3-Coder-480B-A35B-Instruct"


def test_the_routers_price_is_that_of_the_service_behind_it() -> None:
    usage = TokenUsage(input=1_000_000)
    prices = {
        place: cost_micro_usd(BOOK.sheet(provider(ProviderKind.HUGGINGFACE, f"{QWEN}:{place}", ROUTER)), usage)
        for place in ("novita", "nebius", "together")
    }
    assert prices == {"novita": 300_000, "nebius": 400_000, "together": 2_000_000}
    in_the_path = provider(ProviderKind.HUGGINGFACE, QWEN, "https://router.huggingface.co/nebius/v1")
    assert cost_micro_usd(BOOK.sheet(in_the_path), usage) == 400_000


@pytest.mark.parametrize("model", [QWEN, f"{QWEN}:fastest", f"{QWEN}:unheard-of", f"{QWEN}:cerebras", "a/b:novita"])
def test_the_router_without_a_known_service_or_model_is_refused(model: str) -> None:
    with pytest.raises(PriceUnknown):
        BOOK.sheet(provider(ProviderKind.HUGGINGFACE, model, ROUTER))


def test_a_service_is_not_another_whose_name_begins_alike() -> None:
    with pytest.raises(PriceUnknown):
        BOOK.sheet(provider(ProviderKind.HUGGINGFACE, QWEN, "https://router.huggingface.co/nebius-two/v1"))


@pytest.mark.parametrize(
    ("model", "endpoint"),
    [
        ("codestral-latest", "https://api.mistral.ai/v1"),
        ("deepseek-chat", "https://api.deepseek.com"),
        ("trinity-large-thinking", "https://api.arcee.ai/api/v1"),
    ],
)
def test_compatible_endpoints_that_the_library_knows_are_priced(model: str, endpoint: str) -> None:
    assert BOOK.sheet(provider(ProviderKind.COMPATIBLE, model, endpoint)).source == SOURCE


def test_an_override_wins_and_fills_what_it_leaves_out_with_the_price_of_input() -> None:
    asked = provider(ProviderKind.OPENAI, "gpt-6-sol", price=PriceOverride(input=Decimal("7"), output=Decimal("9")))
    sheet = BOOK.sheet(asked)
    assert sheet.source == "override"
    assert cost_micro_usd(sheet, TokenUsage(input=1, cache_read=1, cache_write_5m=1, cache_write_1h=1, output=1)) == 37
    # No tier of it is cheaper.
    assert cost_micro_usd(sheet, TokenUsage(input=1, service_tier="flex")) == 7


def test_an_override_with_cache_prices() -> None:
    price = PriceOverride(input=Decimal(7), output=Decimal(9), cache_read=Decimal(1), cache_write=Decimal(8))
    sheet = BOOK.sheet(provider(ProviderKind.VLLM, "anything", needs_key=False, price=price))
    assert cost_micro_usd(sheet, TokenUsage(cache_read=1, cache_write_5m=1, cache_write_1h=1)) == 17


@pytest.mark.parametrize(
    ("day", "bill"),
    [(datetime(2026, 3, 12, 23, 59, tzinfo=UTC), 3_000_000), (datetime(2026, 3, 13, tzinfo=UTC), 1_500_000)],
)
def test_a_days_price_is_that_of_the_day(day: datetime, bill: int) -> None:
    """Until 12 March 2026 this model was dearer above 200,000 tokens of input."""
    sheet = LibraryPrices(lambda: day).sheet(provider(ProviderKind.ANTHROPIC, "claude-sonnet-4-6"))
    assert cost_micro_usd(sheet, TokenUsage(input=500_000)) == bill


def test_one_book_follows_the_clock() -> None:
    moments = iter([datetime(2026, 3, 12, tzinfo=UTC), NOW])
    book = LibraryPrices(lambda: next(moments))
    asked = provider(ProviderKind.ANTHROPIC, "claude-sonnet-4-6")
    assert len(book.sheet(asked).steps["standard"]) == 2
    assert len(book.sheet(asked).steps["standard"]) == 1


def test_all_that_the_library_knows_is_priced_or_refused_and_never_fails() -> None:
    priced = refused = 0
    for vendor in vendors:
        if vendor.id in ("openai", "anthropic"):
            for model in vendor.models:
                try:
                    sheet = BOOK.sheet(provider(ProviderKind(vendor.id), model.id.rstrip("-:")))
                except PriceUnknown:
                    refused += 1
                else:
                    priced += 1
                    assert worst_case_micro_usd(sheet, 1_000, 1_000) > 0
    assert priced > 100
    assert refused < 20


def test_pricing_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []

    def refuse(*address: object, **_: object) -> None:
        opened.append(address)
        raise AssertionError("no network")

    forbidden: list[tuple[object, str, Callable[..., None]]] = [
        (socket.socket, "connect", refuse),
        (socket, "getaddrinfo", refuse),
    ]
    for owner, name, instead in forbidden:
        monkeypatch.setattr(owner, name, instead)
    for entry in PRICED:
        LibraryPrices(lambda: NOW).sheet(entry.provider("1"))
    assert opened == []
