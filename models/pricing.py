"""What a call costs: integer micro-USD, from a price sheet that is pinned to the call."""

from decimal import ROUND_CEILING, Decimal
from typing import Annotated

from pydantic import Field, model_validator

from models.call import TokenUsage
from models.wire import Slug, Wire

PER = 1_000_000
"""Prices are per this many tokens; one USD has as many micro-USD, so USD per million is micro-USD per token."""

STANDARD = "standard"
_ORDINARY: frozenset[str | None] = frozenset({None, STANDARD, "default", "auto"})
"""What answers call the ordinary tier or speed."""
_ANYWHERE = frozenset({"global", "not_available"})
"""What answers say that were not made in one certain place."""


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
    geo: dict[Slug, Annotated[Decimal, Field(ge=1)]] = Field(default_factory=dict)
    """Factor on everything where the answer was made in a place that costs more."""

    @model_validator(mode="after")
    def _whole(self) -> "PriceSheet":
        """Every call has a price: each tier has a step for every size of input, and there is a standard tier."""
        for steps in self.steps.values():
            starts = [step.from_input_tokens for step in steps]
            if starts[:1] != [0] or starts != sorted(set(starts)):
                raise ValueError("steps must ascend from 0")
        if STANDARD not in self.steps:
            raise ValueError("a standard tier is needed")
        return self


def rates_for(sheet: PriceSheet, usage: TokenUsage) -> Rates:
    """The rates of a call: by the tier and speed the answer tells, and by its input's size.

    A tier that the sheet does not have is priced at the dearest the sheet knows: unknown is never cheaper. Where the
    answer tells both a tier and a speed, the dearer of the two holds.
    """
    told = {usage.service_tier, usage.speed} - _ORDINARY or {STANDARD}
    size = usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h
    named = [sheet.steps[tier] for tier in told if tier in sheet.steps]
    return _dearest([_step(steps, size) for steps in (named if len(named) == len(told) else sheet.steps.values())])


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
    return int((exact * _factor(sheet, usage)).to_integral_value(ROUND_CEILING))


def worst_case_micro_usd(sheet: PriceSheet, input_tokens: int, output_tokens: int) -> int:
    """Most that a call can cost whose input and output are bounded, whatever tier, cache or place it meets.

    Steps that only a larger input reaches do not count.
    """
    reached = [step for steps in sheet.steps.values() for step in steps if step.from_input_tokens <= input_tokens]
    rates = _dearest([step.rates for step in reached])
    dearest_input = max(rates.input, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h)
    exact = dearest_input * input_tokens + rates.output * output_tokens
    return int((exact * _dearest_factor(sheet)).to_integral_value(ROUND_CEILING))


def asked_for(sheet: PriceSheet, *, caches: bool) -> PriceSheet:
    """The prices that a call can meet which asks for the standard tier by name.

    Args:
        sheet: all prices.
        caches: whether the provider may write to a cache unasked; else input is never written to one.
    """
    steps = sheet.steps[STANDARD]
    if not caches:
        steps = tuple(step.model_copy(update={"rates": _uncached(step.rates)}) for step in steps)
    return sheet.model_copy(update={"steps": {STANDARD: steps}})


def _uncached(rates: Rates) -> Rates:
    return rates.model_copy(update={"cache_write_5m": rates.input, "cache_write_1h": rates.input})


def _factor(sheet: PriceSheet, usage: TokenUsage) -> Decimal:
    if usage.geo is None or usage.geo in _ANYWHERE:
        return Decimal(1)
    return sheet.geo.get(usage.geo, _dearest_factor(sheet))


def _dearest_factor(sheet: PriceSheet) -> Decimal:
    return max(sheet.geo.values(), default=Decimal(1))


MOST_TOKENS = 1_000_000_000
"""What a free model affords."""


def affordable_input_tokens(sheet: PriceSheet, budget_micro_usd: int, output_tokens: int) -> int:
    """Input tokens up to which the worst case stays within a budget; 0 when the answer alone is too dear."""
    if worst_case_micro_usd(sheet, 0, output_tokens) > budget_micro_usd:
        return 0
    each = worst_case_micro_usd(sheet, PER, 0)
    left = budget_micro_usd - worst_case_micro_usd(sheet, 0, output_tokens)
    return MOST_TOKENS if each == 0 else min(left * PER // each, MOST_TOKENS)


def _step(steps: tuple[PriceStep, ...], size: int) -> Rates:
    return [step for step in steps if step.from_input_tokens <= size][-1].rates


def _dearest(rates: list[Rates]) -> Rates:
    return Rates(**{name: max(getattr(each, name) for each in rates) for name in Rates.model_fields})
