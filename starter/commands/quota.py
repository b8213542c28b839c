"""`conclave quota` and `conclave usage`: what may be spent, and what was."""

from decimal import Decimal, InvalidOperation
from typing import Any

from models.digest import usd
from models.errors import InvalidInput
from models.provider_requests import MOST_CALLS, MOST_MICRO_USD, QuotaRequest
from models.quota import PeriodUse
from models.quota_views import QuotaView, UsageLine
from models.reservation import MICRO
from starter.commands.asking import ask, print_json, print_table
from starter.provider_client import ProviderClient

COLUMNS = ("User", "Today", "Today's limit", "This month", "Month's limit", "Calls today / month")
USAGE_COLUMNS = ("", "Calls", "Tokens", "Spent", "of it unusable", "Held")
NO_LIMIT = "none"


def show_quotas(as_json: bool) -> int:
    """Limits and use."""

    def work(client: ProviderClient) -> None:
        own = client.own_quota()
        found = [own, *(each for each in client.quotas() if each.user != own.user)]
        if as_json:
            print_json(found)
        else:
            print_table(COLUMNS, map(_row, found), "")

    return ask("quota show", work)


def set_quota(user: str, as_json: bool, **given: str | None) -> int:
    """Change the limits that are named; the others stay."""

    def work(client: ProviderClient) -> None:
        values: dict[str, Any] = client.quota(user).limits.model_dump()
        for name in ("daily_micro_usd", "monthly_micro_usd", "daily_requests", "monthly_requests"):
            text = given.get(name)
            if text is not None:
                values[name] = _limit(text, money=name.endswith("usd"))
        if all(text is None for text in given.values()):
            raise InvalidInput("invalid_option", "Name a limit: --daily, --monthly, --daily-calls or --monthly-calls.")
        changed = client.set_quota(user, QuotaRequest.model_validate(values))
        if as_json:
            print_json(changed)
        else:
            print_table(COLUMNS, [_row(changed)], "")

    return ask("quota set", work)


def show_usage(by: str, since: str | None, until: str | None, user: str | None, as_json: bool) -> int:
    """What was used, per day, provider or expert."""

    def work(client: ProviderClient) -> None:
        report = client.usage(by, since, until, user)
        if as_json:
            print_json(report)
            return
        rows = [_line(each) for each in report.rows]
        empty = f"No model was asked from {report.since} to {report.until}."
        print_table(USAGE_COLUMNS, [*rows, _line(report.total)] if rows else [], empty)

    return ask("usage", work)


def _limit(text: str, *, money: bool) -> int | None:
    if text.strip().lower() == NO_LIMIT:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    unit, most = (MICRO, MOST_MICRO_USD) if money else (1, MOST_CALLS)
    # Compared before it is converted: 1e999999 is a short text and a very long number.
    if not value.is_finite() or not 0 <= value <= most // unit or (value * unit) % 1:
        kind = "an amount in USD, to the millionth," if money else "a whole number"
        raise InvalidInput("invalid_option", f"A limit is {kind} from 0 to {most // unit:,}, or `{NO_LIMIT}`.")
    return int(value * unit)


def _row(each: QuotaView) -> tuple[str, ...]:
    limits = each.limits
    return (
        each.user,
        _used(each.day),
        _shown(limits.daily_micro_usd),
        _used(each.month),
        _shown(limits.monthly_micro_usd),
        f"{_calls(each.day, limits.daily_requests)}, {_calls(each.month, limits.monthly_requests)}",
    )


def _used(use: PeriodUse) -> str:
    return usd(use.spent_micro_usd) + (f" + {usd(use.held_micro_usd)} held" if use.held_micro_usd else "")


def _shown(limit: int | None) -> str:
    return NO_LIMIT if limit is None else usd(limit)


def _calls(use: PeriodUse, limit: int | None) -> str:
    return f"{use.requests:,}" if limit is None else f"{use.requests:,} of {limit:,}"


def _line(row: UsageLine) -> tuple[str, ...]:
    amounts = (row.spent_micro_usd, row.unusable_micro_usd, row.held_micro_usd)
    return (row.heading or "none", f"{row.requests:,}", f"{row.tokens:,}", *map(usd, amounts))
