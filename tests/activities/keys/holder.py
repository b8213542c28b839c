"""A process that seals and opens a key, and stops at each stage to be looked at from outside.

Reads a key and a data key (32 bytes) from standard input into buffers, says what stage it reached, and goes on when it
is sent a line. The test's own canary stands in for the key service, whose client makes copies that nobody can wipe.
"""

import ctypes
import gc
import sys

from activities.key_ports import DataKey, KeyServiceRefused, Wrapped
from activities.keys.sealer import EnvelopeSealer
from activities.keys.wiping import wipe
from models.key import KeyBinding, checked_key

BINDING = KeyBinding(owner="o", provider_id="p", endpoint="e", key_id="k", version=1)


class HandedIn:
    """One data key, always the same, copied from a buffer into a buffer."""

    name = "test"

    def __init__(self, key: bytearray) -> None:
        self._key = key

    def generate(self, context: str) -> DataKey:
        return DataKey(clear=bytearray(self._key), wrapped="wrapped")

    def unwrap(self, wrapped: str, context: str) -> bytearray:
        return bytearray(self._key)

    def rewrap(self, keys: list[Wrapped]) -> list[str | KeyServiceRefused]:
        raise NotImplementedError

    def newest(self) -> str:
        return ""


def stage(name: str) -> None:
    gc.collect()
    print(name, flush=True)
    sys.stdin.buffer.raw.read(1)  # type: ignore[attr-defined]


def read(length: int) -> bytearray:
    buffer = bytearray(length)
    view = memoryview(buffer)
    while view:
        view = view[sys.stdin.buffer.raw.readinto(view) :]  # type: ignore[attr-defined]
    return buffer


def main(leaking: bool) -> None:
    given, data_key = read(int(sys.argv[2])), read(32)
    service = HandedIn(data_key)
    stage("given")
    checked = checked_key(given)
    sealed = EnvelopeSealer(service).seal(checked, BINDING)
    wipe(given, checked)
    kept = bytes(data_key) if leaking else b""
    stage("sealed")
    opened = EnvelopeSealer(service).open(sealed, BINDING)
    stage("opened")
    wipe(opened, data_key)
    stage("wiped")
    ctypes.c_char_p(kept)


if __name__ == "__main__":
    main(sys.argv[1] == "leaking")
