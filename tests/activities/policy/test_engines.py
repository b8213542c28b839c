"""Decisions of each engine: bound to the text that was fixed, and to the facts."""

import hashlib
import re
from typing import Any

import pytest

from activities.experiment_ports import PolicyMalformed
from activities.policy.choose import policy_engine
from activities.policy.engine import Evaluated, RegoEngine
from activities.policy.opa_engine import OpaEngine
from activities.policy.policies import Policy, published
from activities.policy.regopy_engine import RegopyEngine
from models.gate import Outcome, PolicyName
from models.gate_answer import GateAnswer
from models.settings import Settings
from tests.activities.policy.facts import GOOD, facts


async def test_good_facts_pass(engine: RegoEngine) -> None:
    for policy in PolicyName:
        question = facts(engine.hash_of(policy))
        decision = await engine.decide(policy, question)
        assert (decision.outcome, decision.denials, decision.further_samples) == (Outcome.PASS, (), None)
        assert (decision.policy, decision.engine) == (policy, engine.name)
        assert decision.policy_hash == question.policy_hash
        assert decision.input_hash == hashlib.sha256(question.document).hexdigest()


async def test_inconclusive_says_how_many_more(engine: RegoEngine) -> None:
    decision = await engine.decide(PolicyName.DEFAULT, facts(engine.hash_of(PolicyName.DEFAULT), n=60))
    assert (decision.outcome, decision.further_samples) == (Outcome.INCONCLUSIVE, 40)


async def test_reasons_are_sorted(engine: RegoEngine) -> None:
    nothing = dict.fromkeys(GOOD) | {"n": 0}
    decision = await engine.decide(PolicyName.STRICT, facts(engine.hash_of(PolicyName.STRICT), **nothing))
    assert len(decision.denials) > 4
    assert list(decision.denials) == sorted(decision.denials, key=lambda denial: denial.id)


async def test_another_text_than_the_one_fixed_is_refused(engine: RegoEngine) -> None:
    for other in (engine.hash_of(PolicyName.STRICT), "policy:v1:sha256:" + "0" * 64):
        with pytest.raises(PolicyMalformed):
            await engine.decide(PolicyName.DEFAULT, facts(other))


async def test_the_precision_of_an_engine_does_not_decide(engine: RegoEngine) -> None:
    below = {"error_rate": 0.049999999999999996, "error_rate_low": None, "error_rate_high": None}
    decision = await engine.decide(PolicyName.DEFAULT, facts(engine.hash_of(PolicyName.DEFAULT), **below))
    assert decision.outcome is Outcome.FAIL


class Answers(RegoEngine):
    """An engine that answers as it was told."""

    name = "regopy"

    def __init__(self, **answer: Any) -> None:
        self._answer = answer

    async def evaluate(self, policy: Policy[Any], document: bytes) -> Evaluated[Any]:
        good = {
            "allow": True,
            "outcome": "pass",
            "deny": (),
            "policy": PolicyName.DEFAULT,
            "revision": policy.namespace,
        }
        return Evaluated(GateAnswer.model_validate(good | self._answer))


@pytest.mark.parametrize(
    "wrong",
    [{"revision": "conclave.gate"}, {"revision": published(PolicyName.STRICT).namespace}, {"policy": "strict"}],
    ids=["unpublished", "another text", "another policy"],
)
async def test_only_the_expected_revision_of_the_expected_policy_allows(wrong: dict[str, Any]) -> None:
    question = facts(published(PolicyName.DEFAULT).hash)
    assert (await Answers().decide(PolicyName.DEFAULT, question)).outcome is Outcome.PASS
    with pytest.raises(PolicyMalformed):
        await Answers(**wrong).decide(PolicyName.DEFAULT, question)


def test_the_hash_names_the_text() -> None:
    default, strict = published(PolicyName.DEFAULT), published(PolicyName.STRICT)
    assert default.hash != strict.hash
    for policy in (default, strict):
        assert re.fullmatch(r"policy:v1:sha256:[0-9a-f]{64}", policy.hash)
        assert policy.namespace.endswith(policy.hash[-64:])
        packages = [re.search(r"^package (\S+)$", text, re.MULTILINE) for text in policy.modules.values()]
        assert all(package and package[1].startswith(policy.namespace + ".") for package in packages)


def test_opa_decides_where_one_is_set() -> None:
    assert isinstance(policy_engine(Settings.model_construct(opa_url=None)), RegopyEngine)
    assert isinstance(policy_engine(Settings(opa_url="http://127.0.0.1:8181")), OpaEngine)


@pytest.mark.parametrize("variable", ["CONCLAVE_OPA_URL", "OPA_URL"])
def test_opa_is_set_by_either_variable(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "https://opa.example:8181/at")
    assert Settings().opa_url == "https://opa.example:8181/at"
    monkeypatch.setenv(variable, "file:///etc/passwd")
    with pytest.raises(ValueError, match="opa_url|OPA_URL"):
        Settings()
