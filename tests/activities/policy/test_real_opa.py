"""With OPA itself: its own checks of the policies, and a server that restarts, is shared, or wants a token."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from activities.experiment_ports import PolicyMalformed, PolicyUnavailable
from activities.policy.opa_engine import OpaEngine
from activities.policy.policies import REGO, published
from activities.policy.regopy_engine import RegopyEngine
from models.gate import Outcome, PolicyName
from tests.activities.policy.facts import GOOD, facts
from tests.activities.policy.opa_server import OPA, free_port, needs_opa, opa_server

pytestmark = needs_opa

AUTHORIZATION = Path(__file__).parents[3] / "temporal-dev" / "opa-authorization.rego"
QUESTION = facts(published(PolicyName.DEFAULT).hash)


def opa(*arguments: str | Path) -> str:
    return subprocess.run([str(OPA), *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def test_the_policies_are_clean() -> None:
    assert opa("check", "--strict", REGO) == ""
    assert opa("fmt", "--list", REGO) == ""
    assert opa("check", "--strict", AUTHORIZATION) == "" == opa("fmt", "--list", AUTHORIZATION)


def test_the_policies_tests_pass_and_reach_every_line() -> None:
    assert json.loads(opa("test", "--timeout=60s", "--coverage", REGO))["coverage"] == 100
    assert len(json.loads(opa("test", "--timeout=60s", "--format=json", REGO))) >= 30


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(PolicyName),
    st.fixed_dictionaries(
        {},
        optional={
            key: st.sampled_from([None, "0.9", True, -2, 1.5, 1e308])
            | st.floats(0, 1).map(lambda value: round(value, 3))
            | st.integers(0, 2000)
            for key in GOOD
        },
    ),
)
async def test_the_embedded_engine_agrees(real_opa: OpaEngine, policy: PolicyName, changes: dict[str, Any]) -> None:
    document = json.dumps(GOOD | changes).encode()
    embedded = (await RegopyEngine().evaluate(published(policy), document)).answer
    real = (await real_opa.evaluate(published(policy), document)).answer
    assert (embedded.outcome, set(embedded.deny)) == (real.outcome, set(real.deny))


async def test_a_server_that_forgot_its_policies_gets_them_again() -> None:
    port = free_port()
    engine = OpaEngine(f"http://127.0.0.1:{port}")
    for _ in range(2):
        with opa_server(port=port):
            assert (await engine.decide(PolicyName.DEFAULT, QUESTION)).outcome is Outcome.PASS
        with pytest.raises(PolicyUnavailable):
            await engine.decide(PolicyName.DEFAULT, QUESTION)


async def test_many_ask_a_new_server_at_once() -> None:
    with opa_server() as address:
        asked = [OpaEngine(address).decide(PolicyName.DEFAULT, QUESTION) for _ in range(10)]
        assert {decision.outcome for decision in await asyncio.gather(*asked)} == {Outcome.PASS}


async def test_another_policy_under_the_usual_name_is_not_asked(tmp_path: Path) -> None:
    other = tmp_path / "allow.rego"
    other.write_text(
        'package conclave.gate.default_policy\n\ndecision := {"allow": true, "outcome": "pass", "deny": []}\n'
    )
    with opa_server(other) as address:
        bad = facts(published(PolicyName.DEFAULT).hash, accuracy=0.5, accuracy_low=None)
        assert (await OpaEngine(address).decide(PolicyName.DEFAULT, bad)).outcome is Outcome.FAIL


async def test_the_teams_server_lets_in_who_has_the_token() -> None:
    environment = {"PATH": os.environ["PATH"], "CONCLAVE_OPA_TOKEN": "a-token-of-the-team"}
    flags = ["--authentication=token", "--authorization=basic", AUTHORIZATION]
    with opa_server(*flags, environment=environment) as address:
        known = OpaEngine(address, SecretStr("a-token-of-the-team"))
        assert (await known.decide(PolicyName.DEFAULT, QUESTION)).outcome is Outcome.PASS
        for token in (None, SecretStr(""), SecretStr("another")):
            with pytest.raises(PolicyMalformed):
                await OpaEngine(address, token).decide(PolicyName.DEFAULT, QUESTION)


async def test_the_teams_server_without_a_token_lets_nobody_in() -> None:
    flags = ["--authentication=token", "--authorization=basic", AUTHORIZATION]
    for environment in ({}, {"CONCLAVE_OPA_TOKEN": ""}):
        with opa_server(*flags, environment={"PATH": os.environ["PATH"], **environment}) as address:
            for token in (None, SecretStr("")):
                with pytest.raises(PolicyMalformed):
                    await OpaEngine(address, token).decide(PolicyName.DEFAULT, QUESTION)
