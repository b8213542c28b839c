"""Cursors: where a page ended, as text that means nothing to the client."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Query

from models.errors import InvalidInput
from models.ids import ID

Cursor = Annotated[str | None, Query(max_length=300)]
PageSize = Annotated[int, Query(ge=1, le=100)]

Row = TypeVar("Row")

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,119}\Z")

_NUMBER = re.compile(r"^[1-9][0-9]{0,17}\Z")


def cut(found: Sequence[Row], size: int, cursor_of: Callable[[Row], str]) -> tuple[Sequence[Row], str | None]:
    """A page of rows, and the cursor of the page after it; None at the end.

    Args:
        found: one row more than a page has, if there are more.
        size: of a page.
        cursor_of: the cursor behind a row.
    """
    shown = found[:size]
    return shown, cursor_of(shown[-1]) if len(found) > size else None


def of_name(name: str) -> str:
    """The cursor behind a name."""
    return _encoded(f"name {name}")


def name_of(cursor: str | None) -> str | None:
    """The name that a cursor stands behind; None: the beginning.

    Raises:
        InvalidInput: `invalid_cursor`.
    """
    if cursor is None:
        return None
    kind, _, name = _decoded(cursor).partition(" ")
    if kind != "name" or not _NAME.match(name):
        raise _invalid()
    return name


def of_number(number: int) -> str:
    """The cursor behind a number."""
    return _encoded(f"number {number}")


def number_of(cursor: str | None) -> int | None:
    """The number that a cursor stands behind; None: the beginning.

    Raises:
        InvalidInput: `invalid_cursor`.
    """
    if cursor is None:
        return None
    kind, _, number = _decoded(cursor).partition(" ")
    if kind != "number" or not _NUMBER.match(number):
        raise _invalid()
    return int(number)


def of_moment(moment: datetime, row_id: str) -> str:
    """The cursor behind a row that is ordered by time."""
    return _encoded(f"{moment.isoformat()} {row_id}")


def moment_of(cursor: str | None) -> tuple[datetime, str] | None:
    """Time and id of the row that a cursor stands behind; None: the beginning.

    Raises:
        InvalidInput: `invalid_cursor`.
    """
    if cursor is None:
        return None
    at, _, row_id = _decoded(cursor).partition(" ")
    try:
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not ID.match(row_id):
            raise ValueError
        return moment.astimezone(UTC), row_id
    except (ValueError, OverflowError):
        raise _invalid() from None


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _decoded(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise _invalid() from None


def _invalid() -> InvalidInput:
    return InvalidInput("invalid_cursor", "`cursor` is not one that this API gave; start without one.", 400)
