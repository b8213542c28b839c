"""`conclave health` and `conclave alerts`: how providers are, and what people must hear of."""

from models.provider_views import ProviderHealthView
from models.quota_views import AlertView
from starter.commands.asking import ask, print_json, print_table
from starter.provider_client import ProviderClient

HEALTH_COLUMNS = ("Provider", "Health", "Last look, UTC", "Answers in", "Good looks")
ALERT_COLUMNS = ("Id", "When, UTC", "What", "Seen")


def show_health(as_json: bool) -> int:
    """The health of every provider that is switched on."""

    def work(client: ProviderClient) -> None:
        found = client.health()
        if as_json:
            print_json(found)
        else:
            print_table(HEALTH_COLUMNS, map(_health, found.providers), "No provider is switched on.")

    return ask("health", work)


def list_alerts(most: int, as_json: bool) -> int:
    """The newest alerts."""

    def work(client: ProviderClient) -> None:
        page = client.alerts(most)
        if as_json:
            print_json(page.alerts)
        else:
            print_table(ALERT_COLUMNS, map(_alert, page.alerts), "There are no alerts.")

    return ask("alerts list", work)


def acknowledge_alert(alert_id: str, as_json: bool) -> int:
    """Note that an alert was seen."""

    def work(client: ProviderClient) -> None:
        seen = client.acknowledge(alert_id)
        if as_json:
            print_json(seen)
        else:
            print_table(ALERT_COLUMNS, [_alert(seen)], "")

    return ask("alerts acknowledge", work)


def _health(each: ProviderHealthView) -> tuple[str, ...]:
    health = each.health
    if health.last_check_at is None:
        return (each.name, "unknown", "", "", "")
    state = "healthy" if health.is_healthy else f"unhealthy ({(health.last_error or 'bad probe').replace('_', ' ')})"
    took = "" if health.response_time_ms is None else f"{health.response_time_ms:,} ms"
    share = "" if health.success_rate is None else f"{health.success_rate:.0%}"
    return (each.name, state, health.last_check_at[:19].replace("T", " "), took, share)


def _alert(each: AlertView) -> tuple[str, ...]:
    seen = f"by {each.acknowledged_by}" if each.acknowledged else "no"
    return (each.id, each.triggered_at[:19].replace("T", " "), each.title, seen)
