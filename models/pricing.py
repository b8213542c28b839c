"""What a call costs: integer micro-USD, from a price sheet that is pinned to the call."""

from decimal import ROUND_CEILING, Decimal

from pydantic import Field

from models.call import TokenUsage
from models.wire import Slug, Wire

PER = 1_000_000
"""Prices are per this many tokens; one USD has as many micro-USD, so USD per million is micro-USD per token."""


class Rates(Wire):
    """USD per million tokens of each kind."""

    input: Decimal = Field(ge=0)
    cache_read: Decimal = Field(ge=0)
    cache_write_5m: Decimal = Field(ge=0)
    cache_write_1h: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)


class PriceStep(Wire):
    """Rates that hold from a number of input tokens on, for the whole call."""

    from_input_tokens: int = Field(default=0, ge=0)
    rates: Rates


class PriceSheet(Wire):
    """All that is needed to price a call now and to price it again later."""

    source: Slug
    """`genai-prices-0.2.3` or `override`."""
    model: str
    steps: dict[Slug, tuple[PriceStep, ...]] = Field(min_length=1)
    """By service tier (`standard`, `flex`, `priority`, ...); each ascends by `from_input_tokens`, from 0 on."""


STANDARD = "standard"


def rates_for(sheet: PriceSheet, usage: TokenUsage) -> Rates:
    """The rates of a call: by the tier and speed the answer tells, and by its input's size.

    A tier that the sheet does not have is priced at the dearest the sheet knows: unknown is never cheaper.
    """
    told = usage.speed if usage.speed not in (None, STANDARD) else usage.service_tier
    tier = STANDARD if told in (None, "default", "auto") else told
    size = usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h
    if tier in sheet.steps:
        return _step(sheet.steps[tier], size)
    return _dearest([_step(steps, size) for steps in sheet.steps.values()])


def cost_micro_usd(sheet: PriceSheet, usage: TokenUsage) -> int:
    """Cost of a call in micro-USD, rounded up to the next whole one."""
    rates = rates_for(sheet, usage)
    exact = (
        rates.input * usage.input
        + rates.cache_read * usage.cache_read
        + rates.cache_write_5m * usage.cache_write_5m
        + rates.cache_write_1h * usage.cache_write_1h
        + rates.output * usage.output
    )
    return int(exact.to_integral_value(ROUND_CEILING))


def worst_case_micro_usd(sheet: PriceSheet, input_tokens: int, output_tokens: int) -> int:
    """Most that a call can cost whose input and output are bounded, whatever tier or cache it meets."""
    rates = _dearest([step.rates for steps in sheet.steps.values() for step in steps])
    dearest_input = max(rates.input, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h)
    return int((dearest_input * input_tokens + rates.output * output_tokens).to_integral_value(ROUND_CEILING))


def _step(steps: tuple[PriceStep, ...], size: int) -> Rates:
    return [step for step in steps if step.from_input_tokens <= size][-1].rates


def _dearest(rates: list[Rates]) -> Rates:
    return Rates(**{name: max(getattr(each, name) for each in rates) for name in Rates.model_fields})
