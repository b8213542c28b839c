"""A local stack of the benchmark's own: in a temporary folder, on random ports, gone afterwards."""

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from models.settings import Settings
from starter.stack.launcher import ALL, Stack, down, up
from starter.stack.part import Part


@contextmanager
def own_stack(parts: Sequence[Part] = ALL, **settings: object) -> Generator[Stack, None, None]:
    """Start it, and stop it at the end.

    Args:
        parts: what to start.
        settings: further settings of its programs.
    """
    with tempfile.TemporaryDirectory(prefix="conclave-bench-", ignore_cleanup_errors=True) as name:
        asked = Settings.model_validate({"home": Path(name, "home"), **settings})
        try:
            yield up(asked, parts=parts, scatter_ports=True)
        finally:
            down(asked)
