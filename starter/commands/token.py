"""`conclave token`: tokens are printed once, on standard output, and are never an argument."""

import json
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from models.access import Action
from models.access_token import PREFIX, TokenRequest, TokenState, TokenView
from models.errors import InvalidInput
from models.identity import Role
from models.ids import ID
from starter.commands.asking import ask_tokens, print_json, print_table
from starter.complaints import complain
from starter.exit_codes import USAGE
from starter.token_client import TokenClient

COLUMNS = ("Id", "Token", "May", "State", "Last used (UTC)")
IN_ARGV = (
    "that is a token, not its id, and is in the shell's history now. Revoke it by the id that "
    "`conclave token list` shows."
)
WAYS_OUT = {
    "name": "NAME takes 1 to 80 letters, digits, blanks and `._@/+-`, and begins with a letter or digit.",
    "owner": "--owner takes a name of 1 to 120 letters, digits and `._@+-` that is not reserved.",
    "roles": f"--role takes {', '.join(Role)}.",
    "scopes": f"--scope takes one of {', '.join(Action)}.",
    "days": "--days takes a number from 1.",
}


def create_token(
    name: str, owner: str | None, roles: Sequence[str], scopes: Sequence[str], days: int | None, as_json: bool
) -> int:
    """Make a token; it goes to standard output, everything else to standard error."""

    def work(client: TokenClient) -> None:
        made = client.create(_request(name=name, owner=owner, roles=roles or None, scopes=scopes or None, days=days))
        if as_json:
            print_json(made)
            return
        print(
            f"Token {made.id} of {made.owner} ({', '.join(made.roles)}), good until {made.expires_at:%Y-%m-%d %H:%M} "
            "UTC. It is shown this once:",
            file=sys.stderr,
        )
        print(made.token)

    return ask_tokens("token create", work)


def _request(**given: object) -> TokenRequest:
    """What is asked for.

    Raises:
        InvalidInput: an option is not one.
    """
    try:
        return TokenRequest.model_validate(given)
    except ValidationError as error:
        field = str(error.errors(include_input=False)[0]["loc"][0])
        raise InvalidInput("invalid_option", WAYS_OUT[field]) from None


def list_tokens(owner: str | None, everybody: bool, as_json: bool) -> int:
    """Tokens, newest first."""

    def work(client: TokenClient) -> None:
        found = client.tokens(owner, everybody)
        if as_json:
            print_json(found)
        else:
            print_table(COLUMNS, map(_row, found), "There are no tokens. `conclave token create NAME` makes one.")

    return ask_tokens("token list", work)


def revoke_token(token_id: str, as_json: bool) -> int:
    """Revoke a token by its id."""
    if token_id.startswith(PREFIX):
        complain("token revoke", "token_in_argv", IN_ARGV)
        return USAGE

    def work(client: TokenClient) -> None:
        if not ID.match(token_id):
            raise InvalidInput("token_unknown", "There is no such token; see `conclave token list`.")
        client.revoke(token_id)
        told = "The token is revoked, and with it all that were made with it."
        print(json.dumps({"id": token_id, "revoked": True}) if as_json else told)

    return ask_tokens("token revoke", work)


def _row(token: TokenView) -> tuple[str, ...]:
    scopes = "" if token.scopes is None else f": {', '.join(token.scopes)}"
    until = f" until {token.expires_at:%Y-%m-%d}" if token.state is TokenState.ACTIVE else ""
    return (
        token.id,
        f"{token.name} of {token.owner}",
        ", ".join(token.roles) + scopes,
        token.state + until,
        "never" if token.last_used_at is None else f"{token.last_used_at:%Y-%m-%d %H:%M}",
    )
