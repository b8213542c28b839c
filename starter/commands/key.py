"""`conclave key`: keys of model providers, read from standard input or a hidden prompt, never from an argument."""

import json
import sys
from collections.abc import Sequence
from getpass import getpass

from pydantic import SecretStr

from models.errors import InvalidInput
from models.provider_requests import KeyRequest, RotateRequest
from models.provider_views import KeyView
from starter.command_tree import KEY_IN_ARGV
from starter.commands.asking import ask, print_json, print_table
from starter.complaints import complain
from starter.exit_codes import USAGE
from starter.provider_client import ProviderClient

COLUMNS = ("Id", "Provider", "For", "Ends in", "Version", "State")
MOST_CHARACTERS = 10_000


def add_key(provider: str, platform: bool, as_json: bool, extra: Sequence[str] = ()) -> int:
    """Store a key for a provider."""
    if extra:
        return _refuse("key add")

    def work(client: ProviderClient) -> None:
        found = client.provider(provider)
        request = KeyRequest(provider=found.id, key=_read(), endpoint=found.endpoint, platform=platform)
        _shown(client.add_key(request), as_json)

    return ask("key add", work)


def list_keys(as_json: bool) -> int:
    """The caller's keys, and the platform's."""

    def work(client: ProviderClient) -> None:
        keys = client.keys()
        if as_json:
            print_json(keys)
        else:
            print_table(COLUMNS, map(_row, keys), "No keys are stored. `conclave key add PROVIDER` adds one.")

    return ask("key list", work)


def rotate_key(key_id: str, as_json: bool, extra: Sequence[str] = ()) -> int:
    """Replace a key by a new one."""
    if extra:
        return _refuse("key rotate")
    return ask("key rotate", lambda client: _shown(client.rotate_key(key_id, RotateRequest(key=_read())), as_json))


def remove_key(key_id: str, as_json: bool) -> int:
    """Revoke a key and erase it."""

    def work(client: ProviderClient) -> None:
        client.remove_key(key_id)
        told = "The key is removed; reviews that ask for it now go on with the next key or provider."
        print(json.dumps({"id": key_id, "removed": True}) if as_json else told)

    return ask("key remove", work)


def _refuse(command: str) -> int:
    """Whatever stands on a command line is in the shell's history and in everybody's list of processes."""
    complain(command, "key_in_argv", KEY_IN_ARGV)
    return USAGE


def _read() -> SecretStr:
    try:
        text = getpass("Key: ") if sys.stdin.isatty() else sys.stdin.read(MOST_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise InvalidInput("invalid_key", "What came in is not text; a key is one line of visible ASCII.") from None
    return SecretStr(text.rstrip("\r\n"))


def _row(key: KeyView) -> tuple[str, ...]:
    state = key.state if key.reason is None else f"{key.state} ({key.reason.replace('_', ' ')})"
    owner = "everybody" if key.platform else "you"
    return (key.id, key.provider, owner, key.last_four or "not shown", str(key.version), state)


def _shown(key: KeyView, as_json: bool) -> None:
    if as_json:
        print_json(key)
    else:
        print_table(COLUMNS, [_row(key)], "")
