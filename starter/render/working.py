"""That something is at work, where nobody can say how far it is."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console

from models.experiment import spoken_seconds

FIRST_SECONDS = 3.0
EVERY_SECONDS = 30.0
"""Lines where there is no terminal: the first when it is not done at once, then now and then."""


@contextmanager
def working(what: str, console: Console | None = None, first: float = FIRST_SECONDS) -> Generator[None]:
    """Show on standard error that something is at work: a spinner with the time, or slow lines.

    Args:
        what: it, as in "Verifying the chain".
        console: where; standard error if not given.
        first: seconds until the first line.
    """
    console = console or Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        spinner = SpinnerColumn("line" if console.options.ascii_only else "dots")
        # The text as it is: paths have brackets.
        text = TextColumn("{task.description}", markup=False)
        with Progress(spinner, text, TimeElapsedColumn(), console=console, transient=True) as progress:
            progress.add_task(what, total=None)
            yield
        return
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(what, console, first, over), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell(what: str, console: Console, first: float, over: threading.Event) -> None:
    begun, pause = time.monotonic(), first
    while not over.wait(pause):
        spent = time.monotonic() - begun
        since = "" if spent < EVERY_SECONDS else f" ({spoken_seconds(spent)})"
        console.print(f"{what} ...{since}", markup=False, highlight=False, soft_wrap=True)
        pause = EVERY_SECONDS
