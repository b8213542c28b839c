"""The model half of a panel that has no model provider."""

from collections.abc import Sequence

from activities.ports import ModelFailed, SourceTree
from models.expert import StaticResult
from models.opinion import Consultation, Opinion, Rejection


class NoProvider:
    """Every question fails: reviews that route no model never ask, so an answer here would be a made-up one."""

    async def consult(self, question: Consultation, tree: SourceTree, earlier: Sequence[StaticResult]) -> Opinion:
        """Refuse.

        Raises:
            ModelFailed: always.
        """
        raise ModelFailed(Rejection.PROVIDER_ERROR)
