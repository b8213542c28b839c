"""The rule pack is whole: every rule says what it stands for, is tested, and finds what its test says it finds."""

import json
import subprocess
import sysconfig
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from models.expert import ExpertFinding, ExpertName

RULES = Path(__file__).parents[2] / "activities" / "experts" / "rules"
TESTS = Path(__file__).parent
LANGUAGES = {
    "python": {"Python"},
    "javascript": {"JavaScript"},
    "typescript": {"TypeScript", "Tsx"},
    "java": {"Java"},
    "rust": {"Rust"},
    "c": {"C"},
    "cpp": {"Cpp"},
}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C is ten times as fast."""

METADATA = {"cwe", "severity", "confidence", "expert", "kind"}


def documents(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Every YAML document below a folder, with its file."""
    return [
        (path, document)
        for path in sorted(folder.rglob("*.yml"))
        for document in yaml.load_all(path.read_text(encoding="utf-8"), LOADER)
    ]


ALL = [(path, rule) for language in LANGUAGES for path, rule in documents(RULES / language)]
SHARED = documents(RULES / "utils")
CASES = {case["id"]: case for _, case in documents(TESTS)}


def problem_of(path: Path, rule: dict[str, Any]) -> str | None:
    """What keeps a rule from becoming a finding."""
    metadata = rule.get("metadata") or {}
    if rule["language"] not in LANGUAGES[path.relative_to(RULES).parts[0]]:
        return f"language {rule['language']} in the wrong folder"
    if set(metadata) != METADATA:
        return f"metadata has {sorted(metadata)}, wants {sorted(METADATA)}"
    if not rule.get("note", "").strip() or not metadata["cwe"]:
        return "no note, or no CWE"
    if metadata["expert"] not in {ExpertName.SECURITY, ExpertName.QUALITY, ExpertName.PERFORMANCE}:
        return f"no expert {metadata['expert']} for rules"
    if not 0 < metadata["confidence"] < 1:
        return "no rule is certain, and a hopeless one has no place here"
    place = {"path": "a", "line_start": 1, "line_end": 1}
    try:
        ExpertFinding(
            **metadata, **place, tool="ast-grep", rule=rule["id"], message=rule["message"], recommendation=rule["note"]
        )
    except ValidationError as error:
        return str(error.errors(include_input=False, include_url=False))
    return None


def test_every_rule_can_become_a_finding() -> None:
    problems = {rule["id"]: problem_of(path, rule) for path, rule in ALL}
    assert {name: problem for name, problem in problems.items() if problem} == {}


def test_every_rule_has_good_and_bad_examples() -> None:
    tested = {name for name, case in CASES.items() if case["valid"] and case["invalid"]}
    assert {rule["id"] for _, rule in ALL} - tested == set()


def test_names_are_used_once() -> None:
    names = Counter(rule["id"] for _, rule in ALL + SHARED)
    assert [name for name, count in names.items() if count > 1] == []


def test_no_test_without_a_rule() -> None:
    assert set(CASES) - {rule["id"] for _, rule in ALL} == set()


def references(part: object) -> set[str]:
    """Names of shared parts that a rule refers to."""
    if isinstance(part, list):
        return {name for it in part for name in references(it)}
    if not isinstance(part, dict):
        return set()
    own = {part["matches"]} if isinstance(part.get("matches"), str) else set()
    return own | {name for it in part.values() for name in references(it)}


def test_every_shared_part_is_used() -> None:
    used = {name for _, rule in ALL + SHARED for name in references(rule)}
    assert {part["id"] for _, part in SHARED} - used == set()


def test_rules_find_their_bad_examples_and_spare_the_good_ones(tmp_path: Path) -> None:
    """Runs ast-grep's own rule tests; its output names each example that went wrong."""
    config = tmp_path / "sgconfig.yml"
    folders = [str(RULES / language) for language in LANGUAGES if (RULES / language).is_dir()]
    config.write_text(json.dumps({"ruleDirs": folders, "utilDirs": [str(RULES / "utils")]}), encoding="utf-8")
    program = Path(sysconfig.get_path("scripts")) / "ast-grep"
    done = subprocess.run(
        [program, "test", "-c", config, "-t", TESTS, "--skip-snapshot-tests", "--color=never"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert f"Running {len(ALL)} tests" in done.stdout
