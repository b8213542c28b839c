"""What the Version Control AI says of an experiment: a model's word, or that of stated rules."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from models.wire import Slug, Wire


class Verdict(StrEnum):
    """What is to become of a candidate, in one word."""

    PASS = "pass"
    FAIL = "fail"
    MANUAL_REVIEW = "manual_review"


Reason = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class AiVerdict(Wire):
    """A verdict with its reasons. It never opens the gate: the policy may read it, and people see it."""

    verdict: Verdict
    confidence: float = Field(ge=0, le=1)
    reasons: tuple[Reason, ...] = Field(default=(), max_length=10)
    judged_by: Slug
    """`rules`, or the provider whose model said it."""


class Override(Wire):
    """A person's word over the AI's."""

    verdict: Verdict
    reason: Reason
    by: str
