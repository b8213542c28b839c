"""How the providers are."""

import asyncio
from typing import Annotated

from models.access import Action
from models.health import Health
from models.provider import Provider
from models.provider_views import HealthOverview, ProviderHealthView, health_view
from starter.api import routing
from starter.api.auth import may
from starter.api.state import State

router = routing.router("providers")

Reader = Annotated[str, may(Action.PROVIDERS_READ)]


@router.get("/health")
async def read_health(_owner: Reader, state: State) -> HealthOverview:
    """The health of every provider that is switched on, as checks and real calls left it."""
    providers = state.services.providers
    active: list[Provider]
    health: dict[str, Health]
    active, health = await asyncio.gather(providers.catalogue.active(), providers.health.all())
    shown = tuple(
        ProviderHealthView(id=each.id, name=each.name, health=health_view(health.get(each.id))) for each in active
    )
    return HealthOverview(healthy=all(each.health.is_healthy for each in shown), providers=shown)
