"""Nobody listens: for processes, tests and benchmarks that measure nothing."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager

from models.metrics import Measurement


class NoMeters:
    """Implements `Meters`."""

    def note(self, measurements: Iterable[Measurement]) -> None:
        """Forget them."""


class _NoSpan:
    def answered(self, input_tokens: int, output_tokens: int) -> None:
        """Nothing to tell."""

    def failed(self, code: str) -> None:
        """Nothing to tell."""


class NoTracer:
    """Implements `Tracer`."""

    @contextmanager
    def model_call(self, provider: str, model: str, max_tokens: int) -> Generator[_NoSpan]:
        yield _NoSpan()
