"""Result tables as plain text."""

from collections.abc import Callable, Iterable, Sequence

from models.expert import ExpertFinding
from tests.scoring.metrics import Score, judge, score, wilson_of
from tests.scoring.samples import Sample

Findings = dict[str, list[ExpertFinding]]
Scores = dict[str, dict[str, Score]]
HEADER = (
    f"{'':<38} {'n':>5} {'TP':>4} {'FP':>4} {'prec':>6} {'recall':>6} {'[95 %]':>13} "
    f"{'FPR':>6} {'[95 %]':>13} {'F1':>6} {'label R/P':>11} {'acc':>6}"
)


def _rate(value: float | None) -> str:
    return "     -" if value is None else f"{value:6.3f}"


def _interval(hits: int, n: int) -> str:
    bounds = wilson_of(hits, n)
    return f"{'-':>13}" if bounds is None else f"{bounds[0]:.3f}-{bounds[1]:.3f}".rjust(13)


def row(name: str, it: Score) -> str:
    """One line of the table."""
    return (
        f"{name[:38]:<38} {it.n:>5} {it.tp:>4} {it.fp:>4} {_rate(it.precision)} {_rate(it.recall)} "
        f"{_interval(it.tp, it.tp + it.fn)} {_rate(it.fpr)} {_interval(it.fp, it.fp + it.tn)} {_rate(it.f1)} "
        f"{_rate(it.label_recall)[1:]}/{_rate(it.label_precision)[1:]} {_rate(it.label_accuracy)}"
    )


def breakdown(samples: Sequence[Sample], findings: Findings) -> Scores:
    """Scores of one dataset: the whole panel, then by expert, tool, language and CWE (or upstream rule)."""
    every = [it for found in findings.values() for it in found]
    by: Scores = {"all": {"panel": score(samples, findings)}}
    by["expert"] = {str(name): score(samples, findings, _by("expert", name)) for name in _values(every, "expert")}
    by["tool"] = {str(name): score(samples, findings, _by("tool", name)) for name in _values(every, "tool")}
    by["language"] = _grouped(samples, findings, lambda it: it.language)
    by["scope"] = _grouped(samples, findings, lambda it: it.checked_for)
    return by


def baselines(scores: Scores) -> Scores:
    """The panel beside each of its tools alone."""
    return {by: scores[by] for by in ("all", "tool")}


def _values(found: Iterable[ExpertFinding], name: str) -> list[str]:
    return sorted({str(getattr(it, name)) for it in found})


def _by(name: str, value: str) -> Callable[[ExpertFinding], bool]:
    return lambda it: str(getattr(it, name)) == value


def _grouped(samples: Sequence[Sample], findings: Findings, key: Callable[[Sample], str]) -> dict[str, Score]:
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(key(sample), []).append(sample)
    return {name: score(members, findings) for name, members in sorted(groups.items(), key=lambda it: -len(it[1]))}


def wrong(samples: Sequence[Sample], findings: Findings) -> dict[str, dict[str, list[str]]]:
    """Sample ids that went wrong, by scope: `missed` (labelled, nothing in scope) and `false` (clean, something)."""
    lists: dict[str, dict[str, list[str]]] = {}
    for sample in samples:
        found = judge(sample, findings.get(sample.path, []))
        if bool(found.findings) == bool(sample.labels):
            continue
        lists.setdefault(sample.checked_for, {"missed": [], "false": []})[
            "missed" if sample.labels else "false"
        ].append(sample.id)
    return lists
