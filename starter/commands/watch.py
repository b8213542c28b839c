"""`conclave watch`: what runs and what waits, until it is told to stop; or one thing, to its end."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import typer

from models.errors import InvalidInput
from starter.client import Client, Unreachable
from starter.commands.asking import ask_client
from starter.commands.following import Away
from starter.complaints import complain
from starter.exit_codes import DONE, INTERRUPTED
from starter.watching import Seen, Snapshot, Watch

if TYPE_CHECKING:
    from rich.console import Console

REMEMBERED = 5
"""Things that ended meanwhile and are still shown."""
TOO_MANY_REQUESTS = 429

T = TypeVar("T")


class Looks:
    """Look after look at everything: what is no longer there is looked up once more, to say how it ended."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._last = Snapshot(at=datetime.now(UTC))

    def take(self) -> Snapshot:
        """The next snapshot; when the service is away the last one, with the reason.

        Raises:
            InvalidInput: the service refuses, other than for now.
        """
        try:
            self._last = self._look()
        except Unreachable as error:
            return self._last.model_copy(update={"at": datetime.now(UTC), "away": str(error)})
        return self._last

    def _look(self) -> Snapshot:
        running, more = _patient(self._watch.running)
        there = {each.id for each in running}
        gone = [each for each in self._last.running if each.id not in there]
        ended = [_patient(lambda each=each: self._watch.again(each)) for each in gone]
        over = [each for each in self._last.ended if each.id not in there]
        shown = tuple([*ended, *over][:REMEMBERED])
        return Snapshot(at=datetime.now(UTC), running=tuple(running), ended=shown, more=more)


def watch(thing_id: str | None, once: bool, every: float, as_json: bool) -> int:
    """Watch everything, or one thing."""
    from rich.console import Console

    def work(client: Client) -> int:
        if thing_id is not None:
            return _watch_one(client, thing_id, once, as_json)
        looks = Looks(Watch(client))
        console = Console()
        if once or not (as_json or (console.is_terminal and not console.is_dumb_terminal)):
            return _print_once(Watch(client), console, as_json)
        try:
            if as_json:
                _print_lines(looks, every)
            else:
                _show_live(looks, every, console)
        except KeyboardInterrupt:
            complain("watch", "interrupted", "Stopped watching; what runs goes on.", shown=False)
            raise typer.Exit(INTERRUPTED) from None
        return DONE

    return ask_client("watch", work)


def _print_once(reader: Watch, console: "Console", as_json: bool) -> int:
    from starter.render.watching import snapshot_table

    running, more = reader.running()
    snapshot = Snapshot(at=datetime.now(UTC), running=tuple(running), more=more)
    if as_json:
        print(snapshot.model_dump_json())
    else:
        console.print(snapshot_table(snapshot, console.width))
    return DONE


def _print_lines(looks: Looks, every: float) -> None:
    """A line of JSON at every change; a guess of what is left is none."""
    before = None
    while True:
        snapshot = looks.take()
        steady = [each.model_copy(update={"seconds_left": None}) for each in snapshot.running]
        now = (steady, snapshot.ended, snapshot.away)
        if now != before:
            print(snapshot.model_dump_json(), flush=True)
            before = now
        time.sleep(every)


def _show_live(looks: Looks, every: float, console: "Console") -> None:
    from rich.live import Live

    from starter.render.watching import snapshot_table

    shown = looks.take()
    # Drawn anew between looks, too: ages grow, and windows change their size.
    with Live(get_renderable=lambda: snapshot_table(shown, console.width), console=console, refresh_per_second=2):
        while True:
            time.sleep(every)
            shown = looks.take()


def _watch_one(client: Client, thing_id: str, once: bool, as_json: bool) -> int:
    reader = Watch(client)
    kind = reader.kind_of(thing_id)
    from starter.commands import watch_one

    if once:
        return watch_one.show(client, kind, thing_id, as_json)
    if as_json:
        _print_changes(reader, Seen(kind=kind, id=thing_id, name="", status="", begun_at=datetime.now(UTC)))
        return watch_one.code(client, kind, thing_id)
    return watch_one.follow_to_end(client, kind, thing_id)


def _print_changes(reader: Watch, seen: Seen) -> None:
    """A line of JSON at every change, the last one at the end."""
    away = Away(None)
    before: Seen | None = None
    try:
        while True:
            try:
                seen = _patient(lambda last=seen: reader.again(last))
                away.came()
            except Unreachable as error:
                away.went(error)
            else:
                steady = seen.model_copy(update={"seconds_left": None})
                if steady != before:
                    print(seen.model_dump_json(), flush=True)
                    before = steady
                if seen.ended:
                    return
            time.sleep(1)
    except KeyboardInterrupt:
        way = f"conclave watch {seen.id}"
        complain("watch", "interrupted", "Stopped watching; it goes on.", {"id": seen.id, "follow": way}, shown=False)
        raise typer.Exit(INTERRUPTED) from None


def _patient(look: Callable[[], T]) -> T:
    """A service that asks for patience counts as away for a moment."""
    try:
        return look()
    except InvalidInput as error:
        if error.status != TOO_MANY_REQUESTS:
            raise
        raise Unreachable(error.problem.message) from None
