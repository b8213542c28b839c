"""Profiles (cProfile's pstats, speedscope) against the source: where the time goes."""

from collections.abc import Iterable

from activities.experts.analysers.common import CODE, PYTHON, Hit, files_of
from activities.experts.analysers.facts import (
    Answer,
    ChildAnalyser,
    Count,
    Facts,
    Line,
    Name,
    Share,
    Told,
    files_by_path,
    plain_name,
)
from activities.experts.children.places import is_test
from activities.ports import SourceTree
from models.expert import ExpertName, Severity
from models.source import ArtifactKind, SourceFile

KINDS = (ArtifactKind.PSTATS, ArtifactKind.SPEEDSCOPE)
HOT_SHARE = 0.10
"""Share of the whole time, in a function itself and in libraries it calls, from which it is hot."""
MEDIUM_SHARE = 0.25
HIGH_SHARE = 0.50
CHATTY_CALLS = 50_000
"""Calls in one profile from which the calling itself is worth a look."""
CHATTY_SHARE = 0.03
CHATTY_MICROSECONDS = 20.0
"""Own time per call up to which a function is small."""
MAX_FUNCTIONS = 10
"""Functions reported of one run."""


class HotFunction(Facts):
    """What the profile says of one function."""

    profile: str
    path: Name
    line: Line
    end_line: Line
    name: Name
    self_share: Share
    share: Share
    total_share: Share
    passes_on: bool
    """Nearly all of its time is spent in one other function of the source."""
    calls: Count
    outer_calls: Count
    microseconds_per_call: Share | None


class ProfileAnswer(Answer):
    """What the child says."""

    functions: tuple[HotFunction, ...]
    matched: Count


class ProfileAnalyser(ChildAnalyser[ProfileAnswer]):
    """The reader of profiles in the hands of the performance expert; unmarshalling pstats may crash its child."""

    name = "profile"
    expert = ExpertName.PERFORMANCE
    child = "profile_report.py"
    package = "conclave"
    answer = ProfileAnswer
    artifacts = KINDS

    def wants(self, tree: SourceTree) -> tuple[str, ...]:
        """Every file the profile can be about: pstats knows Python only."""
        if ArtifactKind.SPEEDSCOPE in tree.artifacts:
            return files_of(tree, CODE)
        return files_of(tree, PYTHON) if ArtifactKind.PSTATS in tree.artifacts else ()

    def told(self, answer: ProfileAnswer, tree: SourceTree) -> Told:
        """The hottest functions."""
        hits = list(hits_of(answer.functions, files_by_path(tree)))[:MAX_FUNCTIONS]
        return Told(hits, {"profile-functions-matched": float(answer.matched)})


def hits_of(functions: Iterable[HotFunction], files: dict[str, SourceFile]) -> Iterable[Hit]:
    """The findings, hottest first; tests take time without being the product's problem."""
    for fact in functions:
        if fact.path not in files or is_test(fact.path):
            continue
        hot = fact.self_share >= HOT_SHARE or (fact.share >= HOT_SHARE and not fact.passes_on)
        if hot:
            yield _hot(fact)
        elif _is_chatty(fact):
            yield _chatty(fact)


def _is_chatty(fact: HotFunction) -> bool:
    per_call = fact.microseconds_per_call
    return (
        fact.calls >= CHATTY_CALLS
        and fact.share >= CHATTY_SHARE
        and (per_call is None or per_call <= CHATTY_MICROSECONDS)
    )


def _hot(fact: HotFunction) -> Hit:
    severity = (
        Severity.HIGH if fact.share >= HIGH_SHARE else Severity.MEDIUM if fact.share >= MEDIUM_SHARE else Severity.LOW
    )
    called = f", {fact.calls:,} calls" if fact.calls else ""
    recursive = f" of which {fact.outer_calls:,} from outside it" if fact.outer_calls < fact.calls else ""
    return Hit(
        fact.path,
        fact.line,
        fact.end_line,
        rule="hot-function",
        kind="hot-function",
        severity=severity,
        confidence=0.9,
        message=f"`{plain_name(fact.name)}` takes {fact.share:.0%} of the profiled time with the libraries it calls "
        f"({fact.self_share:.0%} in its own lines, {fact.total_share:.0%} in all{called}{recursive}).",
        recommendation="Look here first: do less work per call (cache, hoist, batch) or call it less often.",
    )


def _chatty(fact: HotFunction) -> Hit:
    each = f" of {fact.microseconds_per_call:.1f} microseconds" if fact.microseconds_per_call is not None else ""
    return Hit(
        fact.path,
        fact.line,
        fact.end_line,
        rule="chatty-call",
        kind="chatty-call",
        severity=Severity.LOW,
        confidence=0.7,
        message=f"`{plain_name(fact.name)}` is called {fact.calls:,} times{each}: {fact.share:.0%} of the profiled "
        "time goes into many small calls.",
        recommendation="Work on whole collections per call, keep the result, or inline it where a loop calls it.",
    )
