"""The command line of the audit chain: options only; the work is in `commands`."""

from pathlib import Path
from typing import Annotated

import typer

from starter.command_tree import ACCESS, examples, group
from starter.options import Json

audit = group("The audit chain: list, verify, export, checkpoint.")

VERIFY_HELP = """Verify the audit chain, the service's or an export of it.

An export is verified offline, without any server.

Exit codes: 0 intact, 1 not intact, 2 bad usage or input, 4 service unreachable.
"""


@audit.command(
    "list",
    epilog=examples(
        "conclave audit list --limit 50", "conclave audit list --action promotion_applied --actor local --json"
    ),
)
def audit_list(
    action: Annotated[
        str | None, typer.Option(metavar="ACTION", help="Only this action, for example promotion_applied.")
    ] = None,
    subject: Annotated[str | None, typer.Option(metavar="ID", help="Only what is about this id.")] = None,
    actor: Annotated[str | None, typer.Option(metavar="USER", help="Only what this user did.")] = None,
    most: Annotated[int, typer.Option("--limit", "--most", min=1, max=100, help="The newest so many.")] = 20,
    json_output: Json = False,
) -> None:
    """List what happened, the newest first."""
    from starter.commands.audit import list_entries

    raise typer.Exit(list_entries(most, action, subject, actor, json_output))


@audit.command(
    "verify",
    help=VERIFY_HELP,
    epilog=examples(
        "conclave audit verify                    # the service's chain",
        "conclave audit verify audit.jsonl        # an export, without any server",
        "conclave audit verify audit.jsonl --checkpoints c.jsonl --public-key k.pem",
    ),
)
def audit_verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="An export; the service's chain if not given.")
    ] = None,
    checkpoints: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file of signed checkpoints, for an export.")
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM file of the key that signs checkpoints, kept apart from them."),
    ] = None,
    json_output: Json = False,
) -> None:
    """`conclave audit verify`; its help is `VERIFY_HELP`."""
    from starter.commands.audit import verify

    raise typer.Exit(verify(file, checkpoints, public_key, json_output))


@audit.command("export", epilog=examples("conclave audit export audit.jsonl"))
def audit_export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the entries, one JSON object a line.")],
    json_output: Json = False,
) -> None:
    """Write the whole chain into a file, to verify it elsewhere."""
    from starter.commands.audit import export

    raise typer.Exit(export(file, json_output))


@audit.command("checkpoint", epilog=examples("conclave audit checkpoint"))
def audit_checkpoint(json_output: Json = False) -> None:
    """Have the newest entry signed now.

    Otherwise that is done at every hundredth entry and every hour.
    """
    from starter.commands.audit import checkpoint

    raise typer.Exit(checkpoint(json_output))


def install(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audit, name="audit", rich_help_panel=ACCESS)
