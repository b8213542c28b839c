"""The command line of keys: options only; the work is in `commands`."""

from typing import Annotated

import typer

from starter.options import Json, Name

Extra = Annotated[list[str] | None, typer.Argument(hidden=True)]
"""Whatever else stands there, so that a key typed as an argument is answered with what to do about it."""

key = typer.Typer(no_args_is_help=True, help="Keys of model providers: add, list, rotate, remove, rewrap.")

KEY_HELP = """Store a key for a provider, encrypted. It is read from standard input, or asked for without an echo.

\b
Examples:
  conclave key add gpt-mini < key.txt
  conclave key add gpt-mini --platform        a key that serves every user (administrators)
"""

REWRAP_HELP = """Wrap all stored keys anew with the newest version of the keys that wrap them (administrators).

It runs in the service and goes on whatever becomes of this command; started twice, it is one. --rotate and --retire
take an operator's token in the service's setting CONCLAVE_VAULT_OPERATOR_TOKEN.

\b
Exit codes: 0 every key is of the newest version, 2 it failed, 3 some keys are not, or it still runs,
4 service unreachable.
"""


@key.command("add", help=KEY_HELP)
def key_add(
    name: Name,
    extra: Extra = None,
    platform: Annotated[bool, typer.Option("--platform", help="For every user, not for you alone.")] = False,
    json_output: Json = False,
) -> None:
    """`conclave key add`; its help is `KEY_HELP`."""
    from starter.commands.key import add_key

    raise typer.Exit(add_key(name, platform, json_output, extra or ()))


@key.command("list")
def key_list(json_output: Json = False) -> None:
    """Your keys and the platform's: never more of one than its last four characters."""
    from starter.commands.key import list_keys

    raise typer.Exit(list_keys(json_output))


@key.command("rotate")
def key_rotate(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as `conclave key list` shows it.")],
    extra: Extra = None,
    json_output: Json = False,
) -> None:
    """Replace a key by a new one, read from standard input or a hidden prompt."""
    from starter.commands.key import rotate_key

    raise typer.Exit(rotate_key(key_id, json_output, extra or ()))


@key.command("remove")
def key_remove(key_id: Annotated[str, typer.Argument(help="Id of the key.")]) -> None:
    """Revoke a key and erase it."""
    from starter.commands.key import remove_key

    raise typer.Exit(remove_key(key_id))


@key.command("rewrap", help=REWRAP_HELP)
def key_rewrap(
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new version of each wrapping key first.")] = False,
    retire: Annotated[
        bool, typer.Option("--retire", help="Then let older versions open nothing; older backups become unreadable.")
    ] = False,
    json_output: Json = False,
) -> None:
    """`conclave key rewrap`; its help is `REWRAP_HELP`."""
    from starter.commands.rewrap import rewrap_keys

    raise typer.Exit(rewrap_keys(rotate, retire, json_output))
