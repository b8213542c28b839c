"""Who may call the API, and what each of them may do."""

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from models.wire import Wire

LOCAL = "local"
"""Whoever holds the token of `CONCLAVE_API_TOKEN`: on a local stack, its owner."""
SECOND = "second"
"""The other identity of a local stack: one person can try there what takes two."""
RESERVED = frozenset(
    {
        LOCAL,
        SECOND,
        "conclave",
        "conclave-datasets",
        "conclave-experiments",
        "conclave-trials",
        "platform",
        "system",
    }
)
"""Names that stand for the service itself or for the local stack's identities, in audit entries above all."""


class Role(StrEnum):
    """What a caller may do beyond reading."""

    USER = "user"
    """Submit source and reviews, keep keys."""
    OPERATOR = "operator"
    """Import datasets, run experiments, ask for promotions, quarantine."""
    APPROVER = "approver"
    """Approve or reject what others ask for."""
    ADMIN = "admin"
    """Everything but approving: that is a role of its own, so that running the service is no say in what it runs."""


ALL_ROLES = frozenset(Role)
SECOND_ROLES = frozenset({Role.USER, Role.APPROVER})


def _usable(name: str) -> str:
    if name.casefold() in RESERVED:
        raise ValueError(f"is reserved; reserved are {', '.join(sorted(RESERVED))}")
    return name


UserName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$", max_length=120), AfterValidator(_usable)
]


class Declared(Wire):
    """An entry of `CONCLAVE_IDENTITIES`."""

    name: UserName
    token_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the token, in hexadecimal digits. Make tokens of at least 128 random bits: a guessable one is known
    to whoever reads its digest."""
    roles: Annotated[frozenset[Role], Field(min_length=1)]


class Identity(Wire):
    """A caller."""

    name: str
    token_sha256: str
    roles: frozenset[Role]

    def may(self, role: Role) -> bool:
        """Whether the caller has a role; an administrator has every one but `approver`, which must be given."""
        return role in self.roles or (Role.ADMIN in self.roles and role is not Role.APPROVER)


def digest(token: str) -> str:
    """SHA-256 of a token, in hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def identities(declared: Iterable[Declared], local: str | None, second: str | None) -> tuple[Identity, ...]:
    """Everybody who may call.

    Args:
        declared: the identities that are set.
        local: token of the local identity; None: there is none.
        second: token of the second local identity; None: there is none.

    Raises:
        ValueError: two have the same name or the same token.
    """
    found = [Identity(name=each.name, token_sha256=each.token_sha256, roles=each.roles) for each in declared]
    if local is not None:
        found.append(Identity(name=LOCAL, token_sha256=digest(local), roles=ALL_ROLES))
    if second is not None:
        found.append(Identity(name=SECOND, token_sha256=digest(second), roles=SECOND_ROLES))
    # Approvers are told apart by name: `Eve` and `eve` must not be two of them.
    if len({each.name.casefold() for each in found}) < len(found):
        raise ValueError("two identities have the same name")
    if len({each.token_sha256 for each in found}) < len(found):
        raise ValueError("two identities have the same token")
    return tuple(found)
