"""The tables that say what a tool's rule stands for agree with the tools and with each other."""

import json
import subprocess

import pytest
from bandit.core.extension_loader import MANAGER

from activities.experts.analysers.common import program
from activities.experts.analysers.ruff_rules import SELECTIONS, rating
from activities.experts.kinds import BANDIT_RATINGS
from models.expert import ExpertFinding, ExpertName
from models.kinds import KIND_OF_CWE


@pytest.fixture(scope="module")
def ruff_rules() -> dict[str, dict[str, object]]:
    argv = [program("ruff"), "rule", "--all", "--output-format=json"]
    rules = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
    return {rule["code"]: rule for rule in rules if rule["code"]}


@pytest.mark.parametrize("expert", SELECTIONS)
def test_every_selected_ruff_rule_exists_and_is_stable(expert: ExpertName, ruff_rules: dict[str, dict]) -> None:
    for code in SELECTIONS[expert]:
        matching = [name for name in ruff_rules if name == code or (code == "PLE" and name.startswith("PLE"))]
        assert matching, code
        if code != "PLE":
            assert "Stable" in str(ruff_rules[code]["status"]), code


@pytest.mark.parametrize("expert", SELECTIONS)
def test_every_selected_ruff_rule_has_a_word_of_ours(expert: ExpertName) -> None:
    for code in SELECTIONS[expert]:
        rated = rating(code, expert)
        assert rated is not None
        assert rated.kind != code.lower(), f"{code} has no rating"
        finding = ExpertFinding(
            expert=expert,
            tool="ruff",
            rule=code,
            kind=rated.kind,
            cwe=rated.cwe,
            severity=rated.severity,
            confidence=rated.confidence,
            path="a.py",
            line_start=1,
            line_end=1,
            message="m",
            recommendation=rated.recommendation,
        )
        assert finding.kind


def test_every_bandit_check_with_a_rating_exists() -> None:
    known = {plugin.plugin._test_id for plugin in MANAGER.plugins} | set(MANAGER.blacklist_by_id)
    assert {f"B{number}" for number in BANDIT_RATINGS} - known <= {"B109", "B302", "B320"}, "bandit dropped checks"


def test_one_weakness_has_one_word() -> None:
    for number, rated in BANDIT_RATINGS.items():
        assert rated.kind == KIND_OF_CWE.get(rated.cwe, rated.kind), number
        assert rated.kind != "insecure-call", f"{number} has no word"
