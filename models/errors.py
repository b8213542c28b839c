"""Input that cannot be accepted, said so that its author can mend it."""

from models.wire import Slug, Wire


class Problem(Wire):
    """What is wrong, as the API's error envelope carries it. Never contains the value that was sent."""

    code: Slug
    message: str
    """Names the field, the limit and the way out."""
    details: dict[str, str | int | list[str]] = {}


class InvalidInput(ValueError):
    """Input that a person sent and a person can mend.

    Attributes:
        problem: code, message and details for the sender.
        status: the HTTP status that fits (400, 409, 413, 415, 422).
    """

    def __init__(self, code: str, message: str, status: int = 422, **details: str | int | list[str]) -> None:
        super().__init__(code)
        self.problem = Problem(code=code, message=message, details=details)
        self.status = status
