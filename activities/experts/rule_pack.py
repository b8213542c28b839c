"""Our ast-grep rules, made ready for one expert: one folder with a configuration, the rules, and the shared parts.

A rule is written once per grammar family: rules for JavaScript are applied to TypeScript and TSX too, rules for
TypeScript to TSX, rules for C to C++. A rule of the same name in the other language's folder replaces that.
"""

import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from models.expert import ExpertName
from models.source import LANGUAGE_OF_SUFFIX, Language

RULES = Path(__file__).parent / "rules"
VARIANTS = {"JavaScript": ("TypeScript", "Tsx"), "TypeScript": ("Tsx",), "C": ("Cpp",)}
MARK = "--"
"""Between a rule's name and the language it was carried over to; no rule's own name has it."""
GRAMMAR_OF_LANGUAGE = {
    Language.PYTHON: "Python",
    Language.JAVASCRIPT: "JavaScript",
    Language.TYPESCRIPT: "TypeScript",
    Language.JAVA: "Java",
    Language.RUST: "Rust",
    Language.C: "C",
    Language.CPP: "Cpp",
}
Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RulePack:
    """Rules of one expert on disk."""

    config: Path
    """The configuration file; everything else lies in its folder."""
    languages: frozenset[Language]
    """Languages with at least one rule."""


def read_rules(folder: Path) -> list[Rule]:
    """Every rule in a folder, in a fixed order."""
    documents = [yaml.safe_load_all(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.yml"))]
    return [rule for document in documents for rule in document if rule]


def renamed(node: Any, names: dict[str, str]) -> Any:
    """A part of a rule with its references to shared parts (`matches: NAME`) replaced."""
    if isinstance(node, list):
        return [renamed(item, names) for item in cast(list[Any], node)]
    if isinstance(node, dict):
        return {
            key: names.get(value, value) if key == "matches" and isinstance(value, str) else renamed(value, names)
            for key, value in cast(Rule, node).items()
        }
    return node


def carried_over(rules: list[Rule], parts: list[Rule]) -> list[Rule]:
    """Rules, plus their variants in the languages whose grammars are extensions of theirs."""
    taken = {(rule["language"], rule["id"]) for rule in rules}
    result = list(rules)
    for rule in rules:
        for language in VARIANTS.get(rule["language"], ()):
            name = f"{rule['id']}{MARK}{language.lower()}"
            if (language, rule["id"]) in taken or any(known["id"] == name for known in result):
                continue
            names = {part["id"]: f"{part['id']}{MARK}{language.lower()}" for part in parts}
            own = names | {key: key for key in rule.get("utils", {})}
            result.append(renamed(rule, own) | {"id": name, "language": language})
    return result


def language_globs() -> dict[str, list[str]]:
    """Which files a grammar is for: our own table, so that `.h` is C++ and upper-case suffixes count."""
    globs: dict[str, list[str]] = {}
    for suffix, language in LANGUAGE_OF_SUFFIX.items():
        grammar = "Tsx" if suffix == ".tsx" else GRAMMAR_OF_LANGUAGE[language]
        pattern = "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else letter for letter in suffix)
        globs.setdefault(grammar.lower(), []).append(f"*{pattern}")
    return globs


def write_pack(expert: ExpertName, folder: Path, source: Path = RULES) -> RulePack:
    """Write one expert's rules into a folder."""
    parts = read_rules(source / "utils")
    own = [
        rule
        for name in sorted(path.name for path in source.iterdir() if path.is_dir() and path.name != "utils")
        for rule in read_rules(source / name)
        if rule["metadata"]["expert"] == expert
    ]
    rules = carried_over(own, parts)
    for name, documents in (("rules", rules), ("utils", carried_over(parts, parts))):
        (folder / name).mkdir()
        for number, document in enumerate(documents):
            # JSON is YAML too, and quicker to read.
            (folder / name / f"{number}.yml").write_text(json.dumps(document), encoding="utf-8")
    config = folder / "sgconfig.yml"
    settings = {"ruleDirs": ["rules"], "utilDirs": ["utils"], "languageGlobs": language_globs()}
    config.write_text(json.dumps(settings), encoding="utf-8")
    grammars = {rule["language"] for rule in rules}
    return RulePack(config, frozenset(name for name, grammar in GRAMMAR_OF_LANGUAGE.items() if grammar in grammars))


_folders: list[tempfile.TemporaryDirectory[str]] = []
"""Kept until the process ends, when Python removes them."""


@cache
def rule_pack(expert: ExpertName) -> RulePack:
    """The rules of one expert; written once per process."""
    folder: tempfile.TemporaryDirectory[str] = tempfile.TemporaryDirectory(prefix="conclave-rules-")
    _folders.append(folder)
    return write_pack(expert, Path(folder.name))
