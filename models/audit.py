"""The audit chain: what happened, by whom, each entry bound to the one before it."""

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import rfc8785
from pydantic import Field, StringConstraints, field_validator

from models.wire import Wire

GENESIS = "0" * 64
"""What the first entry is bound to."""

MAX_NUMBER = 2**53 - 1
"""Beyond it integers are not exact in JSON."""

MAX_DATA_BYTES = 64 * 1024
"""Of one entry, canonical."""

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
    RELEASE_REFUSED = "release_refused"
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
    ROLLBACK_REFUSED = "rollback_refused"
    FORBIDDEN = "forbidden"
    """Somebody tried to decide over production without the role for it."""
    DATASET_IMPORTED = "dataset_imported"
    COMPARISON_STARTED = "comparison_started"
    """Fixes what is compared on what, the margins and alpha before anything is measured."""
    COMPARISON_ENDED = "comparison_ended"
    ROLLOUT_STARTED = "rollout_started"
    ROLLOUT_STOPPED = "rollout_stopped"
    TOKEN_CREATED = "token_created"
    TOKEN_REVOKED = "token_revoked"


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

    @field_validator("data")
    @classmethod
    def _storable(cls, data: dict[str, Any]) -> dict[str, Any]:
        _check_storable(data)
        if len(rfc8785.dumps(data)) > MAX_DATA_BYTES:
            raise ValueError("data is too long")
        return data


def _check_storable(value: object) -> None:
    """Refuse what has no canonical form that Python and the database agree on."""
    match value:
        case dict():
            for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
                if not isinstance(name, str) or not (name.isascii() and name.isprintable()):
                    raise ValueError("names in data are printable ASCII")
                _check_storable(item)  # pyright: ignore[reportUnknownArgumentType]
        case list() | tuple():
            for item in value:  # pyright: ignore[reportUnknownVariableType]
                _check_storable(item)  # pyright: ignore[reportUnknownArgumentType]
        case str():
            if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
                raise ValueError("a text in data has no UTF-8 form, or a NUL")
        case int() | float():
            if not abs(value) <= MAX_NUMBER:
                raise ValueError("a number in data is not finite, or beyond 2^53")
        case None:
            pass
        case _:
            raise ValueError("data is JSON")


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
        "at": _moment(entry.at),
        "action": entry.action,
        "actor": entry.actor,
        "subject": entry.subject,
        "data": entry.data,
        "dedup": entry.dedup,
    }
    return hashlib.sha256(bytes.fromhex(entry.prev_hash) + rfc8785.dumps(said)).hexdigest()


def _moment(at: datetime) -> str:
    """UTC with microseconds, always of the same length: as the database writes it when it links an entry."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


class Checkpoint(Wire):
    """The head of the chain at a moment, signed by the key service and kept outside the database."""

    seq: int = Field(ge=1)
    hash: Digest
    at: datetime
    signature: str
    """As the key service wrote it: `vault:v1:...` over `checkpoint_message`."""
    public_key: str = ""
    """PEM of the key that verifies it. Who verifies must have it another way: whoever forges a line forges this too."""


def checkpoint_message(seq: int, head: str, at: datetime) -> bytes:
    """What is signed."""
    return rfc8785.dumps({"at": _moment(at), "hash": head, "seq": seq, "what": "conclave-audit-checkpoint-v1"})


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
    BAD_CHECKPOINT = "bad_checkpoint"
    """A line of the checkpoints' file is no checkpoint."""
    UNREADABLE = "unreadable"
    """A line of an export is no entry."""


class AuditVerdict(Wire):
    """What a verification says."""

    intact: bool
    total: int = Field(ge=0)
    """Entries that were read: all, or up to the first bad one."""
    verified: int = Field(ge=0)
    """Entries before the first bad one."""
    first_bad_seq: int | None = None
    problem: AuditProblem | None = None
    checkpoint_seq: int | None = None
    """The newest checkpoint that the chain was compared with; nothing vouches for the entries behind it. None: there
    was none, and a chain that was cut off or written anew as a whole looks intact."""
    checkpoint_signature_ok: bool | None = None
    """None: there was no checkpoint, or no key to verify it with."""
