"""The command line. Everything heavy is imported by the command that needs it, so that `--help` is quick."""

from typing import Annotated

import typer

from starter import (
    audit_commands,
    comparison_commands,
    dataset_commands,
    experiment_commands,
    process_commands,
    promotion_commands,
    provider_commands,
    review_commands,
    stack_commands,
    token_commands,
    trial_commands,
)
from starter.command_tree import HELP_WIDTH, group

HELP = """Review code with a panel of seven experts, durably.

`conclave review .` starts the local stack if none is configured, reviews this folder, and leaves the stack running.
`conclave COMMAND --help` has examples.
"""

app = group(
    HELP,
    name="conclave",
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": HELP_WIDTH},
)

CRASHED = 3
"""Exit code after an error nobody thought of: no review was completed."""


def _print_version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"conclave {version('conclave')}")
        raise typer.Exit
    return wanted


@app.callback()
def conclave(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What is before every command; the help is `HELP`."""
    del version


for commands in (
    review_commands,
    stack_commands,
    dataset_commands,
    experiment_commands,
    comparison_commands,
    trial_commands,
    promotion_commands,
    provider_commands,
    token_commands,
    audit_commands,
    process_commands,
):
    commands.install(app)


def main() -> None:
    """Entry point of `conclave`."""
    try:
        app()
    except Exception:
        import sys
        import traceback

        traceback.print_exc()
        # Python's own code for a crash is 1, which here says that something was found.
        sys.exit(CRASHED)
