"""The command line of the local stack: help only; the commands are in `stack`."""

import typer

from starter.command_tree import STACK, examples
from starter.stack import backup_commands, commands

UP_HELP = """Start the local stack: servers, API and worker.

That is Temporal with its web UI, Postgres, Redis, OpenBao, the API and a worker, on the loopback. What runs already
is left alone; what was started with other settings is started anew.

Exit codes: 0 all of it is in service, 2 a setting cannot be used, 4 a part does not come up.
"""
DOWN_HELP = "Stop the local stack; data, logs and secrets stay."
STATUS_HELP = """Show how each part of the local stack does.

Exit codes: 0 all that should serve does, 4 something does not.
"""
DOCTOR_HELP = """Check what Conclave needs on this machine.

Exit codes: 0 nothing is in the way, 4 something keeps it from working.
"""
BACKUP_HELP = """Copy the running local stack into a folder.

What is copied: database, keys, audit checkpoints, secrets. Redis and Temporal are left out: counters are rebuilt from
the ledger, and what was running is started anew. The folder holds secrets in clear and has mode 0700.

Exit codes: 0 done, 4 the stack does not run or refuses.
"""
RESTORE_HELP = """Make the stack of a backup in a home without data.

Start it with `conclave up` afterwards.

Exit codes: 0 done, 4 the backup is damaged, or the home is in use.
"""


def install(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("up", help=UP_HELP, epilog=examples("conclave up", "conclave up --json"), rich_help_panel=STACK)(
        commands.up
    )
    app.command("down", help=DOWN_HELP, epilog=examples("conclave down"), rich_help_panel=STACK)(commands.down)
    app.command(
        "status", help=STATUS_HELP, epilog=examples("conclave status", "conclave status --json"), rich_help_panel=STACK
    )(commands.status)
    app.command("doctor", help=DOCTOR_HELP, epilog=examples("conclave doctor"), rich_help_panel=STACK)(commands.doctor)
    backing = examples("conclave backup ~/conclave-monday")
    app.command("backup", help=BACKUP_HELP, epilog=backing, rich_help_panel=STACK)(backup_commands.backup)
    restoring = examples("CONCLAVE_HOME=/srv/reviews conclave restore ~/conclave-monday")
    app.command("restore", help=RESTORE_HELP, epilog=restoring, rich_help_panel=STACK)(backup_commands.restore)
