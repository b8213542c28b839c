"""Why a person does something."""

from typing import Annotated

from pydantic import StringConstraints

Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=400, pattern=r"^[^\x00-\x1f\x7f]+$"),
]
"""One line; it is kept on the audit chain."""
