"""Public code that no test names: a weak sign, used only where no coverage report tells more."""

from collections.abc import Iterable

from activities.experts.analysers.common import CODE, Hit, files_of
from activities.experts.analysers.coverage_report import KINDS
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
    under_review,
)
from activities.experts.children.places import is_test
from activities.ports import SourceTree
from models.expert import ExpertName, Severity
from models.source import SourceFile

MIN_UNNAMED = 4
"""Definitions of a partly tested file that have to be unnamed, and half of all, before it is worth a finding."""
MIN_PUBLIC = 2
"""Definitions that a file without any test has at least before it is worth a finding."""


class FileUntested(Facts):
    """Definitions of one file that no test names."""

    path: Name
    public: Count
    unnamed: tuple[tuple[Name, Line, Line], ...]
    unnamed_count: Count


class UntestedAnswer(Answer):
    """What the child says."""

    files: tuple[FileUntested, ...]


class UntestedCodeAnalyser(ChildAnalyser[UntestedAnswer]):
    """Names of the product looked for in the tests, for the test expert."""

    name = "untested-code"
    expert = ExpertName.TEST
    child = "untested.py"
    package = "tree-sitter"
    answer = UntestedAnswer

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every file in a language with a grammar, if there are tests and no report that knows better."""
        paths = files_of(tree, CODE)
        if any(kind in tree.artifacts for kind in KINDS) or not any(is_test(path) for path in paths):
            return ()
        return paths

    def told(self, answer: UntestedAnswer, tree: SourceTree) -> Told:
        """The surest first."""
        files = files_by_path(tree)
        hits = [hit for fact in answer.files if fact.path in files for hit in hits_of(fact, files[fact.path])]
        hits.sort(key=lambda hit: (-hit.confidence, hit.path))
        return Told(hits)


def hits_of(fact: FileUntested, file: SourceFile) -> Iterable[Hit]:
    """One finding per file, in a change only for what it touches."""
    items = [item for item in fact.unnamed if under_review(file, item[1], item[2])]
    if not items:
        return
    whole = fact.unnamed_count == fact.public
    many = fact.unnamed_count >= MIN_UNNAMED and fact.unnamed_count * 2 >= fact.public
    if file.changed is None and not many and not (whole and fact.public >= MIN_PUBLIC):
        return
    name, line, _ = items[0]
    if file.changed is not None:
        count, text = len(items), f"{len(items)} changed public functions or classes"
    else:
        count, text = fact.unnamed_count, f"{fact.unnamed_count} of {fact.public} public functions and classes"
    yield Hit(
        file.path,
        line,
        line,
        rule="untested-module" if whole and file.changed is None else "untested-function",
        kind="untested-change" if file.changed is not None else "untested-code",
        severity=Severity.LOW,
        confidence=0.45 if whole and count >= MIN_UNNAMED else 0.3,
        message=f"No test file of this source names {text} of this file (first `{plain_name(name)}`). They may still "
        "be reached through others.",
        recommendation="Test what others rely on directly, or come with a coverage report that shows it is reached.",
    )
