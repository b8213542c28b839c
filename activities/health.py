"""The steps of a health check: which providers, and how each of them is."""

from temporalio import activity

from activities.error_mapping import translated
from activities.key_ports import KeyServiceRefused
from activities.ports import KeyServiceUnavailable
from activities.provider_ports import HealthStore, KeyUnknown, KeyUnreadable, KeyVault, ModelWire, Providers
from activities.review import heartbeating
from models.call import CallFailure
from models.health import (
    KEY_IS_BAD,
    Check,
    HealthTick,
    Probe,
    ProvidersToCheck,
    ProviderToCheck,
    key_trouble,
)
from models.provider import PLATFORM, KeyState, Provider, ProviderKey

NO_KEY = "no_usable_key"
MOST_KEYS = 3
"""Keys that are tried in one check; what is refused is set aside, so the next check goes on behind it."""


class HealthActivities:
    """Checks providers with the platform's keys. Users' keys are theirs: nobody probes with them."""

    def __init__(self, providers: Providers, keys: KeyVault, wire: ModelWire, store: HealthStore) -> None:
        self._providers = providers
        self._keys = keys
        self._wire = wire
        self._store = store

    @activity.defn
    async def list_providers(self, tick: HealthTick) -> ProvidersToCheck:
        """Who is to be checked; marks in Redis that were lost are written anew on the way."""
        with translated():
            await self._store.mark_all()
            active = await self._providers.active()
        asked = set(tick.provider_ids)
        wanted = [each for each in active if not asked or each.id in asked]
        return ProvidersToCheck(providers=tuple(ProviderToCheck(id=each.id, name=each.name) for each in wanted))

    @activity.defn
    async def check_provider(self, provider_id: str) -> Check:
        """Look at one provider once and note where it stands now."""
        with translated():
            async with heartbeating():
                provider = await self._providers.get(provider_id)
                if not provider.needs_key:
                    return await self._noted(await self._wire.probe(provider, None))
                return await self._with_keys(provider)

    async def _with_keys(self, provider: Provider) -> Check:
        """A refused key says nothing about its provider; the next one may be taken."""
        reason: str = NO_KEY
        mine = [each for each in await self._keys.usable([PLATFORM]) if each.provider_id == provider.id]
        for key in mine[:MOST_KEYS]:
            seen = await self._probe(provider, key)
            if isinstance(seen, Probe):
                trouble = key_trouble(seen)
                if trouble is None:
                    return await self._noted(seen)
                if trouble in KEY_IS_BAD:
                    await self._keys.set_state(key.id, KeyState.INVALID, trouble.value, key.version)
                reason = trouble.value
            else:
                reason = seen.value
        return Check(skipped=reason)

    async def _probe(self, provider: Provider, key: ProviderKey) -> Probe | CallFailure:
        """What was seen, or why this key cannot be used."""
        try:
            async with self._keys.opened(key.id, provider) as clear:
                return await self._wire.probe(provider, clear)
        except KeyUnknown:
            return CallFailure.KEY_INVALID
        except KeyUnreadable:
            return CallFailure.KEY_UNREADABLE
        except (KeyServiceUnavailable, KeyServiceRefused):
            return CallFailure.KEK_UNAVAILABLE

    async def _noted(self, probe: Probe) -> Check:
        return Check(health=await self._store.note(probe))
