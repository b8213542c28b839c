"""Names and ids for the shell's completion: asked for in a moment or not at all, and nothing is started for it."""

import io
import re
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr
from typing import Any

from models.errors import InvalidInput
from models.settings import Settings
from starter.client import Client, Unreachable
from starter.read_settings import settings_or_exit
from starter.stack.errors import StackError

SECONDS = 1.0
"""Longest wait for the service: somebody sits at the keyboard."""

SAFE = re.compile(r"[\w.:@+-]+\Z", re.ASCII)
UNSAFE = re.compile(r"[^\w .,:@+%-]", re.ASCII)
"""A shell evaluates what it is offered, and some of these words are of other users."""

Row = dict[str, Any]

LISTS: dict[str, tuple[str, str, Callable[[Row], Iterable[tuple[str, str]]]]] = {
    "provider": ("/providers", "providers", lambda row: [(row["name"], row["model"])]),
    "key": ("/user-providers", "keys", lambda row: [(row["id"], row["provider"])]),
    "dataset": ("/datasets", "datasets", lambda row: [(row["name"], f"{row['stats']['samples']} samples")]),
    "experiment": ("/experiments", "experiments", lambda row: [(row["id"], f"{row['status']}, {row['name']}")]),
    "comparison": ("/comparisons", "comparisons", lambda row: [(row["id"], f"{row['status']}, {row['name']}")]),
    "promotion": ("/promotions", "promotions", lambda row: [(row["id"], f"{row['status']}, {row['reason']}")]),
    "review": ("/reviews", "reviews", lambda row: [(row["id"], f"{row['status']}, {row['label']}")]),
    "trial": ("/trials", "trials", lambda row: [(row["id"], row["status"])]),
    "alert": ("/alerts", "alerts", lambda row: [(row["id"], row["title"])]),
    "version": ("/versions", "versions", lambda row: [(str(row["number"]), row["status"])]),
    "blacklist": ("/blacklist", "blacklist", lambda row: [(row["config_hash"], row["review_status"])]),
    "quota": ("/quotas", "quotas", lambda row: [(row["user"], "")]),
}
"""By kind: where the list is, under which name, and what a row offers."""


def of_service(kind: str) -> list[tuple[str, str]]:
    """Values of one kind with a word about each, the newest first; nothing at all when anything is amiss."""
    path, name, offers = LISTS[kind]
    try:
        with redirect_stderr(io.StringIO()):
            client = _client(settings_or_exit())
        if client is None:
            return []
        try:
            rows = client.listing(path)[name]
            offered = dict.fromkeys(found for row in rows for found in offers(row))
            return [(value, UNSAFE.sub("", told)) for value, told in offered if SAFE.match(value)]
        finally:
            client.close()
    except (SystemExit, InvalidInput, Unreachable, StackError, OSError, LookupError, TypeError):
        return []


def _client(settings: Settings) -> Client | None:
    """The service that is configured, or the local one where it runs."""
    if settings.api_url is not None:
        token = settings.api_token
        return Client(settings.api_url, token.get_secret_value(), patience=SECONDS) if token else None
    from starter.stack import processes, secret_files, state
    from starter.stack.layout import Layout

    layout = Layout(settings.home.expanduser().absolute())
    remembered = state.load(layout)
    api = remembered.parts.get("api")
    if api is None or not processes.is_alive(api.pid, api.create_time):
        return None
    given = settings.api_token
    secret = given.get_secret_value() if given else secret_files.read(layout.secrets / secret_files.API_TOKEN)
    return Client(f"http://127.0.0.1:{remembered.ports['api']}", secret, patience=SECONDS) if secret else None
