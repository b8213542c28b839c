"""What both engines have in common: what they are asked, and when their answer is relied on."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic

from activities.experiment_ports import PolicyMalformed
from activities.policy.policies import A, Policy, published
from models.gate import Decision, GateInput, PolicyHash, PolicyName
from models.gate_answer import decided


@dataclass(frozen=True, slots=True)
class Evaluated(Generic[A]):
    """An answer of the right shape."""

    answer: A
    decision_id: str | None = None


class RegoEngine(ABC):
    """A `PolicyEngine`; how a policy is evaluated is the subclass's."""

    name: str
    lasting_seconds: float = math.inf
    """For so long an answer may be taken for the one that would be given now."""

    @abstractmethod
    async def evaluate(self, policy: Policy[A], document: bytes) -> Evaluated[A]:
        """What a policy answers to a document, JSON of whatever shape.

        Raises:
            PolicyUnavailable, PolicyMalformed: nothing that is an answer.
        """

    def hash_of(self, policy: PolicyName) -> PolicyHash:
        """Name of a policy's text."""
        return published(policy).hash

    async def decide(self, policy: PolicyName, facts: GateInput) -> Decision:
        """What a policy says of the facts.

        Raises:
            PolicyMalformed: the answer is no decision of this policy's text, or another text was fixed.
            PolicyUnavailable: there is no answer.
        """
        wanted = published(policy)
        if facts.policy_hash != wanted.hash:
            raise PolicyMalformed
        found = await self.evaluate(wanted, facts.document)
        if found.answer.policy is not policy or found.answer.revision != wanted.namespace:
            raise PolicyMalformed
        return decided(found.answer, facts, wanted.hash, self.name, found.decision_id)
