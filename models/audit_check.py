"""Following an audit chain and comparing it with its checkpoints."""

from collections.abc import Callable, Iterable

from models.audit import GENESIS, AuditEntry, AuditProblem, AuditVerdict, Checkpoint, entry_hash

Verify = Callable[[Checkpoint], bool]
"""Whether a checkpoint's signature is good."""


class ChainCheck:
    """Follows a chain entry by entry, however long it is; remembers one link and the checkpoints ahead."""

    def __init__(self, checkpoints: Iterable[Checkpoint] = (), verify: Verify | None = None) -> None:
        """Begin before the first entry.

        Args:
            checkpoints: all of them, in any order. Each one is compared: one that was signed after a chain was written
                anew fits that chain, an older one does not.
            verify: None: there is no key; hashes are compared nevertheless.
        """
        self._ahead = sorted(checkpoints, key=lambda each: each.seq, reverse=True)
        self._verify = verify
        self._seq, self._hash, self._verified = 0, GENESIS, 0
        self._compared: int | None = None
        self._signed: bool | None = None
        self._bad: tuple[int, AuditProblem] | None = None

    @classmethod
    def since(cls, checkpoint: Checkpoint, verify: Verify | None = None) -> "ChainCheck":
        """Begin at the entry that a checkpoint names; what is before it was checked when the checkpoint was signed."""
        check = cls([checkpoint], verify)
        check._seq, check._hash = checkpoint.seq - 1, ""
        return check

    def follow(self, entry: AuditEntry) -> bool:
        """Take the next entry; False: the chain is bad, further ones do not matter."""
        if self._bad is None and (problem := self._problem(entry)):
            self._bad = (self._seq + 1, problem)
        if self._bad is None:
            self._seq, self._hash, self._verified = entry.seq, entry.hash, self._verified + 1
        return self._bad is None

    def _problem(self, entry: AuditEntry) -> AuditProblem | None:
        if entry.seq != self._seq + 1:
            return AuditProblem.GAP
        if self._hash and entry.prev_hash != self._hash:
            return AuditProblem.BROKEN_LINK
        if entry.hash != entry_hash(entry):
            return AuditProblem.CHANGED
        while self._ahead and self._ahead[-1].seq == entry.seq:
            if problem := self._compared_with(self._ahead.pop(), entry):
                return problem
        return None

    def _compared_with(self, checkpoint: Checkpoint, entry: AuditEntry | None) -> AuditProblem | None:
        self._compared = checkpoint.seq
        if self._verify is not None:
            self._signed = self._verify(checkpoint)
            if not self._signed:
                return AuditProblem.BAD_SIGNATURE
        if entry is None:
            return AuditProblem.TRUNCATED
        return None if checkpoint.hash == entry.hash else AuditProblem.REWRITTEN

    def unreadable(self) -> AuditVerdict:
        """What there is to say when the next entry cannot be read."""
        if self._bad is None:
            self._bad = (self._seq + 1, AuditProblem.UNREADABLE)
        return self.verdict()

    def verdict(self) -> AuditVerdict:
        """What there is to say after the last entry."""
        seen = self._verified + (self._bad is not None)
        if self._bad is None and self._ahead and (problem := self._compared_with(self._ahead[-1], None)):
            self._bad = (self._seq + 1, problem)
        first_bad, problem = self._bad or (None, None)
        return AuditVerdict(
            intact=problem is None,
            total=seen,
            verified=self._verified,
            first_bad_seq=first_bad,
            problem=problem,
            checkpoint_seq=self._compared,
            checkpoint_signature_ok=self._signed,
        )


def verify_chain(
    entries: Iterable[AuditEntry], checkpoints: Iterable[Checkpoint] = (), verify: Verify | None = None
) -> AuditVerdict:
    """Follow a chain from its first entry, as `ChainCheck` does; stops at the first that does not fit."""
    check = ChainCheck(checkpoints, verify)
    for entry in entries:
        if not check.follow(entry):
            break
    return check.verdict()


def is_due(seq: int, age_seconds: float, last: Checkpoint | None, entries: int, seconds: int) -> bool:
    """Whether the head is to be vouched for now.

    Args:
        seq: of the head.
        age_seconds: since the last checkpoint; of no meaning where there is none.
        last: the last checkpoint.
        entries: that may be without one,
        seconds: or how long some may be.
    """
    if last is None:
        return seq > 0
    return seq - last.seq >= entries or (seq > last.seq and age_seconds >= seconds)
