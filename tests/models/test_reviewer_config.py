"""What a configuration is known by."""

import ast
import hashlib
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from activities.experts.rule_pack import RULES, read_rules
from models.reviewer_config import RULE_PACK, ReviewerConfig, config_hash, similarity_hash

DEFAULT = ReviewerConfig()
DEFAULT_HASH = "cfg:v1:sha256:ed8a5885dd5793e27654dfdca0060596c6d05d3ec11d24851c9588559fd3f0a9"
RULE_PACK_DIGEST = ("builtin-1", "8f8cc6ac404d53bbb84552c9ee24ca71a9263e99e220ba5f6f4dbc70c4376a19")

OTHER: dict[str, Any] = {
    "experts": ["security"],
    "mode": "pipeline",
    "profile": "batch",
    "rule_pack": "other-1",
    "tools_off": ["ruff"],
    "providers": ["somebody"],
    "strategies": ["cost"],
    "prompt": None,  # there is only one version so far
}
"""Another value of what is not a number or a flag."""


def leaves(node: dict[str, Any], *above: str) -> Iterator[tuple[str, ...]]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value, *above, key)  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield (*above, key)


def changed(place: tuple[str, ...], value: object) -> ReviewerConfig:
    said = DEFAULT.model_dump(mode="json")
    node = said
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return ReviewerConfig.model_validate(said)


def another(place: tuple[str, ...]) -> object:
    value: Any = DEFAULT.model_dump(mode="json")
    for key in place:
        value = value[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return value / 2 + 0.1 if isinstance(value, float) else OTHER[place[-1]]


def shuffled(node: Any, order: Random) -> Any:
    if not isinstance(node, dict):
        return node
    keys: list[str] = sorted(node, key=lambda _: order.random())  # pyright: ignore[reportUnknownArgumentType]
    return {key: shuffled(node[key], order) for key in keys}


def test_the_shipped_configuration_keeps_its_name() -> None:
    """A changed default is another configuration; then this is changed too, and the change log says so."""
    assert config_hash(DEFAULT) == DEFAULT_HASH


@pytest.mark.parametrize("place", [each for each in leaves(DEFAULT.model_dump(mode="json")) if each[-1] != "prompt"])
def test_any_change_changes_the_name(place: tuple[str, ...]) -> None:
    assert config_hash(changed(place, another(place))) != DEFAULT_HASH


@given(st.randoms(use_true_random=False))
def test_the_order_of_fields_does_not(order: Random) -> None:
    said = shuffled(DEFAULT.model_dump(mode="json"), order)
    assert config_hash(ReviewerConfig.model_validate_json(json.dumps(said))) == DEFAULT_HASH


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"orchestrator": {"consensus": {"line_slack": 1}}},
        {"orchestrator": {"budget_weights": {"security": 3}}},
        {"orchestrator": {"consensus": {"precision": {"meta": 0.7}}}},
        {"analysis": {"tools_off": []}, "mode": None},
        {"models": {"enabled": True}},
    ],
)
def test_what_is_left_out_is_the_default(said: dict[str, Any]) -> None:
    assert config_hash(ReviewerConfig.model_validate(said)) == DEFAULT_HASH


def test_sets_have_no_order() -> None:
    one = {"experts": ["quality", "security", "quality"], "analysis": {"tools_off": ["ruff", "bandit"]}}
    two = {"experts": ["security", "quality"], "analysis": {"tools_off": ["bandit", "ruff", "ruff"]}}
    assert config_hash(ReviewerConfig.model_validate(one)) == config_hash(ReviewerConfig.model_validate(two))


@given(st.floats(0, 1), st.floats(0, 1))
def test_names_are_equal_exactly_when_the_configurations_are(one: float, two: float) -> None:
    place = ("analysis", "min_confidence")
    left, right = changed(place, one), changed(place, two)
    assert (config_hash(left) == config_hash(right)) == (left == right)
    assert ReviewerConfig.model_validate_json(left.model_dump_json()) == left


@pytest.mark.parametrize(
    "said",
    [
        {"analysis": {"tools_off": ["no-such-tool"]}},
        {"models": {"prompt": "no-such-version"}},
        {"orchestrator": {"budget_weights": {"security": -1}}},
        {"orchestrator": {"consensus": {"precision": {"security": 1.5}}}},
        {"experts": []},
        {"unknown": 1},
    ],
)
def test_what_means_nothing_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReviewerConfig.model_validate(said)


def test_near_duplicates_are_alike() -> None:
    place = ("orchestrator", "consensus", "min_support")
    assert similarity_hash(changed(place, 0.1501)) == similarity_hash(DEFAULT)
    assert config_hash(changed(place, 0.1501)) != DEFAULT_HASH
    assert similarity_hash(changed(place, 0.25)) != similarity_hash(DEFAULT)


def rules() -> Iterator[str]:
    """All that our own rules consist of: patterns, tables and thresholds; comments and code around them left out."""
    yield from (json.dumps(rule, sort_keys=True) for rule in read_rules(RULES))
    experts = RULES.parent
    modules = [*(experts / "analysers").glob("*.py"), *(experts / "children").glob("*.py"), experts / "kinds.py"]
    for path in sorted([*modules, experts / "suppressions.py"]):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                said = (ast.get_source_segment(text, node) or "").splitlines()
                code = [line for line in said if not line.strip().startswith("#")]
                yield f"{path.name} {''.join(''.join(code).split())}"


def test_other_rules_are_another_rule_pack() -> None:
    """Raise RULE_PACK when findings change; where only a name or a limit of a process did, the digest alone."""
    digest = hashlib.sha256("\n".join(rules()).encode()).hexdigest()
    assert (RULE_PACK, digest) == RULE_PACK_DIGEST


def test_every_rule_is_part_of_the_digest() -> None:
    told = "\n".join(rules())
    assert len(list(RULES.rglob("*.yml"))) > 100
    for word in ("MOST_BRANCHES", "_BANDIT_RATINGS", "HUB_MIN_DEGREE", "buffer-overflow", "LEFT_OUT"):
        assert word in told
