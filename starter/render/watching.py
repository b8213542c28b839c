"""What runs and what waits, as a table that reads well from 60 columns on."""

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from models.digest import usd, words
from models.experiment import spoken_seconds
from models.text import clean
from starter.watching import Kind, Seen, Snapshot

WIDE = 118
"""Columns from which a thing has one line; below it has two, so that its id can be copied."""
SECONDS_OF_DAY = 86_400
STYLES = {
    "running": "cyan",
    "evaluating": "cyan",
    "comparing": "cyan",
    "paused": "yellow",
    "awaiting": "bold yellow",
    "failed": "bold red",
    "quarantined": "red",
    "rejected": "red",
    "completed": "green",
    "passed": "green",
    "applied": "green",
}


def snapshot_table(snapshot: Snapshot, width: int) -> RenderableType:
    """A snapshot.

    Args:
        snapshot: what to show.
        width: columns there are.
    """
    at = f"{snapshot.at:%Y-%m-%d %H:%M:%S} UTC"
    parts: list[RenderableType] = []
    if snapshot.away:
        parts.append(Text(f"{at}  {clean(snapshot.away, 300)} Asking again; what follows was seen before.", "yellow"))
    if snapshot.running:
        parts.append(_listed("Left", snapshot.running, snapshot.at, width))
    elif not snapshot.away:
        parts.append(Text("Nothing runs, and nothing waits for approval."))
    if snapshot.more:
        parts.append(Text("There are more; `conclave experiment list` and the like show all.", "dim"))
    if snapshot.ended:
        parts += [Text("Ended meanwhile", "dim"), _listed("Cost", snapshot.ended, snapshot.at, width)]
    if not snapshot.away:
        parts.append(Text(at, "dim"))
    return Group(*parts)


def _listed(title: str, things: Sequence[Seen], now: datetime, width: int) -> RenderableType:
    if width < WIDE:
        return Group(*(line for each in things for line in _lines(each, now)))
    table = Table(box=box.ROUNDED, border_style="dim")
    table.add_column("Id", no_wrap=True, overflow="fold")
    for name in ("What", "Status", "Progress", title, "Age"):
        table.add_column(name, no_wrap=True)
    table.add_column("Name", overflow="fold")
    for each in things:
        state = Text(words(each.status), STYLES.get(each.status, ""))
        told = (_progress(each), _left(each, now), span((now - each.begun_at).total_seconds()), clean(each.name, 200))
        table.add_row(each.id, each.kind, state, *map(Text, told))
    return table


def _lines(each: Seen, now: datetime) -> list[Text]:
    """Two lines: where it stands, and what it is; the id is whole, so that it can be copied."""
    age = f"{span((now - each.begun_at).total_seconds())} old"
    rest = ", ".join(part for part in (_progress(each), _left(each, now), age) if part)
    state = Text.assemble(f"{each.kind} ", (words(each.status), STYLES.get(each.status, "")), f", {rest}")
    return [state, Text(f"  {each.id} {clean(each.name, 60)}", "dim", no_wrap=True, overflow="ellipsis")]


def _progress(each: Seen) -> str:
    units = {Kind.REVIEW: "experts", Kind.PROMOTION: "approvals"}
    told = f"{each.done:,}/{each.total:,}" + (f" {units[each.kind]}" if each.kind in units else "")
    return told + (f", {each.errors:,} failed" if each.errors else "")


def _left(each: Seen, now: datetime) -> str:
    if each.cost_micro_usd is not None:
        return f"cost {usd(each.cost_micro_usd)}"
    if each.seconds_left is not None:
        return f"~{spoken_seconds(each.seconds_left)} left"
    if each.expires_at is not None and not each.ended:
        return f"{span((each.expires_at - now).total_seconds())} to decide"
    return ""


def span(seconds: float) -> str:
    """A span of time, days and hours where it is long."""
    days, rest = divmod(max(0, round(seconds)), SECONDS_OF_DAY)
    return f"{days} d {rest // 3600} h" if days else spoken_seconds(rest)
