"""The name of what an experiment measured and what was decided of it: what an approver puts a name to."""

import hashlib

import rfc8785

from models.gate import Decision
from models.measure import Metrics
from models.verdict import AiVerdict, Override


def report_hash(metrics: Metrics, ai: AiVerdict, decision: Decision, override: Override | None = None) -> str:
    """SHA-256 over canonical JSON (RFC 8785): the same before and after a store, different when any number differs.

    Args:
        metrics: what was measured.
        ai: what the Version Control AI said of it.
        decision: what the policy said.
        override: a person's word over the AI's; without one the hash is that of the evaluation as it was made.
    """
    said = {"metrics": metrics, "ai": ai, "decision": decision} | ({"override": override} if override else {})
    text = rfc8785.dumps({name: each.model_dump(mode="json") for name, each in said.items()})
    return f"report:v1:sha256:{hashlib.sha256(text).hexdigest()}"
