"""What was used."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Query

from models.access import Action
from models.errors import InvalidInput
from models.provider_requests import Day, UserId
from models.quota import UsageBy, day_of
from models.quota_views import UsageReport, usage_report
from starter.api import routing
from starter.api.auth import Forbidden, may, on_behalf, whether
from starter.api.state import State

router = routing.router("usage")

Reader = Annotated[str, may(Action.USAGE_READ)]
ReadsAll = Annotated[bool, whether(Action.USAGE_READ_ALL)]

MOST_DAYS = 400


@router.get("/usage")
async def read_usage(
    owner: Reader,
    is_admin: ReadsAll,
    state: State,
    by: UsageBy = UsageBy.DAY,
    since: Annotated[Day | None, Query()] = None,
    until: Annotated[Day | None, Query()] = None,
    user: Annotated[UserId | None, Query()] = None,
    everybody: Annotated[bool, Query()] = False,
) -> UsageReport:
    """Calls, tokens and money from one UTC day to another: the caller's, or for administrators anybody's."""
    if everybody and not is_admin:
        raise Forbidden
    whose = None if everybody else on_behalf(owner, is_admin, user)
    first, last = _days(since, until)
    providers = state.services.providers
    rows = await providers.usage.usage(whose, first, last, by)
    names = await providers.catalogue.names() if by is UsageBy.PROVIDER else {}
    return usage_report(first, last, by, whose, rows, names)


def _days(since: str | None, until: str | None) -> tuple[str, str]:
    """First and last day: a month up to today, where nothing else is told.

    Raises:
        InvalidInput: `invalid_range`.
    """
    last = date.fromisoformat(until or day_of(datetime.now(UTC)))
    first = date.fromisoformat(since) if since else last.replace(day=1)
    if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
        raise InvalidInput("invalid_range", f"`since` must be at most {MOST_DAYS - 1} days before `until`.")
    return first.isoformat(), last.isoformat()
