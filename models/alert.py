"""Alerts: what the people who run the service must hear of, once each."""

from enum import StrEnum

from pydantic import Field

from models.wire import Wire


class AlertType(StrEnum):
    """What an alert is about."""

    DAILY_COST = "daily_cost"
    MONTHLY_COST = "monthly_cost"
    DAILY_REQUESTS = "daily_requests"
    MONTHLY_REQUESTS = "monthly_requests"
    PROVIDER_UNHEALTHY = "provider_unhealthy"
    PROVIDER_RECOVERED = "provider_recovered"
    KEY_INVALID = "key_invalid"
    PROMOTION_WAITING = "promotion_waiting"
    STABLE_QUARANTINED = "stable_quarantined"
    STABLE_ERRORS = "stable_errors"
    AUDIT_BROKEN = "audit_broken"


class Alert(Wire):
    """One alert. (alert_type, subject, period, threshold) is unique: that is what makes it come once."""

    id: str
    alert_type: AlertType
    subject: str
    """The user, provider or key it is about: an id, never a secret."""
    period: str
    """Day or month of a quota, or the moment of a change of health."""
    threshold_percentage: int = Field(default=0, ge=0)
    """Share of the limit that is used; 0 where there is no limit."""
    triggered_at: str
    delivered_at: str | None = None
    acknowledged: bool = False
    acknowledged_by: str | None = None
    attempts: int = Field(default=0, ge=0)
    """How often sending it was begun."""
    delivered_to: tuple[str, ...] = ()
    """Targets that have it, by their fingerprints: of several, one may fail and be tried again alone."""


class DeliveryReport(Wire):
    """What one tick of the delivery did."""

    delivered: int = Field(default=0, ge=0)
    """Alerts that every target has."""
    postponed: int = Field(default=0, ge=0)
    """Alerts that some target did not take; they are tried again."""
    targets: int = Field(default=0, ge=0)
    """0: nobody said where alerts go. They stay undelivered, and visible in the list of alerts."""


class DeliveryOrder(Wire):
    """What one tick of the delivery is to do."""

    most: int = Field(default=100, ge=1)
    """Alerts of one tick; the next one goes on."""
