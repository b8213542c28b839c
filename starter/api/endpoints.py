"""Where a provider may be, checked when it is saved."""

from urllib.parse import urlsplit

from activities.llm.addresses import check_resolves
from models.endpoint import LOOPBACK_NAMES, checked_endpoint
from models.errors import InvalidInput
from models.settings import Settings

LOOPBACK_SETTING = "CONCLAVE_ALLOW_LOOPBACK_PROVIDERS"


async def accepted(endpoint: str, settings: Settings) -> str:
    """An address, normalised, that may be called and whose name resolves to nothing else.

    Raises:
        InvalidInput: what is wrong with it.
    """
    allowed = settings.allow_loopback_providers
    try:
        checked = checked_endpoint(endpoint, allowed)
    except InvalidInput as error:
        if not allowed and _plain_loopback(endpoint):
            message = f"The endpoint is on this machine; that takes the setting {LOOPBACK_SETTING}=true."
            raise InvalidInput("address_not_allowed", message, field="endpoint") from None
        raise InvalidInput(error.problem.code, error.problem.message, error.status, field="endpoint") from None
    await check_resolves(checked, allowed)
    return checked


def _plain_loopback(endpoint: str) -> bool:
    """Whether somebody wrote the usual address of a local model server."""
    try:
        address = urlsplit(endpoint)
        return address.scheme in ("http", "https") and address.hostname in {*LOOPBACK_NAMES, "127.0.0.1", "::1"}
    except ValueError:
        return False
