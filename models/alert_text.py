"""What an alert says to people: what is used up or has changed, of whom, when. No secret is in reach of it."""

from typing import NamedTuple

from models.alert import Alert, AlertType
from models.text import clean

LONGEST_NAME = 120

_LIMITS = {
    AlertType.DAILY_COST: "daily spending limit",
    AlertType.MONTHLY_COST: "monthly spending limit",
    AlertType.DAILY_REQUESTS: "daily limit of model calls",
    AlertType.MONTHLY_REQUESTS: "monthly limit of model calls",
}


class AlertText(NamedTuple):
    """One message."""

    title: str
    body: str


def text_of(alert: Alert, name: str | None = None) -> AlertText:
    """The message of an alert.

    Args:
        alert: what to tell.
        name: what people call its subject; None: the subject's id.
    """
    who = clean(name or alert.subject, LONGEST_NAME)
    lines = [_sentence(alert, who)]
    if name is not None:
        lines.append(f"Id: {clean(alert.subject, LONGEST_NAME)}")
    return AlertText(_title(alert, who), "\n".join([*lines, f"Noticed: {alert.triggered_at}", f"Alert: {alert.id}"]))


def is_good_news(alert: Alert) -> bool:
    """Something works again."""
    return alert.alert_type is AlertType.PROVIDER_RECOVERED


def is_urgent(alert: Alert) -> bool:
    """Something has stopped, and not: something will stop when it goes on like this."""
    return not is_good_news(alert) and not 0 < alert.threshold_percentage < 100


def _title(alert: Alert, who: str) -> str:
    match alert.alert_type:
        case AlertType.PROVIDER_UNHEALTHY:
            return f"Conclave: provider {who} is unhealthy"
        case AlertType.PROVIDER_RECOVERED:
            return f"Conclave: provider {who} has recovered"
        case AlertType.KEY_INVALID:
            return f"Conclave: key {who} was refused"
        case AlertType.PROMOTION_WAITING:
            return f"Conclave: promotion {who} waits for approval"
        case AlertType.STABLE_QUARANTINED:
            return f"Conclave: the configuration in production is quarantined ({who})"
        case AlertType.STABLE_ERRORS:
            return f"Conclave: reviews with {who} fail too often"
        case AlertType.AUDIT_BROKEN:
            return f"Conclave: the {who} chain was changed"
        case _:
            return f"Conclave: {alert.threshold_percentage} % of the {_LIMITS[alert.alert_type]} of {who} used"


def _sentence(alert: Alert, who: str) -> str:
    match alert.alert_type:
        case AlertType.PROVIDER_UNHEALTHY:
            return f"Provider {who} is unhealthy since {alert.period}. Others are asked first until it has recovered."
        case AlertType.PROVIDER_RECOVERED:
            return f"Provider {who} is healthy again since {alert.period}."
        case AlertType.KEY_INVALID:
            return f"The provider refused key {who} ({alert.period}). It is not used until it is replaced."
        case AlertType.PROMOTION_WAITING:
            return (
                f"Promotion {who} waits for approvers {alert.period}, then it expires; "
                f"{alert.threshold_percentage} % of its time is over. `conclave approve {who}` shows what it is about."
            )
        case AlertType.STABLE_QUARANTINED:
            return (
                f"Reviews are refused since {alert.period}: their configuration, {who}, is on the blacklist. "
                "`conclave rollback` brings back the version before it, `conclave blacklist` says why it is there."
            )
        case AlertType.STABLE_ERRORS:
            return (
                f"Reviews with {who} of the reviewer fail more often than the limit allows ({alert.period}, UTC). "
                "`conclave versions` shows whether it is still in production; `conclave rollback` brings back the one "
                "before it."
            )
        case AlertType.AUDIT_BROKEN:
            return (
                f"The {who} chain is not what it was: {alert.period.replace('_', ' ')}. No checkpoint is signed any "
                "more. `conclave audit verify` shows it; compare with a backup who changed what."
            )
        case _:
            limit = _LIMITS[alert.alert_type]
            return f"{alert.threshold_percentage} % of the {limit} of {who} is used in {alert.period} (UTC)."
