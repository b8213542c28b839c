"""Where numbers go. Whoever measures something is given `Meters`, and never learns what becomes of it."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from models.metrics import Measurement


class Meters(Protocol):
    """Takes measurements. Never raises and never waits: no work fails or slows because it is measured."""

    def note(self, measurements: Iterable[Measurement]) -> None: ...


class CallSpan(Protocol):
    """One model call in a trace."""

    def answered(self, input_tokens: int, output_tokens: int) -> None:
        """An answer came, with so many tokens."""
        ...

    def failed(self, code: str) -> None:
        """None came, for this reason."""
        ...


class Tracer(Protocol):
    """Begins spans. Never raises and never waits."""

    def model_call(self, provider: str, model: str, max_tokens: int) -> AbstractContextManager[CallSpan]:
        """A call to a model, from the question to the end of the answer.

        Args:
            provider: kind of the provider.
            model: as the catalogue has it.
            max_tokens: of the answer.
        """
        ...
