"""Whether models can be asked in a user's name."""

from activities.routing import Router
from models.reviewer_config import ReviewerConfig


class RoutedAccess:
    """The port `ModelAccess` over the router that will be asked."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def any_usable(self, user: str, config: ReviewerConfig) -> bool:
        wanted = config.models.routing.providers
        usable = {provider.name for provider, _ in await self._router.usable(user)}
        return bool(usable & set(wanted)) if wanted else bool(usable)
