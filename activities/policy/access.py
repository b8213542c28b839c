"""Who may do what, decided by the access policy and remembered for as long as the engine's answers last."""

import time

import rfc8785

from activities.experiment_ports import PolicyMalformed
from activities.policy.engine import RegoEngine
from activities.policy.policies import access_policy
from models.access import AccessAnswer, Action
from models.identity import Role

MOST_REMEMBERED = 10_000
"""Answers; there are 15 sets of roles, but as many sets of scopes as people think of."""

Question = tuple[Action, frozenset[Role], frozenset[Action] | None]


class AccessPolicy:
    """Decides, for one process.

    The policy's text is fixed while a process runs, and so the embedded engine's answers are remembered until it ends;
    an OPA server's for a few seconds, so that what is changed there counts soon.
    """

    def __init__(self, engine: RegoEngine) -> None:
        self._engine = engine
        self._known: dict[Question, tuple[float, AccessAnswer]] = {}

    async def decide(
        self, action: Action, roles: frozenset[Role], scopes: frozenset[Action] | None = None
    ) -> AccessAnswer:
        """Whether somebody may do something.

        Args:
            action: what.
            roles: that they have.
            scopes: that their token is limited to; None: no limit.

        Raises:
            PolicyUnavailable, PolicyMalformed: there is no answer that may be relied on; then nobody may.
        """
        until, answer = self._known.get((action, roles, scopes), (0.0, None))
        if answer is not None and time.monotonic() < until:
            return answer
        return await self._asked((action, roles, scopes))

    async def _asked(self, question: Question) -> AccessAnswer:
        action, roles, scopes = question
        limits = None if scopes is None else sorted(scopes)
        document = rfc8785.dumps({"action": action, "roles": sorted(roles), "scopes": limits})
        policy, begun = access_policy(), time.monotonic()
        answer = (await self._engine.evaluate(policy, document)).answer
        if answer.action is not action or answer.revision != policy.namespace:
            raise PolicyMalformed
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[question] = (begun + self._engine.lasting_seconds, answer)
        return answer
