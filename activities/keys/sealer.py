"""Envelope encryption: keys under data keys, data keys under the key service."""

from collections.abc import Sequence

from activities.key_ports import KeyService, KeyServiceRefused, Refusal, SealedKey
from activities.keys.envelope import EnvelopeUnreadable, open_into, plaintext_length, seal
from activities.keys.wiping import wipe
from activities.provider_ports import KeyUnreadable
from models.key import KeyBinding

UNREADABLE = frozenset({Refusal.MISMATCH, Refusal.TOO_OLD})
"""Refusals that are about the stored key, not about us."""


class EnvelopeSealer:
    """Seals with one key service; opens what any of several wrapped, so that keys survive a change of service."""

    def __init__(self, service: KeyService, also: Sequence[KeyService] = ()) -> None:
        """Take the services.

        Args:
            service: wraps the data keys of new keys.
            also: opened by, but not used for new keys.
        """
        self._service = service
        self._services = {each.name: each for each in (*also, service)}

    def seal(self, key: bytearray, binding: KeyBinding) -> SealedKey:
        """Encrypt a key under a data key of its own."""
        data_key = self._service.generate(binding.context)
        try:
            ciphertext = seal(key, data_key.clear, binding.associated_data)
        finally:
            wipe(data_key.clear)
        return SealedKey(ciphertext=ciphertext, wrapped=data_key.wrapped, service=self._service.name)

    def open(self, sealed: SealedKey, binding: KeyBinding) -> bytearray:
        """A key in clear; whoever asked wipes it.

        Raises:
            KeyUnreadable: changed, or sealed for another binding. Neither another service nor another key is tried.
        """
        service = self._services.get(sealed.service)
        if service is None:
            raise KeyServiceRefused(Refusal.UNKNOWN_KEY)
        try:
            data_key = service.unwrap(sealed.wrapped, binding.context)
        except KeyServiceRefused as refused:
            if refused.refusal in UNREADABLE:
                raise KeyUnreadable from None
            raise
        try:
            key = bytearray(plaintext_length(sealed.ciphertext))
            open_into(sealed.ciphertext, data_key, binding.associated_data, key)
        except EnvelopeUnreadable:
            raise KeyUnreadable from None
        finally:
            wipe(data_key)
        return key
