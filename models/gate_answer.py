"""Reading what a policy answered. Whatever is not exactly a decision is none."""

import hashlib
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from models.gate import Decision, Denial, GateInput, Outcome, PolicyHash, PolicyName
from models.gate_samples import further_samples
from models.wire import Wire


class GateAnswer(Wire):
    """A policy's answer. Validate it strictly: `"true"` and 1 are not `true`."""

    allow: bool
    outcome: Outcome
    deny: Annotated[tuple[Denial, ...], Field(max_length=100)]
    policy: PolicyName
    revision: Annotated[str, StringConstraints(max_length=100)]
    """The name under which the policy's text was published."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        conclusive = any(denial.conclusive for denial in self.deny)
        meant = Outcome.FAIL if conclusive else Outcome.INCONCLUSIVE if self.deny else Outcome.PASS
        if self.outcome is not meant or self.allow is not (meant is Outcome.PASS):
            raise ValueError("incoherent answer")
        return self


def decided(
    answer: GateAnswer,
    facts: GateInput,
    policy_hash: PolicyHash,
    engine: str,
    decision_id: str | None = None,
) -> Decision:
    """The decision that an answer is.

    Args:
        answer: of the policy that was asked, not of another.
        facts: what it was asked about.
        policy_hash: of the text that answered.
        engine: its name.
        decision_id: the engine's own.
    """
    denials = tuple(sorted(answer.deny, key=lambda denial: (denial.id, denial.metric)))
    return Decision(
        outcome=answer.outcome,
        denials=denials,
        policy=answer.policy,
        policy_hash=policy_hash,
        engine=engine,
        input_hash=hashlib.sha256(facts.document).hexdigest(),
        further_samples=further_samples(facts, denials) if answer.outcome is Outcome.INCONCLUSIVE else None,
        decision_id=decision_id,
    )
