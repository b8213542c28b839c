"""The service a command talks to: the one that is configured, or the local stack, started when needed."""

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from models.errors import InvalidInput
from models.identity import LOCAL, SECOND
from models.settings import Settings
from starter.client import Client, Unreachable
from starter.tracing import command_span


@dataclass(frozen=True, slots=True)
class Service:
    """A client, and a word about the stack behind it."""

    client: Client
    complaint: Callable[[], str | None]
    """Says which part of the local stack is down and what to do; None when all is well or the stack is elsewhere."""


@contextmanager
def connected(settings: Settings, identity: str | None = None) -> Generator[Service, None, None]:
    """Connect to the configured service, or bring the local stack up and connect to that.

    Args:
        settings: where the service is.
        identity: `second` for the local stack's second identity; None: the usual one.

    Raises:
        InvalidInput: a service is configured without a token, or there is no such identity.
        Unreachable: the local stack does not come up.
    """
    if identity not in (None, LOCAL, SECOND):
        raise InvalidInput("invalid_option", f"--as takes {LOCAL} or {SECOND}; others set CONCLAVE_API_TOKEN.")
    with command_span(settings) as headers:
        service = _service(settings, identity, headers)
        try:
            yield service
        finally:
            service.client.close()


def _service(settings: Settings, identity: str | None, headers: Mapping[str, str]) -> Service:
    if settings.api_url is not None:
        variable = "CONCLAVE_SECOND_TOKEN" if identity == SECOND else "CONCLAVE_API_TOKEN"
        token = settings.second_token if identity == SECOND else settings.api_token
        if token is None:
            raise InvalidInput("config_missing", f"CONCLAVE_API_URL is set: set {variable} too.")
        return Service(Client(settings.api_url, token.get_secret_value(), headers), lambda: None)
    return _local(settings, identity, headers)


def _local(settings: Settings, identity: str | None, headers: Mapping[str, str]) -> Service:
    from starter.render.working import working
    from starter.stack.errors import StackError
    from starter.stack.launcher import up
    from starter.stack.look import status

    try:
        # On a warm start the answer is there before the first line.
        with working("Checking the local stack"):
            stack = up(settings, refresh=False)
    except StackError as error:
        raise Unreachable(str(error)) from None
    if stack.seconds and stack.ui_url is not None:
        print(f"The local stack is up and stays so; Temporal's web UI is {stack.ui_url}", file=sys.stderr)
    environment = stack.environment()
    url = f"http://{environment['CONCLAVE_API_HOST']}:{environment['CONCLAVE_API_PORT']}"

    def complaint() -> str | None:
        down = [part.name for part in status(settings) if part.state in ("stopped", "unhealthy")]
        if not down:
            return None
        return f"Not running: {', '.join(down)}. `conclave up` in another terminal repairs it; the review goes on."

    if identity == SECOND:
        return Service(Client(url, environment["CONCLAVE_SECOND_TOKEN"], headers), complaint)
    # A stored token is not among the service's own settings.
    given = settings.api_token
    token = given.get_secret_value() if given else environment["CONCLAVE_API_TOKEN"]
    return Service(Client(url, token, headers), complaint)
