"""Files of entries and checkpoints: one JSON object a line."""

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from models.audit import AuditEntry, Checkpoint


class LineUnreadable(ValueError):
    """A line that is no entry, or no checkpoint.

    Attributes:
        number: of the line, from 1.
    """

    def __init__(self, number: int) -> None:
        super().__init__("line_unreadable")
        self.number = number


def checkpoints_in(text: bytes) -> list[Checkpoint]:
    """All checkpoints of a file; a last line without an end, which a crash cut off, is none.

    Raises:
        LineUnreadable: a line is no checkpoint.
    """
    whole, _, _ = text.rpartition(b"\n")
    return [_checkpoint(number, line) for number, line in enumerate(whole.split(b"\n"), 1) if line.strip()]


def entries_in(lines: Iterable[bytes]) -> Iterator[AuditEntry]:
    """The entries of an export.

    Raises:
        LineUnreadable: a line is no entry; a last line that was cut off is none either.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield AuditEntry.model_validate_json(line)
            except ValidationError:
                raise LineUnreadable(number) from None


def _checkpoint(number: int, line: bytes) -> Checkpoint:
    try:
        return Checkpoint.model_validate_json(line)
    except ValidationError:
        raise LineUnreadable(number) from None
