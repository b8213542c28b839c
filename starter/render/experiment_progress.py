"""How far an experiment is, while it runs."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from models.experiment import ExperimentView, spoken_seconds

STEPS = 10
"""Lines about samples where there is no terminal to draw on."""


class ExperimentProgress:
    """A bar in a terminal, else one plain line per change of state and per tenth of the samples.

    Use it as a context manager and hand it a console for standard error; the bar goes away at the end.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = ("", -1)
        self._bar: Progress | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            ascii_only = console.options.ascii_only
            self._bar = Progress(
                SpinnerColumn("line" if ascii_only else "dots"),
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
                TextColumn("{task.fields[left]}"),
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

    def update(self, view: ExperimentView) -> None:
        """Show a new state."""
        progress = view.progress
        if self._bar:
            self._bar.update(
                self._task,
                description=view.status.value,
                completed=progress.done,
                total=progress.samples,
                left=_left(view),
            )
            return
        now = (view.status.value, progress.done * STEPS // progress.samples)
        if now != self._said:
            self._said = now
            left = _left(view)
            told = f"{view.status}: {progress.done:,} of {progress.samples:,} samples{f', {left}' if left else ''}"
            self._console.print(Text(told), soft_wrap=True)


def _left(view: ExperimentView) -> str:
    progress = view.progress
    parts = [f"{progress.errors:,} errors"] if progress.errors else []
    if progress.seconds_left is not None:
        parts.append(f"about {spoken_seconds(progress.seconds_left)} left")
    return ", ".join(parts)
