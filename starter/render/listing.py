"""Lists and facts for a terminal: what may be copied is never broken over lines, whatever the width."""

import os
from collections.abc import Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from models.text import clean

PIPE_WIDTH = 120
"""Columns where there is no terminal and nothing says how many there are."""
PROSE = 24
"""Cells from this length on that have blanks are prose: they may go on in the next line."""
LEAST_PROSE = 18
"""Columns that prose needs; with less a list becomes records."""
BORDERS = 3
"""Columns that a table's lines and blanks take for each of its own."""
MOST = 400
"""Characters of a cell."""


def listing_console() -> Console:
    """Standard output, wide enough for lists where nobody says how wide it is."""
    console = Console()
    told = console.is_terminal or "COLUMNS" in os.environ
    return console if told else Console(width=PIPE_WIDTH)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str, console: Console | None = None
) -> None:
    """A table, or a sentence when there is nothing to show.

    Args:
        columns: titles; all empty: rows are facts, a name and a value each.
        rows: text of any origin.
        empty: the sentence.
        console: where; standard output if not given.
    """
    console = console or listing_console()
    listed = [[clean(cell, MOST) for cell in row] for row in rows]
    if not listed:
        console.print(empty, markup=False, highlight=False, soft_wrap=True)
    elif not any(columns):
        console.print(_facts(listed))
    else:
        prose = [any(cell_len(row[at]) >= PROSE and " " in row[at] for row in listed) for at in range(len(columns))]
        fits = _least(columns, listed, prose) <= console.width
        console.print(_table(columns, listed, prose) if fits else _records(columns, listed))


def _least(columns: Sequence[str], rows: Sequence[Sequence[str]], prose: Sequence[bool]) -> int:
    """Columns of the terminal that a table needs."""
    widths = [max(cell_len(cell) for cell in column) for column in zip(columns, *rows, strict=True)]
    needed = (min(width, LEAST_PROSE) if may else width for width, may in zip(widths, prose, strict=True))
    return sum(needed) + BORDERS * len(columns) + 1


def _facts(rows: Sequence[Sequence[str]]) -> RenderableType:
    table = Table(box=box.ROUNDED, border_style="dim", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], prose: Sequence[bool]) -> RenderableType:
    table = Table(box=box.ROUNDED, border_style="dim")
    for column, may in zip(columns, prose, strict=True):
        table.add_column(column, overflow="fold", no_wrap=not may)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _records(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    """One below the other, where the terminal is too narrow for a table."""
    parts: list[RenderableType] = []
    for number, row in enumerate(rows):
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for column, cell in zip(columns, row, strict=True):
            if cell:
                grid.add_row(Text(column), Text(cell))
        parts += [Text(""), grid] if number else [grid]
    return Group(*parts)
