"""Lists for people, the newest first, page by page: a position is a moment and an id, so that no row comes twice."""

from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.orm import Mapped

Position = tuple[datetime, str]
"""Of the last row that was seen."""

Query = TypeVar("Query", bound=Select[Any])


Column = ColumnElement[Any] | Mapped[Any]


def page_of(query: Query, at: Column, key: Column, before: Position | None, size: int) -> Query:
    """The rows of a query that are older than a position, the newest first.

    Args:
        query: all of them.
        at: the column of moments that orders them.
        key: the column of text that tells rows of one moment apart.
        before: None: from the newest on.
        size: rows at most.
    """
    if before is not None:
        moment, last = before
        query = query.where(or_(at < moment, and_(at == moment, key < last)))
    return query.order_by(at.desc(), key.desc()).limit(size)
