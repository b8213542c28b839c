"""Who may do what, by each engine: every role with every action, and what is no answer."""

from typing import Any

import pytest

from activities.experiment_ports import PolicyMalformed
from activities.policy.access import AccessPolicy
from activities.policy.engine import Evaluated, RegoEngine
from activities.policy.policies import Policy, access_policy
from models.access import AccessReason, Action
from models.identity import ALL_ROLES, Role

EVERYBODY = {Role.USER, Role.OPERATOR, Role.APPROVER}
ONLY: dict[Action, set[Role]] = {
    Action.REVIEWS_WRITE: {Role.USER},
    Action.PROVIDERS_WRITE: set(),
    Action.PROVIDERS_TEST: {Role.USER},
    Action.KEYS_WRITE: {Role.USER},
    Action.KEYS_PLATFORM: set(),
    Action.KEYS_ROTATE: set(),
    Action.QUOTAS_READ_ALL: set(),
    Action.QUOTAS_WRITE: set(),
    Action.USAGE_READ_ALL: set(),
    Action.ALERTS_READ: set(),
    Action.ALERTS_WRITE: set(),
    Action.DATASETS_WRITE: {Role.OPERATOR},
    Action.EXPERIMENTS_WRITE: {Role.OPERATOR},
    Action.COMPARISONS_WRITE: {Role.OPERATOR},
    Action.TRIALS_WRITE: {Role.OPERATOR},
    Action.PROMOTIONS_REQUEST: {Role.OPERATOR},
    Action.PROMOTIONS_DECIDE: {Role.APPROVER},
    Action.PROMOTIONS_WITHDRAW_ALL: set(),
    Action.VERSIONS_ROLLBACK: {Role.OPERATOR},
    Action.BLACKLIST_QUARANTINE: {Role.OPERATOR},
    Action.BLACKLIST_RELEASE: {Role.APPROVER},
    Action.AUDIT_READ: {Role.OPERATOR, Role.APPROVER},
    Action.AUDIT_CHECKPOINT: {Role.OPERATOR},
    Action.TOKENS_ALL: set(),
}
"""Beside administrators, who may do all but what is an approver's alone; everybody may do the others."""


@pytest.mark.parametrize("role", Role)
async def test_every_role_with_every_action(engine: RegoEngine, role: Role) -> None:
    policy = AccessPolicy(engine)
    for action in Action:
        may = ONLY.get(action, EVERYBODY)
        answer = await policy.decide(action, frozenset({role}))
        expected = may != {Role.APPROVER} if role is Role.ADMIN else role in may
        assert answer.allow is expected, action
        assert set(answer.roles) == (may or {Role.ADMIN})
        assert answer.reasons == (() if expected else (AccessReason.ROLE_MISSING,))


async def test_no_role_may_do_nothing_and_all_roles_everything(engine: RegoEngine) -> None:
    policy = AccessPolicy(engine)
    for action in Action:
        assert not (await policy.decide(action, frozenset())).allow
        assert (await policy.decide(action, ALL_ROLES)).allow


async def test_scopes_take_away_and_never_give(engine: RegoEngine) -> None:
    policy, user = AccessPolicy(engine), frozenset({Role.USER})
    assert (await policy.decide(Action.REVIEWS_READ, user, frozenset({Action.REVIEWS_READ}))).allow
    for scopes in (frozenset({Action.REVIEWS_READ}), frozenset[Action]()):
        answer = await policy.decide(Action.REVIEWS_WRITE, user, scopes)
        assert (answer.allow, answer.reasons) == (False, (AccessReason.SCOPE_MISSING,))
    answer = await policy.decide(Action.ALERTS_READ, user, frozenset({Action.ALERTS_READ}))
    assert (answer.allow, answer.reasons) == (False, (AccessReason.ROLE_MISSING,))


@pytest.mark.parametrize("document", ["{}", "[]", "null", '"x"', '{"action": 1}', '{"action": "reviews:delete"}'])
async def test_what_is_no_question_is_not_answered_with_yes(engine: RegoEngine, document: str) -> None:
    with pytest.raises(PolicyMalformed):  # an action that is none is no answer's
        await engine.evaluate(access_policy(), document.encode())


class Answers(RegoEngine):
    """An engine that answers as it was told, and counts."""

    name = "regopy"

    def __init__(self, **answer: Any) -> None:
        self._answer = answer
        self.asked = 0

    async def evaluate(self, policy: Policy[Any], document: bytes) -> Evaluated[Any]:
        self.asked += 1
        good: dict[str, Any] = {"allow": True, "reasons": (), "roles": ("user",), "action": Action.REVIEWS_READ}
        return Evaluated(policy.answer.model_validate(good | {"revision": policy.namespace} | self._answer))


@pytest.mark.parametrize("wrong", [{"revision": "conclave.access"}, {"action": Action.ALERTS_READ}])
async def test_an_answer_to_something_else_is_none(wrong: dict[str, Any]) -> None:
    assert (await AccessPolicy(Answers()).decide(Action.REVIEWS_READ, frozenset())).allow
    with pytest.raises(PolicyMalformed):
        await AccessPolicy(Answers(**wrong)).decide(Action.REVIEWS_READ, frozenset())


@pytest.mark.parametrize("wrong", [{"reasons": ("role_missing",)}, {"allow": False}])
async def test_an_answer_that_contradicts_itself_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="incoherent"):
        await AccessPolicy(Answers(**wrong)).decide(Action.REVIEWS_READ, frozenset())


async def test_answers_are_remembered_as_long_as_they_last() -> None:
    engine = Answers()
    policy = AccessPolicy(engine)
    for _ in range(3):
        await policy.decide(Action.REVIEWS_READ, frozenset({Role.USER}))
    assert engine.asked == 1
    await policy.decide(Action.REVIEWS_READ, frozenset({Role.USER}), frozenset({Action.REVIEWS_READ}))
    await policy.decide(Action.REVIEWS_READ, frozenset({Role.OPERATOR}))
    assert engine.asked == 3
    engine.lasting_seconds = 0.0
    again = AccessPolicy(engine)
    for _ in range(2):
        await again.decide(Action.REVIEWS_READ, frozenset({Role.USER}))
    assert engine.asked == 5
