"""Watching work of the service to its end: it goes on whatever becomes of who watches."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import typer

from starter.client import Unreachable
from starter.complaints import complain
from starter.exit_codes import INTERRUPTED

V = TypeVar("V")

EVERY_SECONDS = 1.0
SAID_AFTER = 3
"""Looks in a row that find the service away before that is said: a restart is not worth a word."""
PATIENCE = 120
"""Looks in a row that find it away before a command gives up; the work does not."""


class Away:
    """Whether the service is away, said once when it goes and once when it comes back."""

    def __init__(self, patience: int | None = PATIENCE) -> None:
        """Count from now on; `patience` None: without end."""
        self._patience = patience
        self._looks = 0

    def went(self, error: Unreachable) -> None:
        """A look found it away.

        Raises:
            Unreachable: patience is at its end.
        """
        self._looks += 1
        if self._patience is not None and self._looks >= self._patience:
            raise error
        if self._looks == SAID_AFTER:
            print(f"{error} Asking again until it answers; what runs goes on.", file=sys.stderr)

    def came(self) -> None:
        """A look found it there."""
        if self._looks >= SAID_AFTER:
            print("It answers again.", file=sys.stderr)
        self._looks = 0

    @property
    def is_away(self) -> bool:
        return self._looks > 0


def follow(
    view: V,
    look: Callable[[], V],
    *,
    ended: Callable[[V], bool],
    show: Callable[[V], None],
    patience: int | None = PATIENCE,
) -> V:
    """Look again and again until it has ended; returns the last view.

    Args:
        view: the first look.
        look: the next one.
        ended: whether that is the end.
        show: tells people where it stands.
        patience: looks in a row that may find the service away; None: any number.

    Raises:
        Unreachable: the service stays away.
    """
    away = Away(patience)
    while True:
        show(view)
        if ended(view):
            return view
        time.sleep(EVERY_SECONDS)
        try:
            view = look()
        except Unreachable as error:
            away.went(error)
        else:
            away.came()


@contextmanager
def left_running(command: str, what: str, thing_id: str, way: str) -> Generator[None]:
    """An interrupt leaves the work alone and says how to follow it.

    Args:
        command: who is interrupted.
        what: is at work, as in "experiment".
        thing_id: its id.
        way: the command that follows it.

    Raises:
        Exit: 130, after an interrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        message = f"Interrupted; the {what} goes on. Follow it with `{way}`."
        complain(command, "interrupted", message, {"id": thing_id, "follow": way}, shown=False)
        raise typer.Exit(INTERRUPTED) from None
