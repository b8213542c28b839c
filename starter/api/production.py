"""Which configuration reviews are made with."""

from models.reviewer_config import ReviewerConfig
from starter.api.state import ApiState


async def production_config(state: ApiState) -> ReviewerConfig:
    """The stable version's.

    Raises:
        ConfigQuarantined: it was quarantined meanwhile.
    """
    return (await state.services.versions.versions.stable()).config
