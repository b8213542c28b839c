"""The scripted provider of the tests in a process of its own, and how the catalogue has it."""

import subprocess
import sys
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal

from models.provider import PriceOverride, Provider, ProviderKind
from models.provider_requests import ProviderRequest, provider_of

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


def request(url: str) -> ProviderRequest:
    """What adds it to the catalogue, without limits that would make calls wait."""
    return ProviderRequest(
        name="loopback",
        kind=ProviderKind.COMPATIBLE,
        model=MODEL,
        endpoint=f"{url}/v1",
        context_tokens=100_000,
        max_output_tokens=4_000,
        needs_key=False,
        price=PriceOverride(input=Decimal(1), output=Decimal(2)),
        max_concurrency=1_000,
    )


def keyed(url: str) -> Provider:
    """The same as the catalogue has it, but for a key."""
    asked = request(url).model_copy(update={"needs_key": True})
    return provider_of(asked, uuid.uuid4().hex, f"{url}/v1")
