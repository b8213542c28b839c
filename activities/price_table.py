"""What everything costs just now, as one name."""

import hashlib
import json

from activities.provider_ports import PriceBook, PriceUnknown, Providers


class PriceTable:
    """The port `Prices`."""

    def __init__(self, providers: Providers, prices: PriceBook) -> None:
        self._providers = providers
        self._prices = prices

    async def fingerprint(self) -> str:
        """SHA-256 of the price sheets of all providers that are switched on, by their ids."""
        sheets: dict[str, object] = {}
        for provider in await self._providers.active():
            try:
                sheets[provider.id] = self._prices.sheet(provider).model_dump(mode="json")
            except PriceUnknown:
                sheets[provider.id] = None
        return hashlib.sha256(json.dumps(sheets, sort_keys=True).encode()).hexdigest()
