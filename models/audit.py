"""The audit chain: what happened, by whom, each entry bound to the one before it."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import rfc8785
from pydantic import Field, StringConstraints

from models.wire import Wire

GENESIS = "0" * 64
"""What the first entry is bound to."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class AuditAction(StrEnum):
    """What an entry tells. Refusals are entries too: an attempt that failed is news."""

    EXPERIMENT_CREATED = "experiment_created"
    EXPERIMENT_STARTED = "experiment_started"
    """Fixes the bar: hashes of configuration, dataset and policy, margins and number of samples."""
    EXPERIMENT_REFUSED = "experiment_refused"
    EXPERIMENT_EVALUATED = "experiment_evaluated"
    EXPERIMENT_GATED = "experiment_gated"
    EXPERIMENT_ENDED = "experiment_ended"
    """Failed or cancelled: with no verdict."""
    VERDICT_OVERRIDDEN = "verdict_overridden"
    CONFIG_QUARANTINED = "config_quarantined"
    CONFIG_REFUSED = "config_refused"
    """A quarantined configuration was asked for."""
    RELEASE_REQUESTED = "release_requested"
    CONFIG_RELEASED = "config_released"
    PROMOTION_REQUESTED = "promotion_requested"
    PROMOTION_APPROVED = "promotion_approved"
    """One approver's word, not yet the promotion."""
    PROMOTION_REJECTED = "promotion_rejected"
    PROMOTION_REFUSED = "promotion_refused"
    """An attempt that the rules do not allow."""
    PROMOTION_WITHDRAWN = "promotion_withdrawn"
    PROMOTION_EXPIRED = "promotion_expired"
    PROMOTION_APPLIED = "promotion_applied"
    VERSION_ROLLED_BACK = "version_rolled_back"
    DATASET_IMPORTED = "dataset_imported"
    ROLLOUT_STARTED = "rollout_started"
    ROLLOUT_STOPPED = "rollout_stopped"
    CHECKPOINT_WRITTEN = "checkpoint_written"


class AuditEvent(Wire):
    """What is to be appended. `data` holds ids, hashes, codes and numbers; never code, keys or tokens."""

    action: AuditAction
    actor: str = Field(min_length=1, max_length=120)
    """The user, or `conclave` for what happens by itself."""
    subject: str = Field(min_length=1, max_length=120)
    """Id of the experiment, promotion, configuration or dataset it is about."""
    data: dict[str, Any] = {}
    """JSON; integers within 2^53, no NaN."""
    dedup: str | None = Field(default=None, max_length=160)
    """Appending the same again changes nothing: for steps that may run twice."""


class AuditEntry(Wire):
    """One link of the chain."""

    seq: int = Field(ge=1)
    """Without gaps: a missing number is a deleted entry."""
    at: datetime
    """UTC."""
    action: str
    actor: str
    subject: str
    data: dict[str, Any]
    dedup: str | None = None
    prev_hash: Digest
    hash: Digest


def entry_hash(entry: AuditEntry) -> str:
    """SHA-256 over the previous hash and the canonical JSON (RFC 8785) of what the entry says.

    Raises:
        rfc8785.CanonicalizationError: `data` has no canonical form.
    """
    said = {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "action": entry.action,
        "actor": entry.actor,
        "subject": entry.subject,
        "data": entry.data,
        "dedup": entry.dedup,
    }
    return hashlib.sha256(bytes.fromhex(entry.prev_hash) + rfc8785.dumps(said)).hexdigest()


class Checkpoint(Wire):
    """The head of the chain at a moment, signed by the key service and kept outside the database."""

    seq: int = Field(ge=1)
    hash: Digest
    at: datetime
    signature: str
    """As the key service wrote it: `vault:v1:...` over `checkpoint_message`."""
    public_key: str = ""
    """PEM of the key that verifies it, for who verifies offline; trust it only if it came another way."""


def checkpoint_message(seq: int, head: str, at: datetime) -> bytes:
    """What is signed."""
    return rfc8785.dumps({"at": at.isoformat(), "hash": head, "seq": seq, "what": "conclave-audit-checkpoint-v1"})


class AuditProblem(StrEnum):
    """What is wrong with a chain."""

    GAP = "gap"
    """A number is missing, or comes twice."""
    BROKEN_LINK = "broken_link"
    """`prev_hash` is not the hash of the entry before."""
    CHANGED = "changed"
    """`hash` does not fit what the entry says."""
    TRUNCATED = "truncated"
    """A checkpoint names an entry that is not there."""
    REWRITTEN = "rewritten"
    """A checkpoint names another hash for an entry."""
    BAD_SIGNATURE = "bad_signature"
    """A checkpoint's signature does not verify."""
    NO_CHECKPOINT = "no_checkpoint"
    """Not a fault of the chain: its tail cannot be vouched for."""


class AuditVerdict(Wire):
    """What a verification says."""

    intact: bool
    total: int = Field(ge=0)
    verified: int = Field(ge=0)
    """Entries before the first bad one."""
    first_bad_seq: int | None = None
    problem: AuditProblem | None = None
    checkpoint_seq: int | None = None
    """The newest checkpoint that was compared."""
    checkpoint_signature_ok: bool | None = None
    """None: there was no checkpoint, or no key to verify it with."""


def verify_chain(entries: Iterable[AuditEntry]) -> AuditVerdict:
    """Follow a chain from its first entry; stops at the first that does not fit."""
    expected, prev, total = 1, GENESIS, 0
    for entry in entries:
        total += 1
        problem = _problem(entry, expected, prev)
        if problem is not None:
            return AuditVerdict(intact=False, total=total, verified=total - 1, first_bad_seq=expected, problem=problem)
        expected, prev = entry.seq + 1, entry.hash
    return AuditVerdict(intact=True, total=total, verified=total)


def _problem(entry: AuditEntry, expected: int, prev: str) -> AuditProblem | None:
    if entry.seq != expected:
        return AuditProblem.GAP
    if entry.prev_hash != prev:
        return AuditProblem.BROKEN_LINK
    if entry.hash != entry_hash(entry):
        return AuditProblem.CHANGED
    return None
