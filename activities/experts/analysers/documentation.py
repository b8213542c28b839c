"""Missing and contradicting documentation, in all languages, from syntax trees."""

from collections.abc import Iterable
from typing import Literal

from activities.experts.analysers.common import CODE, Hit, files_of
from activities.experts.analysers.facts import (
    Answer,
    ChildAnalyser,
    Count,
    Facts,
    Line,
    Name,
    Told,
    files_by_path,
    plain_name,
    plain_names,
    under_review,
)
from activities.ports import SourceTree
from models.expert import ExpertName, Severity
from models.source import SourceFile

_SHOWN = {"unknown-parameter": 3, "missing-parameter": 1, "return-without-value": 1}
"""Findings per rule and file, the rest is counted: a file with more needs one reading, not ten findings."""
_STALE = {
    "unknown-parameter": (
        Severity.MEDIUM,
        0.85,
        "The documentation of `{name}` names parameters it does not have: {names}.",
    ),
    "missing-parameter": (Severity.LOW, 0.6, "The documentation of `{name}` leaves out parameters: {names}."),
    "return-without-value": (
        Severity.LOW,
        0.6,
        "The documentation of `{name}` promises a return value; it returns none.",
    ),
}
_ADVICE = {
    "unknown-parameter": "Bring the documentation in line with the signature; a renamed parameter is the usual cause.",
    "missing-parameter": "Document the new parameters, or none if the names say enough.",
    "return-without-value": "Drop the sentence about the return value, or return the value.",
}


class Stale(Facts):
    """Documentation that differs from the signature."""

    rule: Literal["unknown-parameter", "missing-parameter", "return-without-value"]
    name: Name
    names: tuple[Name, ...]
    start: Line
    end: Line


class FileDocs(Facts):
    """What is wrong with the documentation of one file."""

    path: Name
    public: Count
    missing: tuple[tuple[Literal["module", "class", "function"], Name, Line, Line], ...]
    missing_count: Count
    stale: tuple[Stale, ...]


class DocumentationAnswer(Answer):
    """What the child says."""

    files: tuple[FileDocs, ...]


class DocumentationAnalyser(ChildAnalyser[DocumentationAnswer]):
    """Documentation comments against public definitions and their signatures."""

    name = "tree-sitter-docs"
    expert = ExpertName.DOCUMENTATION
    child = "documentation.py"
    package = "tree-sitter"
    answer = DocumentationAnswer

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every file in a language with a grammar."""
        return files_of(tree, CODE)

    def told(self, answer: DocumentationAnswer, tree: SourceTree) -> Told:
        """File by file."""
        files = files_by_path(tree)
        hits = [hit for fact in answer.files if fact.path in files for hit in hits_of(fact, files[fact.path])]
        return Told(hits, {"undocumented-public": float(sum(fact.missing_count for fact in answer.files))})


def hits_of(fact: FileDocs, file: SourceFile) -> Iterable[Hit]:
    """The findings of one file: contradictions first, then one for all that is missing."""
    stale = [item for item in fact.stale if under_review(file, item.start, item.end)]
    for rule, most in _SHOWN.items():
        same = sorted((item for item in stale if item.rule == rule), key=lambda item: (item.start, item.name))
        for number, item in enumerate(same[:most], 1):
            yield _stale_hit(file.path, item, len(same) - most if number == most else 0)
    missing = [item for item in fact.missing if under_review(file, item[2], item[3])]
    # In a fragment the comment may stand above what is known.
    if not missing or file.fragment:
        return
    count = fact.missing_count if file.changed is None else len(missing)
    kind, name, line, _ = next((item for item in missing if item[0] != "module"), missing[0])
    which = f"first `{plain_name(name)}`" if kind != "module" else "the module itself"
    scope = f"{count} of {fact.public}" if file.changed is None else f"{count} changed"
    text = f"{scope} public definitions without documentation ({which})."
    advice = "Say what each is for and what its caller has to know; start with the ones used from other files."
    yield Hit(
        file.path, line, line, "missing-docs", "missing-docs", Severity.LOW, 0.7 if count > 1 else 0.6, text,
        recommendation=advice,
    )  # fmt: skip


def _stale_hit(path: str, item: Stale, more: int) -> Hit:
    severity, confidence, message = _STALE[item.rule]
    text = message.format(name=plain_name(item.name), names=plain_names(item.names))
    if more > 0:
        text += f" The same holds for {more} more in this file."
    return Hit(
        path,
        item.start,
        item.end,
        rule=item.rule,
        kind="stale-docs",
        severity=severity,
        confidence=confidence,
        message=text,
        recommendation=_ADVICE[item.rule],
    )
