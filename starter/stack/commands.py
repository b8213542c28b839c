"""`conclave up`, `down`, `status` and `doctor`: plain functions that the command line registers."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from starter.complaints import complain
from starter.exit_codes import UNREACHABLE
from starter.options import Json
from starter.read_settings import settings_or_exit

if TYPE_CHECKING:
    from rich.console import Console


def up(as_json: Json = False) -> None:
    """Start the local stack: Temporal with its web UI, Postgres, Redis, OpenBao, the API and a worker."""
    import time

    from starter.render.working import working
    from starter.stack.launcher import up as start
    from starter.stack.look import status

    began = time.monotonic()
    settings = settings_or_exit()
    with failing_clearly(), working("Starting the local stack", first=0.5):
        stack = start(settings)
        parts = status(settings)
    took = time.monotonic() - began
    if as_json:
        shown = [part.model_dump(mode="json") for part in parts]
        found = {"api_url": stack.api_url, "temporal_ui_url": stack.ui_url, "home": str(stack.home)}
        print_json({**found, "seconds": round(took, 2), "started": sorted(stack.seconds), "parts": shown})
        return
    _print_parts([(part.name, part.state, part.address or "", part.pid) for part in parts])
    console = _console()
    said = f"Started {len(stack.seconds)} parts in {took:.1f} s." if stack.seconds else "Everything was running."
    console.print(f"\n{said} Temporal UI: {stack.ui_url or 'elsewhere'}   API: {stack.api_url}", soft_wrap=True)
    console.print(
        "Stop it with `conclave down`; reviews that run are continued at the next `conclave up`.", soft_wrap=True
    )


def down(as_json: Json = False) -> None:
    """Stop the local stack; data, logs and secrets stay."""
    from starter.render.working import working
    from starter.stack.launcher import down as stop

    settings = settings_or_exit()
    with failing_clearly(), working("Stopping the local stack"):
        stopped = stop(settings)
    if as_json:
        print_json({"stopped": stopped})
    else:
        _console().print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


def status(as_json: Json = False) -> None:
    """Show how each part of the local stack does; exits 4 when one that should serve does not."""
    from starter.stack.look import status as look

    settings = settings_or_exit()
    with failing_clearly():
        parts = look(settings)
    if as_json:
        print_json({"home": str(settings.home), "parts": [part.model_dump(mode="json") for part in parts]})
    else:
        _print_parts([(part.name, part.state, part.address or "", part.pid) for part in parts])
    if any(part.state in {"stopped", "unhealthy"} for part in parts):
        if not as_json:
            typer.echo(f"`conclave up` starts what does not run; logs are in {settings.home / 'logs'}.", err=True)
        raise typer.Exit(UNREACHABLE)


def doctor(as_json: Json = False) -> None:
    """Check what Conclave needs on this machine; exits 4 when something keeps it from working."""
    from starter.stack.doctor import doctor as examine

    settings = settings_or_exit()
    checks = examine(settings)
    if as_json:
        print_json({"checks": [check.model_dump(mode="json") for check in checks]})
    else:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False)
        for check in checks:
            mark = Text("ok", "green") if check.ok else Text("problem", "red")
            table.add_row(mark, Text(check.name), Text(check.detail, overflow="fold"))
        _console().print(table)
    if not all(check.ok for check in checks):
        raise typer.Exit(UNREACHABLE)


@contextmanager
def failing_clearly() -> Generator[None]:
    """Tell what the stack cannot do in one line, and exit 4."""
    from starter.stack.errors import PartFailed, StackError

    try:
        yield
    except StackError as error:
        part = {"part": error.part} if isinstance(error, PartFailed) else {}
        complain("", "stack_failed", str(error), part, shown=False)
        raise typer.Exit(UNREACHABLE) from None


def _console() -> "Console":
    from rich.console import Console

    return Console()


def _print_parts(rows: Sequence[tuple[str, str, str, int | None]]) -> None:
    from rich.table import Table
    from rich.text import Text

    colours = {"running": "green", "outside": "cyan", "unhealthy": "yellow", "stopped": "red"}
    table = Table(box=None, pad_edge=False)
    for title in ("part", "state", "address", "pid"):
        table.add_column(title, header_style="dim", overflow="fold")
    for name, state, address, pid in rows:
        table.add_row(name, Text(state, colours[state]), Text(address), str(pid or ""))
    _console().print(table)


def print_json(value: dict[str, Any]) -> None:
    """One JSON document."""
    typer.echo(json.dumps(value, indent=2))
