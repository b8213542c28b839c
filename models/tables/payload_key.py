"""Keys of the Temporal payload codec."""

# SQLModel declares __tablename__ as a declared_attr; a plain string is what its documentation shows.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.tables.columns import utc


class PayloadKey(SQLModel, table=True):
    """A key of the Temporal payload codec, wrapped by the key service."""

    __tablename__ = "payload_keys"

    id: str = Field(primary_key=True, max_length=32)
    wrapped: str
    active: bool = True
    created_at: datetime = utc()
