"""Alerts to people by e-mail, Slack, PagerDuty, webhook and whatever else Apprise knows."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Any, cast

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from pydantic import SecretStr

from activities.alert_ports import NotSent
from models.alert_text import AlertText

TIMEOUT_SECONDS = 20.0


class AlertUrlInvalid(Exception):
    """An address for alerts is of no known form. A wrong one must not go unnoticed until somebody misses an alert.

    Attributes:
        position: which of the configured ones, from 1. The address itself holds secrets and is not told.
    """

    def __init__(self, position: int) -> None:
        super().__init__(f"config_invalid: CONCLAVE_ALERT_URLS, address {position}: not an Apprise URL")
        self.position = position


class AppriseNotifier:
    """The port `Notifier`. Sends to the configured addresses and nowhere else; none is fine."""

    def __init__(self, urls: Sequence[SecretStr]) -> None:
        """Read the addresses; nothing is connected yet.

        Args:
            urls: Apprise URLs, with their secrets.

        Raises:
            AlertUrlInvalid: one of them is not.
        """
        # It would log addresses of peers and what they answered; what matters is told by `NotSent`.
        logging.getLogger("apprise").disabled = True
        self._targets: dict[str, Apprise] = {}
        for position, url in enumerate(urls, start=1):
            clear = url.get_secret_value().strip()
            self._targets[_fingerprint(clear)] = _service(clear, position)

    @property
    def targets(self) -> Sequence[str]:
        """Short digests of the addresses, in the order in which they were given."""
        return tuple(self._targets)

    async def send(self, target: str, message: AlertText, *, urgent: bool, good_news: bool) -> None:
        """Send one message to one target, once, within `TIMEOUT_SECONDS`. The work is done in a thread.

        Raises:
            NotSent: it was not taken.
        """
        kind = NotifyType.SUCCESS if good_news else NotifyType.FAILURE if urgent else NotifyType.WARNING
        try:
            sent = await asyncio.to_thread(
                cast(Any, self._targets[target]).notify,
                body=message.body,
                title=message.title,
                notify_type=kind,
                body_format=NotifyFormat.TEXT,
                timeout=TIMEOUT_SECONDS,
            )
        except Exception:  # a hundred plugins, each with its own; their words may hold the address
            raise NotSent from None
        if not sent:
            raise NotSent


def _service(url: str, position: int) -> Apprise:
    asset = AppriseAsset(
        app_id="Conclave",
        app_desc="Conclave",
        # A target that sends us elsewhere would get the message to an address that nobody configured.
        http_redirects=False,
        # Trying again is the outbox's: only there it is seen and survives us.
        default_service_retry=0,
    )
    service = cast(Any, Apprise).instantiate(url, asset=asset)
    if service is None:
        raise AlertUrlInvalid(position)
    found = Apprise(asset=asset)
    cast(Any, found).add(service)
    return found


def _fingerprint(url: str) -> str:
    """Tells targets apart in the database without telling what they are: addresses hold tokens of high entropy."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:16]
