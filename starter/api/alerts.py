"""Alerts, for administrators."""

from datetime import datetime
from typing import Annotated

from fastapi import Query

from models.access import Action
from models.quota_views import AlertPage, AlertView, alert_view
from starter.api import cursors, routing
from starter.api.auth import may
from starter.api.body import NoBody
from starter.api.state import State

router = routing.router("alerts")

Reader = Annotated[str, may(Action.ALERTS_READ)]
Writer = Annotated[str, may(Action.ALERTS_WRITE)]


@router.get("/alerts")
async def list_alerts(
    _owner: Reader,
    state: State,
    acknowledged: Annotated[bool | None, Query()] = None,
    cursor: cursors.Cursor = None,
    page_size: cursors.PageSize = 50,
) -> AlertPage:
    """Alerts, newest first; `acknowledged` shows only those that are, or are not."""
    providers = state.services.providers
    found = await providers.alerts.page(cursors.moment_of(cursor), page_size + 1, acknowledged)
    shown, following = cursors.cut(
        found, page_size, lambda row: cursors.of_moment(datetime.fromisoformat(row.triggered_at), row.id)
    )
    names = await providers.catalogue.names() if shown else {}
    return AlertPage(alerts=tuple(alert_view(each, names.get(each.subject)) for each in shown), next_cursor=following)


@router.post("/alerts/{alert_id}/acknowledge")
async def acknowledge_alert(alert_id: str, owner: Writer, state: State, _body: NoBody) -> AlertView:
    """Note that the caller has seen an alert; the first one stays. It is not sent any more."""
    providers = state.services.providers
    alert = await providers.alerts.acknowledge(alert_id, owner)
    return alert_view(alert, (await providers.catalogue.names()).get(alert.subject))
