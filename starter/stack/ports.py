"""Free ports on the loopback."""

import random
import socket
import time
from collections.abc import Mapping, Set

from starter.stack.errors import StackError

LOOPBACK = "127.0.0.1"
NEARBY = 200
"""How many ports after the wanted one are tried."""
RANDOM_RANGE = range(20_000, 32_000)
"""Below the range from which systems take the local ports of outgoing connections."""


RELEASE_SECONDS = 1.0
"""How long the system may take to free the port of a process that was just killed."""


def is_free(port: int) -> bool:
    """Whether nobody listens on a loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it a port whose last owner just ended would count as taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def assign(wanted: Mapping[str, int], remembered: Mapping[str, int], held: Set[str], scatter: bool) -> dict[str, int]:
    """Choose a port for each listener.

    Args:
        wanted: the default port of each listener by name.
        remembered: the ports of the last start.
        held: listeners whose own process is running and keeps its remembered port.
        scatter: take random ports instead of the defaults, so that many stacks fit on one machine.

    Raises:
        StackError: no free port was found near a wanted one.
    """
    chosen = {name: remembered[name] for name in wanted if name in held and name in remembered}
    for name, default in wanted.items():
        if name in chosen:
            continue
        taken = set(chosen.values())
        candidates = random.sample(RANDOM_RANGE, NEARBY) if scatter else list(_upwards(default))
        if name in remembered and remembered[name] not in taken and _becomes_free(remembered[name]):
            chosen[name] = remembered[name]
            continue
        port = next((port for port in candidates if port not in taken and is_free(port)), None)
        if port is None:
            raise StackError(
                f"no free port for {name}: {default} and the {NEARBY} after it are taken. Stop what holds them."
            )
        chosen[name] = port
    return chosen


def _becomes_free(port: int) -> bool:
    deadline = time.monotonic() + RELEASE_SECONDS
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _upwards(first: int) -> range:
    return range(first, min(first + NEARBY + 1, 65_536))
