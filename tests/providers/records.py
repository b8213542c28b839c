"""What a scripted provider keeps of the requests it saw."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """One request, whole."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body else {}


@dataclass(frozen=True, slots=True)
class BillLine:
    """One call that reached the provider."""

    number: int
    path: str
    model: str
    body_sha256: str
    key_sha256: str
    """Of the header that carried the key; of nothing when there was none."""
    status: int | None
    """None: no answer was sent in full."""
    usage: dict[str, Any] | None = None
    """What is charged; None: nothing."""
