"""The service a command talks to: the one that is configured, or the local stack, started when needed."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from models.errors import InvalidInput
from models.settings import Settings
from starter.client import Client, Unreachable


@dataclass(frozen=True, slots=True)
class Service:
    """A client, and a word about the stack behind it."""

    client: Client
    complaint: Callable[[], str | None]
    """Says which part of the local stack is down and what to do; None when all is well or the stack is elsewhere."""


@contextmanager
def connected(settings: Settings) -> Generator[Service, None, None]:
    """Connect to the configured service, or bring the local stack up and connect to that.

    Raises:
        InvalidInput: a service is configured without a token.
        Unreachable: the local stack does not come up.
    """
    if settings.api_url is not None:
        if settings.api_token is None:
            raise InvalidInput("config_missing", "CONCLAVE_API_URL is set: set CONCLAVE_API_TOKEN too.")
        service = Service(Client(settings.api_url, settings.api_token.get_secret_value()), lambda: None)
    else:
        service = _local(settings)
    try:
        yield service
    finally:
        service.client.close()


def _local(settings: Settings) -> Service:
    from starter.stack.errors import StackError
    from starter.stack.launcher import up
    from starter.stack.look import status

    try:
        stack = up(settings, refresh=False)
    except StackError as error:
        raise Unreachable(str(error)) from None
    environment = stack.environment()
    url = f"http://{environment['CONCLAVE_API_HOST']}:{environment['CONCLAVE_API_PORT']}"

    def complaint() -> str | None:
        down = [part.name for part in status(settings) if part.state in ("stopped", "unhealthy")]
        if not down:
            return None
        return f"Not running: {', '.join(down)}. `conclave up` in another terminal repairs it; the review goes on."

    return Service(Client(url, environment["CONCLAVE_API_TOKEN"]), complaint)
