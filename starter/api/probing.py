"""Testing a provider: one probe with a key that the caller may use."""

from models.call import CallFailure
from models.errors import InvalidInput
from models.health import KEY_IS_BAD, Probe, key_trouble
from models.provider import PLATFORM, KeyState, Provider, ProviderKey
from models.provider_views import ProbeView
from starter.provider_services import ProviderServices


async def probed(provider: Provider, owner: str, is_admin: bool, providers: ProviderServices) -> ProbeView:
    """What a probe sees, in codes and numbers.

    It changes nothing about the provider's health. A key that the provider refuses is set aside; one that was set aside
    and works again is taken up again.

    Raises:
        InvalidInput: `no_usable_key`: the caller has none to test with.
        KeyUnreadable: the stored key is bound to another endpoint, or was changed.
        KeyServiceUnavailable, KeyServiceRefused: the key cannot be decrypted now.
    """
    if not provider.needs_key:
        return _view(provider, await providers.wire.probe(provider, None), None)
    key = await _key(provider, owner, is_admin, providers)
    async with providers.keys.opened(key.id, provider) as clear:
        probe = await providers.wire.probe(provider, clear)
    trouble = key_trouble(probe)
    if trouble is not None and trouble in KEY_IS_BAD:
        await providers.keys.set_state(key.id, KeyState.INVALID, trouble.value, key.version)
    elif probe.good and key.state is KeyState.INVALID:
        await providers.keys.set_state(key.id, KeyState.ACTIVE, None, key.version)
    return _view(provider, probe, key)


async def _key(provider: Provider, owner: str, is_admin: bool, providers: ProviderServices) -> ProviderKey:
    """The caller's own key before the platform's, one that works before one that was refused."""
    for each in (owner, PLATFORM) if is_admin else (owner,):
        keys = [key for key in await providers.keys.owned(each) if key.provider_id == provider.id]
        if keys:
            return min(keys, key=lambda key: key.state is not KeyState.ACTIVE)
    raise InvalidInput(
        "no_usable_key",
        "This provider needs a key, and you have given none (`conclave key add`).",
        409,
    )


def _view(provider: Provider, probe: Probe, key: ProviderKey | None) -> ProbeView:
    return ProbeView(
        provider=provider.name,
        good=probe.good,
        http_status=probe.http_status,
        latency_ms=probe.latency_ms,
        valid_json=probe.valid_json,
        failure=None if probe.good else (probe.failure or CallFailure.BAD_RESPONSE.value),
        key_id=None if key is None else key.id,
    )
