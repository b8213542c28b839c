"""Our own rules: each one complete, and all of them understood by ast-grep in every language they are applied to."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from activities.experts.analysers.common import program
from activities.experts.rule_pack import MARK, RULES, read_rules, rule_pack, write_pack
from models.expert import ExpertName, Severity
from models.source import Language

EXPERTS = (ExpertName.SECURITY, ExpertName.QUALITY, ExpertName.PERFORMANCE)
OWN_RULES = [rule for folder in sorted(RULES.iterdir()) if folder.is_dir() and folder.name != "utils"
             for rule in read_rules(folder)]  # fmt: skip
SLUG = re.compile(r"^[a-z0-9][a-z0-9-]*$")


@pytest.mark.parametrize("rule", OWN_RULES, ids=lambda rule: rule["id"])
def test_a_rule_says_all_that_a_finding_needs(rule: dict) -> None:
    meta = rule["metadata"]
    assert SLUG.match(rule["id"])
    assert MARK not in rule["id"]
    assert ExpertName(meta["expert"]) in EXPERTS
    assert Severity(meta["severity"])
    assert 0 < float(meta["confidence"]) <= 1
    assert SLUG.match(meta["kind"])
    assert 0 < len(rule["message"]) <= 500
    assert 0 < len(rule["note"]) <= 1000
    if meta["expert"] == "security":
        assert re.match(r"^CWE-[1-9][0-9]*$", meta["cwe"])


def test_rule_names_are_unique_in_their_language() -> None:
    names = [(rule["language"], rule["id"]) for rule in OWN_RULES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("expert", EXPERTS)
@pytest.mark.parametrize("language", [language for language in Language if language is not Language.OTHER])
def test_ast_grep_understands_the_pack(expert: ExpertName, language: Language, tmp_path: Path) -> None:
    config = rule_pack(expert).configs.get(language)
    if config is None:
        pytest.skip(f"no {expert} rules for {language}")
    suffix = {"python": "py", "javascript": "js", "typescript": "tsx", "rust": "rs"}.get(language, language)
    (tmp_path / f"empty.{suffix}").write_text("\n")
    done = subprocess.run(
        [program("ast-grep"), "scan", "-c", str(config), "--json=stream", str(tmp_path)],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")


def rule(name: str, language: str, expert: str = "security", **more: object) -> dict:
    meta = {"cwe": "CWE-94", "severity": "high", "confidence": 0.5, "expert": expert, "kind": "code-injection"}
    body = {"id": name, "language": language, "severity": "warning", "message": "m", "note": "n", "metadata": meta}
    return body | {"rule": {"pattern": "f($A)"}} | more


def test_rules_are_carried_over_with_their_shared_parts(tmp_path: Path) -> None:
    source = tmp_path / "rules"
    for path, documents in {
        "utils/part.yml": [
            {"id": "inner", "language": "JavaScript", "rule": {"kind": "identifier"}},
            {"id": "part", "language": "JavaScript", "rule": {"any": [{"matches": "inner"}, {"kind": "string"}]}},
            {"id": "unused", "language": "JavaScript", "rule": {"kind": "number"}},
        ],
        "javascript/a.yml": [
            rule("shared", "JavaScript", rule={"pattern": "f($A)", "has": {"matches": "part", "stopBy": "end"}}),
            rule("replaced", "JavaScript"),
        ],
        "typescript/b.yml": [rule("replaced", "TypeScript", message="other")],
        "c/c.yml": [rule("gets", "C")],
        "python/d.yml": [rule("slow", "Python", expert="performance")],
    }.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(yaml.safe_dump_all(documents))
    pack = write_pack(ExpertName.SECURITY, tmp_path / "pack", source)
    written = {
        language: sorted(
            (found["language"], found["id"]) for found in read_rules(config.parent / "rules")
        ) for language, config in pack.configs.items()
    }  # fmt: skip
    assert written == {
        Language.JAVASCRIPT: [("JavaScript", "replaced"), ("JavaScript", "shared")],
        Language.TYPESCRIPT: [
            ("Tsx", "replaced--tsx"),
            ("Tsx", "shared--tsx"),
            ("TypeScript", "replaced"),
            ("TypeScript", "shared--typescript"),
        ],
        Language.C: [("C", "gets")],
        Language.CPP: [("Cpp", "gets--cpp")],
    }
    parts = [part["id"] for part in read_rules(pack.configs[Language.TYPESCRIPT].parent / "utils")]
    assert sorted(parts) == ["inner--tsx", "inner--typescript", "part--tsx", "part--typescript"]
    for name, suffix in (("a.ts", "typescript"), ("a.tsx", "tsx")):
        (tmp_path / name).write_text("f('x')\n")
        argv = [program("ast-grep"), "scan", "-c", str(pack.configs[Language.TYPESCRIPT]), "--json=stream"]
        done = subprocess.run([*argv, str(tmp_path / name)], capture_output=True, check=True)
        assert f'"ruleId":"shared--{suffix}"'.encode() in done.stdout
