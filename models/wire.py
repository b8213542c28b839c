"""The base of everything that crosses a process boundary."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


class Wire(BaseModel):
    """Frozen, no unknown fields, no NaN or infinity: what was written is what is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
"""A name made by us, safe in every output and log: lower case, digits, dot, dash, underscore."""
