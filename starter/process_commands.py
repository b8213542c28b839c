"""The command line of processes for production, and the step before them."""

import typer

from starter.command_tree import PROCESSES, examples
from starter.options import Json

SERVE_HELP = """Run the HTTP API in the foreground.

Settings come from the environment; logs go to standard error. With --json a setting that cannot be used is told as
JSON.
"""
WORKER_HELP = """Run a worker in the foreground.

Settings come from the environment; logs go to standard error. With --json a setting that cannot be used is told as
JSON.
"""
MIGRATE_HELP = """Bring the database's schema up to date.

Run it before `serve` and `worker` of a new release. Exit codes: 0 done, 2 a setting is missing, 4 the database is ahead
of this release.
"""


def serve(json_output: Json = False) -> None:
    """`conclave serve`; its help is `SERVE_HELP`."""
    from starter.commands.processes import serve_api

    raise typer.Exit(serve_api())


def worker(json_output: Json = False) -> None:
    """`conclave worker`; its help is `WORKER_HELP`."""
    import os
    import sys

    if json_output:
        from starter.read_settings import settings_or_exit

        settings_or_exit()
    # In place of this process, so that signals and the pid are the worker's; nothing imports the composition root.
    # -P: a `worker.py` in the working folder is not ours.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "worker"])


def migrate(json_output: Json = False) -> None:
    """`conclave migrate`; its help is `MIGRATE_HELP`."""
    from starter.commands.processes import migrate_database

    raise typer.Exit(migrate_database(json_output))


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    serving = examples("conclave serve", "CONCLAVE_API_HOST=0.0.0.0 conclave serve")
    app.command("serve", help=SERVE_HELP, epilog=serving, rich_help_panel=PROCESSES)(serve)
    app.command("worker", help=WORKER_HELP, epilog=examples("conclave worker"), rich_help_panel=PROCESSES)(worker)
    migrating = examples("conclave migrate && conclave serve")
    app.command("migrate", help=MIGRATE_HELP, epilog=migrating, rich_help_panel=PROCESSES)(migrate)
