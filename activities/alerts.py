"""The step that carries alerts to people."""

import asyncio

from temporalio import activity

from activities.alert_ports import Notifier, NotSent, Outbox
from activities.error_mapping import translated
from activities.provider_ports import Providers, ProviderUnknown
from activities.review import heartbeating
from models.alert import Alert, AlertType, DeliveryOrder, DeliveryReport
from models.alert_text import AlertText, is_good_news, is_urgent, text_of

LEASE_SECONDS = 120.0
"""Longer than a silent target is waited for; when we die, another worker takes over after it."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 60.0, 3600.0

ABOUT_PROVIDERS = (AlertType.PROVIDER_UNHEALTHY, AlertType.PROVIDER_RECOVERED)


class AlertActivities:
    """Delivers what is in the outbox.

    Each target is sent each alert once; only a worker that dies between the target's answer and the note of it makes
    a second one, because no messenger can be asked whether it has the first.
    """

    def __init__(self, outbox: Outbox, notifier: Notifier, providers: Providers) -> None:
        self._outbox = outbox
        self._notifier = notifier
        self._providers = providers

    @activity.defn
    async def deliver_alerts(self, order: DeliveryOrder) -> DeliveryReport:
        """Send what waits, the oldest first, one after the other, each under a lease of its own."""
        delivered = postponed = 0
        targets = self._notifier.targets
        with translated():
            async with heartbeating():
                for _ in range(order.most if targets else 0):
                    claimed = await self._outbox.claim(1, LEASE_SECONDS)
                    if not claimed:
                        break
                    done = await self._deliver(claimed[0])
                    delivered, postponed = delivered + done, postponed + (not done)
        return DeliveryReport(delivered=delivered, postponed=postponed, targets=len(targets))

    async def _deliver(self, alert: Alert) -> bool:
        """Whether every target has it now."""
        message = text_of(alert, await self._name(alert))
        open_targets = [target for target in self._notifier.targets if target not in alert.delivered_to]
        taken = await asyncio.gather(*(self._send(alert, target, message) for target in open_targets))
        if not all(taken):
            wait = FIRST_WAIT_SECONDS * 2.0 ** min(max(alert.attempts - 1, 0), 10)
            await self._outbox.postpone(alert.id, min(wait, LONGEST_WAIT_SECONDS))
            return False
        await self._outbox.mark_delivered(alert.id)
        return True

    async def _send(self, alert: Alert, target: str, message: AlertText) -> bool:
        try:
            await self._notifier.send(target, message, urgent=is_urgent(alert), good_news=is_good_news(alert))
        except NotSent:
            return False
        await self._outbox.note_sent(alert.id, target)
        return True

    async def _name(self, alert: Alert) -> str | None:
        if alert.alert_type not in ABOUT_PROVIDERS:
            return None
        try:
            return (await self._providers.get(alert.subject)).name
        except ProviderUnknown:
            return None
