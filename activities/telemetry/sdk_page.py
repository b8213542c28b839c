"""The metrics of Temporal's SDK, which its native half serves by itself, among ours."""

import urllib.request
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from typing_extensions import override

SECONDS = 1.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SdkPage(Collector):
    """What stands on the page of the SDK's runtime, read when somebody asks."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"

    @override
    def collect(self) -> Iterator[Metric]:
        try:
            with _DIRECT.open(self._url, timeout=SECONDS) as answer:
                text = answer.read().decode()
        except OSError:
            # Our own numbers are shown all the same; `up` on the SDK's is their absence.
            return
        yield from text_string_to_metric_families(text)
