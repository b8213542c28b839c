"""The model half of a panel that has no model provider."""

from activities.ports import CallIdentity, Material, ModelFailed
from models.call import Posture
from models.opinion import Consultation, Opinion, Rejection


class NoProvider:
    """Every question fails: reviews that route no model never ask, so an answer here would be a made-up one."""

    async def consult(self, question: Consultation, call: CallIdentity, material: Material) -> Opinion:
        """Refuse.

        Raises:
            ModelFailed: always.
        """
        raise ModelFailed(Rejection.NO_PROVIDER, posture=Posture.STOP)
