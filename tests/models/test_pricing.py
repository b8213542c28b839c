"""What calls cost, to the micro-dollar, by hand-computed bills; and that no call costs more than its worst case."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.call import TokenUsage
from models.pricing import (
    STANDARD,
    PriceSheet,
    PriceStep,
    Rates,
    asked_for,
    cost_micro_usd,
    worst_case_micro_usd,
)


def rates(input: str, read: str, write: str, write_1h: str, output: str) -> Rates:
    return Rates(
        input=Decimal(input),
        cache_read=Decimal(read),
        cache_write_5m=Decimal(write),
        cache_write_1h=Decimal(write_1h),
        output=Decimal(output),
    )


def sheet(**tiers: tuple[PriceStep, ...]) -> PriceSheet:
    return PriceSheet(source="override", model="m", steps=tiers)


def flat(input: str, read: str, write: str, write_1h: str, output: str) -> tuple[PriceStep, ...]:
    return (PriceStep(rates=rates(input, read, write, write_1h, output)),)


OPUS = PriceSheet(
    source="genai-prices-0.2.3",
    model="claude-opus-5-5",
    steps={"standard": flat("4", "0.2", "5", "8", "20"), "fast": flat("8", "0.4", "10", "16", "40")},
    geo={"us": Decimal("1.1")},
)
SOL = sheet(
    standard=(
        PriceStep(rates=rates("4", "0.4", "5", "5", "20")),
        PriceStep(from_input_tokens=272_001, rates=rates("8", "0.8", "10", "10", "30")),
    ),
    flex=flat("2", "0.2", "2.5", "2.5", "10"),
    priority=flat("8", "0.8", "10", "10", "40"),
)
HAIKU = sheet(standard=flat("1", "0.1", "1.25", "2", "5"))

BILLS = [
    # Usage on a chunk that also has choices, here the whole of it: 1,200 x 4 + 300 x 20.
    ("last-chunk", SOL, TokenUsage(input=1_200, output=300), 10_800),
    # Cumulative deltas (25, 90, 150 tokens) end at 150, not 265: 2,000 x 4 + 150 x 20.
    ("cumulative-delta", OPUS, TokenUsage(input=2_000, output=150), 11_000),
    # 5 minutes and 1 hour: 100 x 4 + 1,000 x 0.2 + 3,000 x 5 + 2,000 x 8 + 500 x 20.
    (
        "cache-split",
        OPUS,
        TokenUsage(input=100, cache_read=1_000, cache_write_5m=3_000, cache_write_1h=2_000, output=500),
        41_600,
    ),
    # A server tool's second pass reads what the first wrote; the final counts hold both passes:
    # 3,141 x 4 + 12,000 x 0.2 + 6,000 x 5 + 700 x 20 = 12,564 + 2,400 + 30,000 + 14,000.
    (
        "server-tool",
        OPUS,
        TokenUsage(input=3_141, cache_read=12_000, cache_write_5m=6_000, output=700),
        58_964,
    ),
    # 10,000 of input, 6,000 of them cached images and text, each once: 4,000 x 4 + 6,000 x 0.4 + 100 x 20.
    ("cached-overlap", SOL, TokenUsage(input=4_000, cache_read=6_000, output=100), 20_400),
    # Reasoning is inside output, not beside it: 1,000 x 4 + 2,000 x 20.
    ("reasoning", SOL, TokenUsage(input=1_000, output=2_000, reasoning=1_900), 44_000),
    # The tier the answer names: flex 1,001 x 2 + 10 x 10, priority 1,001 x 8 + 10 x 40.
    ("flex", SOL, TokenUsage(input=1_001, output=10, service_tier="flex"), 2_102),
    ("priority", SOL, TokenUsage(input=1_001, output=10, service_tier="priority"), 8_408),
    # Fast answers of a vendor who calls it speed: 1,000 x 8 + 100 x 40.
    ("speed", OPUS, TokenUsage(input=1_000, output=100, service_tier="standard", speed="fast"), 12_000),
    # A server-side fallback: each iteration at the price of the model that made it, 1,000 x 4 + 5 x 20 and then
    # 1,000 x 1 + 400 x 5.
    ("fallback-first", OPUS, TokenUsage(input=1_000, output=5), 4_100),
    ("fallback-second", HAIKU, TokenUsage(input=1_000, output=400), 3_000),
    # The whole call is dearer from one token on: 272,000 x 4, and (200,000 + 1 x 8) with 72,000 read from a cache.
    ("below-step", SOL, TokenUsage(input=272_000), 1_088_000),
    ("above-step", SOL, TokenUsage(input=200_001, cache_read=72_000, output=100), 1_660_608),
    # Made in one place: (1,000 x 4 + 100 x 20) x 1.1.
    ("geo", OPUS, TokenUsage(input=1_000, output=100, geo="us"), 6_600),
    ("geo-anywhere", OPUS, TokenUsage(input=1_000, output=100, geo="global"), 6_000),
    # Fractions of a micro-dollar go up: 3 x 0.2.
    ("rounding", OPUS, TokenUsage(cache_read=3), 1),
    ("nothing", OPUS, TokenUsage(), 0),
]


@pytest.mark.parametrize(("price", "usage", "bill"), [case[1:] for case in BILLS], ids=[case[0] for case in BILLS])
def test_hand_computed_bills(price: PriceSheet, usage: TokenUsage, bill: int) -> None:
    assert cost_micro_usd(price, usage) == bill


@pytest.mark.parametrize("name", [None, "standard", "default", "auto"])
def test_the_ordinary_tier_has_several_names(name: str | None) -> None:
    assert cost_micro_usd(SOL, TokenUsage(input=1_000, service_tier=name, speed=name)) == 4_000


def test_an_unknown_tier_or_place_is_never_cheaper() -> None:
    assert cost_micro_usd(SOL, TokenUsage(input=1_000, service_tier="ultrafast")) == 8_000
    assert cost_micro_usd(SOL, TokenUsage(input=1_000, service_tier="flex", speed="warp")) == 8_000
    assert cost_micro_usd(OPUS, TokenUsage(input=1_000, geo="moon")) == 4_400


def test_of_a_tier_and_a_speed_the_dearer_holds() -> None:
    assert cost_micro_usd(SOL, TokenUsage(input=1_000, service_tier="priority", speed="flex")) == 8_000


def test_a_worst_case_by_hand() -> None:
    # Every token of input written to the hourly cache, at the fast speed, in the dear place: (1,000 x 16 + 10 x 40).
    assert worst_case_micro_usd(OPUS, 1_000, 10) == 18_040
    # A step that this input cannot reach does not count; one token more can.
    assert worst_case_micro_usd(SOL, 272_000, 0) == 2_720_000
    steep = sheet(standard=(*flat("1", "1", "1", "1", "1"), PriceStep(from_input_tokens=11, rates=OPUS_FAST)))
    assert worst_case_micro_usd(steep, 10, 1) == 11
    assert worst_case_micro_usd(steep, 11, 1) == 11 * 16 + 40


OPUS_FAST = OPUS.steps["fast"][0].rates

amounts = st.integers(0, 2_000_000)
prices = st.decimals(0, 1_000, places=4, allow_nan=False, allow_infinity=False)
any_rates = st.builds(
    Rates, input=prices, cache_read=prices, cache_write_5m=prices, cache_write_1h=prices, output=prices
)


@st.composite
def any_steps(draw: st.DrawFn) -> tuple[PriceStep, ...]:
    starts = sorted(draw(st.sets(st.integers(1, 2_000_000), max_size=3)))
    return tuple(PriceStep(from_input_tokens=start, rates=draw(any_rates)) for start in [0, *starts])


@st.composite
def any_sheet(draw: st.DrawFn) -> PriceSheet:
    tiers = draw(st.dictionaries(st.sampled_from(["flex", "priority", "fast"]), any_steps(), max_size=3))
    geo = draw(st.dictionaries(st.sampled_from(["us", "eu"]), st.decimals(1, 3, places=2), max_size=2))
    return PriceSheet(source="override", model="m", steps={STANDARD: draw(any_steps()), **tiers}, geo=geo)


tier_names = st.none() | st.sampled_from(["standard", "default", "auto", "flex", "priority", "fast", "never-heard-of"])
usages = st.builds(
    TokenUsage,
    input=amounts,
    cache_read=amounts,
    cache_write_5m=amounts,
    cache_write_1h=amounts,
    output=amounts,
    service_tier=tier_names,
    speed=tier_names,
    geo=st.none() | st.sampled_from(["us", "eu", "global", "moon"]),
)


@given(any_sheet(), usages, amounts, amounts)
def test_no_call_costs_more_than_the_worst_case_of_its_bounds(
    price: PriceSheet, usage: TokenUsage, spare_input: int, spare_output: int
) -> None:
    bound = usage.total - usage.output + spare_input
    assert cost_micro_usd(price, usage) <= worst_case_micro_usd(price, bound, usage.output + spare_output)


@given(any_sheet(), usages, st.booleans())
def test_a_call_that_names_the_standard_tier_costs_no_more_than_the_prices_it_can_meet(
    price: PriceSheet, usage: TokenUsage, caches: bool
) -> None:
    met = usage.model_copy(update={"service_tier": None, "speed": None})
    if not caches:
        met = met.model_copy(update={"cache_write_5m": 0, "cache_write_1h": 0})
    bounds = asked_for(price, caches=caches)
    assert cost_micro_usd(price, met) <= worst_case_micro_usd(bounds, met.total - met.output, met.output)


@given(any_sheet(), amounts, amounts, amounts, amounts)
def test_a_worst_case_never_falls_with_its_bounds(
    price: PriceSheet, input: int, more_input: int, output: int, more_output: int
) -> None:
    least = worst_case_micro_usd(price, input, output)
    assert least <= worst_case_micro_usd(price, input + more_input, output + more_output)


@given(any_sheet(), usages)
def test_a_sheet_prices_the_same_after_it_was_stored(price: PriceSheet, usage: TokenUsage) -> None:
    stored = PriceSheet.model_validate_json(price.model_dump_json())
    assert cost_micro_usd(stored, usage) == cost_micro_usd(price, usage)


@pytest.mark.parametrize(
    "tiers",
    [
        {"flex": flat("1", "1", "1", "1", "1")},
        {"standard": ()},
        {"standard": (PriceStep(from_input_tokens=1, rates=OPUS_FAST),)},
        {"standard": (PriceStep(rates=OPUS_FAST), PriceStep(rates=OPUS_FAST))},
        {},
    ],
    ids=["no-standard", "no-step", "not-from-0", "twice", "empty"],
)
def test_a_sheet_that_leaves_a_call_without_price_is_refused(tiers: dict[str, tuple[PriceStep, ...]]) -> None:
    with pytest.raises(ValidationError):
        sheet(**tiers)
