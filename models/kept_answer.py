"""A model's answer as it is kept from the moment it is paid, encrypted."""

from pydantic import Field

from models.source import FilePath, LineRange
from models.wire import Slug, Wire


class KeptAnswer(Wire):
    """All that is needed to read an answer again without asking again."""

    text: str
    """As the provider sent it."""
    cost_micro_usd: int = Field(ge=0)
    provider: Slug
    last_resort: bool = False
    further: int | None = Field(default=None, ge=1)
    """Places down the chain to the next provider."""
    prompt_version: str
    shown: dict[FilePath, tuple[LineRange, ...]] = Field(default_factory=dict)
    """Lines that the question showed, by path."""
    unseen: tuple[FilePath, ...] = ()
    """Files that it did not show whole."""
