"""The scripted provider of the tests in a process of its own, and how the catalogue has it."""

import subprocess
import sys
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from models.provider import ModelTier, PriceOverride, Provider, ProviderKind, WireProtocol

MODEL = "model-1"


@contextmanager
def loopback_provider(latency_seconds: float) -> Generator[str, None, None]:
    """Serve; gives the address. Every call is answered after `latency_seconds`, with nothing found."""
    argv = [sys.executable, "-m", "tests.providers.server", "--port", "0", "--latency", str(latency_seconds)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def entry(url: str, **changes: Any) -> Provider:
    """The catalogue's entry of a provider at this address, without limits that would make calls wait."""
    base: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "name": "loopback",
        "kind": ProviderKind.COMPATIBLE,
        "protocol": WireProtocol.OPENAI_CHAT,
        "model": MODEL,
        "endpoint": f"{url}/v1",
        "tier": ModelTier.BALANCED,
        "context_tokens": 100_000,
        "max_output_tokens": 4_000,
        "price": PriceOverride(input="1", output="2"),
        "max_concurrency": 1_000,
    }
    return Provider.model_validate(base | changes)
