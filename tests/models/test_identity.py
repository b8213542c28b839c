"""Who may call, and what they may do."""

import pytest
from pydantic import ValidationError

from models.identity import RESERVED, Declared, Identity, Role, digest, identities
from models.settings import Settings

TOKEN = "a-token-of-somebody"


def declared(name: str = "eve", token: str = TOKEN, *roles: Role) -> Declared:
    return Declared(name=name, token_sha256=digest(token), roles=frozenset(roles or {Role.USER}))


@pytest.mark.parametrize(
    ("roles", "may"),
    [
        ({Role.USER}, {Role.USER}),
        ({Role.ADMIN}, {Role.USER, Role.OPERATOR, Role.ADMIN}),
        ({Role.USER, Role.APPROVER}, {Role.USER, Role.APPROVER}),
        ({Role.OPERATOR}, {Role.OPERATOR}),
    ],
)
def test_running_the_service_is_no_right_to_approve(roles: set[Role], may: set[Role]) -> None:
    who = Identity(name="eve", token_sha256=digest(TOKEN), roles=frozenset(roles))
    assert {role for role in Role if who.may(role)} == may


def test_the_local_identities_are_two_of_whom_one_only_approves() -> None:
    local, second = identities((), "one-token", "another-token")
    assert (local.name, local.roles) == ("local", frozenset(Role))
    assert (second.name, second.roles) == ("second", {Role.USER, Role.APPROVER})
    assert TOKEN not in repr(identities([declared()], None, None))


@pytest.mark.parametrize("name", [*sorted(RESERVED), "Conclave", "LOCAL", "", "a b", "a:b", "x" * 121, "e\nve"])
def test_names_that_would_be_taken_for_somebody_else_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        declared(name)


@pytest.mark.parametrize(
    ("told", "local", "second"),
    [
        ([declared("eve"), declared("Eve", "other")], None, None),
        ([declared("eve"), declared("adam")], None, None),
        ([declared("eve")], TOKEN, None),
        ([], TOKEN, TOKEN),
    ],
)
def test_one_person_is_not_two(told: list[Declared], local: str | None, second: str | None) -> None:
    with pytest.raises(ValueError, match="two identities"):
        identities(told, local, second)


def test_settings_tell_neither_token_nor_digest_when_they_refuse() -> None:
    given = [{"name": "eve", "token_sha256": digest(TOKEN), "roles": ["user"]}]
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"identities": given, "api_token": TOKEN})
    assert TOKEN not in str(caught.value) and digest(TOKEN) not in str(caught.value)
