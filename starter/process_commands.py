"""The command line of processes for production, and the step before them."""

from typing import Annotated, Literal

import typer

from models.ids import Queue
from starter.command_tree import PROCESSES, examples
from starter.options import Json

SERVE_HELP = """Run the HTTP API in the foreground.

Settings come from the environment; logs go to standard error. With --json a setting that cannot be used is told as
JSON.
"""
WORKER_HELP = """Run a worker in the foreground.

Settings come from the environment; logs go to standard error. With --json a setting that cannot be used is told as
JSON. With --check nothing is started: it exits 0 when the workers of this machine are alive, or take work, and 1 when
they do not.
"""
MIGRATE_HELP = """Bring the database's schema up to date.

Run it before `serve` and `worker` of a new release. Exit codes: 0 done, 2 a setting is missing, 4 the database is ahead
of this release.
"""


def serve(json_output: Json = False) -> None:
    """`conclave serve`; its help is `SERVE_HELP`."""
    from starter.commands.processes import serve_api

    raise typer.Exit(serve_api())


def worker(
    queue: Annotated[
        list[Queue] | None, typer.Option(help="Task queue to serve; may be repeated; all of them if not given.")
    ] = None,
    check: Annotated[
        Literal["live", "ready"] | None,
        typer.Option(help="Start nothing: say whether the workers here are alive, or take work."),
    ] = None,
    json_output: Json = False,
) -> None:
    """`conclave worker`; its help is `WORKER_HELP`."""
    import os
    import sys

    if check:
        from starter.commands.worker import check as look

        raise typer.Exit(look(check, queue or ()))
    if json_output:
        from starter.read_settings import settings_or_exit

        settings_or_exit()
    # In place of this process, so that signals and the pid are the worker's; nothing imports the composition root.
    # -P: a `worker.py` in the working folder is not ours.
    named = [word for each in queue or () for word in ("--queue", each.value)]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "worker", *named])


def migrate(json_output: Json = False) -> None:
    """`conclave migrate`; its help is `MIGRATE_HELP`."""
    from starter.commands.processes import migrate_database

    raise typer.Exit(migrate_database(json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    serving = examples("conclave serve", "CONCLAVE_API_HOST=0.0.0.0 conclave serve")
    app.command("serve", help=SERVE_HELP, epilog=serving, rich_help_panel=PROCESSES)(serve)
    working = examples("conclave worker", "conclave worker --queue analysis", "conclave worker --check ready")
    app.command("worker", help=WORKER_HELP, epilog=working, rich_help_panel=PROCESSES)(worker)
    migrating = examples("conclave migrate && conclave serve")
    app.command("migrate", help=MIGRATE_HELP, epilog=migrating, rich_help_panel=PROCESSES)(migrate)
