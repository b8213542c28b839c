"""Our ast-grep rules, made ready for one expert: one folder with a configuration, the rules, and the shared parts.

A rule is written once per grammar family: rules for JavaScript are applied to TypeScript and TSX too, rules for
TypeScript to TSX, rules for C to C++. A rule of the same name in the other language's folder replaces that.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from activities.experts.temporary import kept_folder
from models.expert import ExpertName
from models.source import LANGUAGE_OF_SUFFIX, Language

RULES = Path(__file__).parent / "rules"
VARIANTS = {"JavaScript": ("TypeScript", "Tsx"), "TypeScript": ("Tsx",), "C": ("Cpp",)}
MARK = "--"
"""Between a rule's name and the language it was carried over to; no rule's own name has it."""
GRAMMARS: dict[Language, tuple[str, ...]] = {
    Language.PYTHON: ("Python",),
    Language.JAVASCRIPT: ("JavaScript",),
    Language.TYPESCRIPT: ("TypeScript", "Tsx"),
    Language.JAVA: ("Java",),
    Language.RUST: ("Rust",),
    Language.C: ("C",),
    Language.CPP: ("Cpp",),
}
"""ast-grep's names for the grammars of each language."""
Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RulePack:
    """Rules of one expert on disk."""

    configs: dict[Language, Path]
    """The configuration file of each language that has rules; everything it needs lies in its folder."""


def read_rules(folder: Path) -> list[Rule]:
    """Every rule in a folder, in a fixed order."""
    # The parser in C is ten times as fast, and nearly every build of the library has it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents = [yaml.load_all(path.read_bytes(), loader) for path in sorted(folder.rglob("*.yml"))]
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
        grammar = "Tsx" if suffix == ".tsx" else GRAMMARS[language][0]
        pattern = "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else letter for letter in suffix)
        globs.setdefault(grammar.lower(), []).append(f"*{pattern}")
    return globs


def references(node: Any) -> set[str]:
    """Names of the shared parts that a part of a rule refers to."""
    if isinstance(node, list):
        return {name for item in cast(list[Any], node) for name in references(item)}
    if not isinstance(node, dict):
        return set()
    found: set[str] = set()
    for key, value in cast(Rule, node).items():
        found |= {value} if key == "matches" and isinstance(value, str) else references(value)
    return found


def needed(rules: list[Rule], parts: list[Rule]) -> list[Rule]:
    """The shared parts that rules refer to, directly or through other parts."""
    by_name = {part["id"]: part for part in parts}
    open_names, found = references(rules), set[str]()
    while open_names:
        found |= open_names
        open_names = references([by_name[name] for name in open_names if name in by_name]) - found
    return [part for part in parts if part["id"] in found]


@cache
def all_rules(source: Path) -> tuple[list[Rule], list[Rule]]:
    """Every rule and every shared part, in every language each applies to."""
    parts = read_rules(source / "utils") if (source / "utils").is_dir() else []
    folders = sorted(path for path in source.iterdir() if path.is_dir() and path.name != "utils")
    rules = [rule for folder in folders for rule in read_rules(folder)]
    return carried_over(rules, parts), carried_over(parts, parts)


def write_pack(expert: ExpertName, folder: Path, source: Path = RULES) -> RulePack:
    """Write one expert's rules into a folder per language: reading rules is what takes ast-grep longest."""
    rules, parts = all_rules(source)
    configs: dict[Language, Path] = {}
    for language, grammars in GRAMMARS.items():
        own = [rule for rule in rules if rule["language"] in grammars and rule["metadata"]["expert"] == expert]
        if own:
            configs[language] = write_config(folder / language, own, needed(own, parts))
    return RulePack(configs)


def write_config(folder: Path, rules: list[Rule], parts: list[Rule]) -> Path:
    """Write what ast-grep reads, and name its main file."""
    for name, documents in (("rules", rules), ("utils", parts)):
        (folder / name).mkdir(parents=True)
        # JSON is YAML too, and the one document per file that shared parts need is no cost for the rules.
        for number, document in enumerate(documents):
            (folder / name / f"{number}.yml").write_text(json.dumps(document), encoding="utf-8")
    config = folder / "sgconfig.yml"
    settings = {"ruleDirs": ["rules"], "utilDirs": ["utils"], "languageGlobs": language_globs()}
    config.write_text(json.dumps(settings), encoding="utf-8")
    return config


@cache
def rule_pack(expert: ExpertName) -> RulePack:
    """The rules of one expert; written once per process."""
    return write_pack(expert, kept_folder())
