"""Progress of a review, one row per expert, while it runs."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from models.digest import counted, words
from models.expert import ExpertName
from models.review import ExpertStatus

STYLES: dict[str, str] = {
    ExpertStatus.WAITING: "dim",
    ExpertStatus.RUNNING: "cyan",
    ExpertStatus.RETRYING: "yellow",
    ExpertStatus.DONE: "green",
    ExpertStatus.DEGRADED: "yellow",
    ExpertStatus.FAILED: "bold red",
    ExpertStatus.NOT_SELECTED: "dim",
}
MARKS: dict[str, tuple[str, str]] = {
    ExpertStatus.DONE: ("\N{CHECK MARK}", "+"),
    ExpertStatus.DEGRADED: ("!", "!"),
    ExpertStatus.FAILED: ("\N{BALLOT X}", "x"),
}
"""Sign of a state, and what stands for it where the terminal has ASCII only."""
ACTIVE = frozenset({ExpertStatus.RUNNING, ExpertStatus.RETRYING})


class ExpertState(Protocol):
    """How far one expert is."""

    @property
    def status(self) -> str:
        """An `ExpertStatus`."""
        ...

    @property
    def findings(self) -> int:
        """Findings so far."""
        ...

    @property
    def seconds(self) -> float:
        """Time it has worked."""
        ...


class ReviewProgress:
    """Shows the experts at work: a live table in a terminal, else one plain line per change of state.

    Use it as a context manager and hand it a console for standard error; the table goes away when the work is done.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._experts: dict[ExpertName, ExpertState] = {}
        self._updated = clock()
        ascii_only = console.options.ascii_only
        self._mark = 1 if ascii_only else 0
        # One spinner for all rows: it keeps its phase while rows come and go.
        self._spinner = Spinner("line" if ascii_only else "dots", style="cyan")
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(get_renderable=self._table, console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def update(self, experts: Mapping[ExpertName, ExpertState]) -> None:
        """Show a new state of the experts."""
        before, self._experts = self._experts, dict(experts)
        self._updated = self._clock()
        if self._live:
            return
        for expert in ExpertName:
            state = self._experts.get(expert)
            if state and (expert not in before or before[expert].status != state.status):
                self._console.print(Text(f"{expert}: {_phrase(state)}"), soft_wrap=True)

    def _table(self) -> Table:
        since = self._clock() - self._updated
        grid = Table.grid(padding=(0, 1))
        for justify in ("left", "left", "left", "right", "right"):
            grid.add_column(justify=justify, no_wrap=True)
        for expert in ExpertName:
            state = self._experts.get(expert)
            if state:
                grid.add_row(*self._row(expert, state, since))
        return grid

    def _row(self, expert: ExpertName, state: ExpertState, since: float) -> list[RenderableType]:
        active = state.status in ACTIVE
        style = STYLES.get(state.status, "")
        mark = Text(MARKS.get(state.status, (" ", " "))[self._mark], style)
        seconds = state.seconds + (since if active else 0.0)
        return [
            self._spinner if active else mark,
            Text(expert.value, "" if active else style),
            Text(words(state.status), style),
            Text(counted(state.findings, "finding") if state.findings else "", "dim"),
            Text(f"{seconds:.1f} s" if seconds else "", "dim"),
        ]


def _phrase(state: ExpertState) -> str:
    phrase = words(state.status)
    if state.status in MARKS:
        phrase += f", {counted(state.findings, 'finding')}, {state.seconds:.1f} s"
    return phrase
