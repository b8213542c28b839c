"""Limits, use and alerts as the API shows them."""

from pydantic import Field

from models.alert import Alert
from models.alert_text import text_of
from models.quota import PeriodUse, QuotaLimits, QuotaState, UsageBy, UsageRow
from models.wire import Wire


class QuotaView(Wire):
    """A user's limits and use."""

    user: str
    limits: QuotaLimits
    day: PeriodUse
    month: PeriodUse
    headroom_micro_usd: int | None = None
    """What may still be set aside; None: no limit."""
    requests_left: int | None = None
    pressure: float = Field(ge=0, le=1)
    """Largest used share of any limit."""


class QuotaPage(Wire):
    """Some users' limits and use, by user."""

    quotas: tuple[QuotaView, ...] = ()
    next_cursor: str | None = None


class UsageLine(Wire):
    """What was used under one heading."""

    heading: str
    """A UTC day, the name of a provider, or of an expert (empty: none)."""
    requests: int
    tokens: int
    spent_micro_usd: int
    unusable_micro_usd: int
    """Part of `spent_micro_usd` that bought no usable answer."""
    held_micro_usd: int


class UsageReport(Wire):
    """What was used from one UTC day to another, both included."""

    since: str
    until: str
    by: UsageBy
    user: str | None = None
    """None: everybody."""
    rows: tuple[UsageLine, ...] = ()
    total: UsageLine


class AlertView(Wire):
    """One alert."""

    id: str
    alert_type: str
    subject: str
    """The user, provider or key it is about: an id."""
    title: str
    """What it says, in one line."""
    period: str
    threshold_percentage: int
    triggered_at: str
    delivered_at: str | None = None
    acknowledged: bool
    acknowledged_by: str | None = None


class AlertPage(Wire):
    """Some alerts, newest first."""

    alerts: tuple[AlertView, ...] = ()
    next_cursor: str | None = None


def quota_view(state: QuotaState) -> QuotaView:
    """Limits and use of one user."""
    return QuotaView(
        user=state.user_id,
        limits=state.limits,
        day=state.day,
        month=state.month,
        headroom_micro_usd=state.headroom_micro_usd,
        requests_left=state.requests_left,
        pressure=state.pressure,
    )


def usage_report(
    since: str, until: str, by: UsageBy, user: str | None, rows: list[UsageRow], names: dict[str, str]
) -> UsageReport:
    """A report with its total.

    Args:
        since: first day.
        until: last day.
        by: what each row is about.
        user: None: everybody.
        rows: as the ledger sums them.
        names: of providers, by id.
    """
    lines = [
        UsageLine.model_validate(each.model_dump() | {"heading": names.get(each.heading, each.heading)})
        for each in rows
    ]
    summed = {name: sum(getattr(each, name) for each in lines) for name in UsageLine.model_fields if name != "heading"}
    return UsageReport(
        since=since, until=until, by=by, user=user, rows=tuple(lines), total=UsageLine(heading="total", **summed)
    )


def alert_view(alert: Alert, name: str | None) -> AlertView:
    """An alert for people.

    Args:
        alert: as it is stored.
        name: what people call its subject; None: the subject's id.
    """
    same = [each for each in AlertView.model_fields if each != "title"]
    return AlertView(
        title=text_of(alert, name).title.removeprefix("Conclave: "), **{each: getattr(alert, each) for each in same}
    )
