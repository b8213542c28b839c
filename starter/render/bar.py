"""How far countable work is, while it runs."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

STEPS = 10
"""Lines about parts where there is no terminal to draw on."""


class Bar:
    """A bar in a terminal, else one plain line per change of state and per tenth of the whole.

    Use it as a context manager and hand it a console for standard error; the bar goes away at the end.
    """

    def __init__(self, console: Console, unit: str = "samples") -> None:
        self._console = console
        self._unit = unit
        self._said = ("", -1)
        self._bar: Progress | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            ascii_only = console.options.ascii_only
            self._bar = Progress(
                SpinnerColumn("line" if ascii_only else "dots"),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
                TextColumn("{task.fields[left]}", markup=False),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=1, left="")

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, what: str, done: int, total: int, left: str = "") -> None:
        """Show a new state.

        Args:
            what: the state, in a word.
            done: parts that are over.
            total: of so many.
            left: what else there is to say.
        """
        if self._bar:
            self._bar.update(self._task, description=what, completed=done, total=total, left=left)
            return
        now = (what, done * STEPS // max(total, 1))
        if now != self._said:
            self._said = now
            told = f"{what}: {done:,} of {total:,} {self._unit}{f', {left}' if left else ''}"
            self._console.print(Text(told), soft_wrap=True)
