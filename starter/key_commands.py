"""The command line of keys: options only; the work is in `commands`."""

from typing import Annotated

import typer

from starter.command_tree import examples, group
from starter.completion import named
from starter.options import Json, Name

Extra = Annotated[list[str] | None, typer.Argument(hidden=True)]
"""Whatever else stands there, so that a key typed as an argument is answered with what to do about it."""

KeyId = Annotated[
    str,
    typer.Argument(metavar="KEY_ID", autocompletion=named("key"), help="Its id, as `conclave key list` shows it."),
]

key = group("Keys of model providers: add, list, rotate, remove, rewrap.")

KEY_HELP = """Store a key for a provider, encrypted.

It is read from standard input, or asked for without an echo.
"""
ROTATE_HELP = """Replace a key by a new one.

It is read from standard input, or asked for without an echo.
"""

REWRAP_HELP = """Wrap all stored keys anew (administrators).

With the newest version of the keys that wrap them. It runs in the service and goes on whatever becomes of this command;
started twice, it is one. --rotate and --retire take an operator's token in the service's setting
CONCLAVE_VAULT_OPERATOR_TOKEN.

Exit codes: 0 every key is of the newest version, 2 it failed, 3 some keys are not, or it still runs, 4 service
unreachable, 130 interrupted.
"""


@key.command(
    "add",
    help=KEY_HELP,
    epilog=examples(
        "conclave key add gpt-mini < key.txt",
        "conclave key add gpt-mini --platform    # serves every user (administrators)",
    ),
)
def key_add(
    name: Name,
    extra: Extra = None,
    platform: Annotated[bool, typer.Option("--platform", help="For every user, not for you alone.")] = False,
    json_output: Json = False,
) -> None:
    """`conclave key add`; its help is `KEY_HELP`."""
    from starter.commands.key import add_key

    raise typer.Exit(add_key(name, platform, json_output, extra or ()))


@key.command("list", epilog=examples("conclave key list"))
def key_list(json_output: Json = False) -> None:
    """List your keys and the platform's, by their last four characters."""
    from starter.commands.key import list_keys

    raise typer.Exit(list_keys(json_output))


@key.command("rotate", help=ROTATE_HELP, epilog=examples("conclave key rotate 5d0a11 < key.txt"))
def key_rotate(key_id: KeyId, extra: Extra = None, json_output: Json = False) -> None:
    """`conclave key rotate`; its help is `ROTATE_HELP`."""
    from starter.commands.key import rotate_key

    raise typer.Exit(rotate_key(key_id, json_output, extra or ()))


@key.command("remove", epilog=examples("conclave key remove 5d0a11"))
def key_remove(key_id: KeyId, json_output: Json = False) -> None:
    """Revoke a key and erase it."""
    from starter.commands.key import remove_key

    raise typer.Exit(remove_key(key_id, json_output))


@key.command(
    "rewrap", help=REWRAP_HELP, epilog=examples("conclave key rewrap", "conclave key rewrap --rotate --retire")
)
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
