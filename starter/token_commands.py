"""The command line of tokens: options only; the work is in `commands`."""

from typing import Annotated

import typer

from starter.command_tree import ACCESS, examples, group
from starter.completion import words
from starter.options import Json

token = group("Tokens for the API: create, list, revoke.")

CREATE_HELP = """Make a token and print it, once: the service keeps a digest.

It acts on your behalf with your roles, or fewer. The token is all that is printed on standard output.
"""


@token.command(
    "create",
    help=CREATE_HELP,
    epilog=examples(
        "conclave token create ci --scope reviews:read --scope reviews:write",
        "conclave token create laptop > token.txt",
        "conclave token create build --owner build-bot --role user --days 30",
    ),
)
def token_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="On whose behalf it acts; you if not given.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            metavar="ROLE",
            autocompletion=words("user", "operator", "approver", "admin"),
            help="user, operator, approver or admin; may be repeated; yours if not given.",
        ),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help="What it is good for, as `reviews:read`; may be repeated."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Until it expires; as many as allowed if not given.")] = None,
    json_output: Json = False,
) -> None:
    """`conclave token create`; its help is `CREATE_HELP`."""
    from starter.commands.token import create_token

    raise typer.Exit(create_token(name, owner, role or [], scope or [], days, json_output))


@token.command("list", epilog=examples("conclave token list", "conclave token list --everybody --json"))
def token_list(
    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose; yours if not given (administrators).")
    ] = None,
    everybody: Annotated[bool, typer.Option("--everybody", help="Everybody's (administrators).")] = False,
    json_output: Json = False,
) -> None:
    """List tokens: what they may do, when they were used last."""
    from starter.commands.token import list_tokens

    raise typer.Exit(list_tokens(owner, everybody, json_output))


@token.command("revoke", epilog=examples("conclave token revoke f3e61f8fc1014aa7ac23818909dfc895"))
def token_revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as `conclave token list` shows it.")],
    json_output: Json = False,
) -> None:
    """Revoke a token, and all that were made with it."""
    from starter.commands.token import revoke_token

    raise typer.Exit(revoke_token(token_id, json_output))


def install(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(token, name="token", rich_help_panel=ACCESS)
