"""Counts and rates: sample-level verdicts inside each sample's scope, line-level localisation, Wilson intervals."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from models.expert import ExpertFinding
from tests.scoring.families import cwe_matches, rule_matches
from tests.scoring.samples import Sample

Z95 = 1.959963984540054
"""Quantile of the normal distribution for a two-sided 95 % interval."""


def in_scope(finding: ExpertFinding, sample: Sample) -> bool:
    """Whether a finding says something the sample was checked for; anything else is neither right nor wrong.

    Security samples are matched by CWE family. Quality samples that state upstream rules are matched by rule or kind as
    well: many lint rules have no CWE. QuixBugs only says "this program is wrong somewhere", so every finding of the
    quality expert on correctness counts there.
    """
    if any(cwe_matches(finding.cwe, scope) for scope in sample.scope_cwes):
        return True
    if sample.dataset.startswith("security"):
        return False
    if sample.scope_rules == ("quixbugs",):
        return finding.expert == "quality" and finding.severity != "low"
    return any(rule_matches(finding.rule, finding.kind, rule) for rule in sample.scope_rules)


def wilson(hits: int, n: int) -> tuple[float, float] | None:
    """The 95 % Wilson score interval of a proportion; None for no trials."""
    if n == 0:
        return None
    share, z2 = hits / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(slots=True)
class Score:
    """One line of a result table. A rate without a denominator is None: undefined, not zero."""

    tp: int = 0
    fp: int = 0
    tn: int = 0
    fn: int = 0
    labels: int = 0
    labels_hit: int = 0
    located: int = 0
    """In-scope findings on positive samples that touch a labelled line."""
    unlocated: int = 0
    """In-scope findings that touch none, false positives included."""

    @property
    def n(self) -> int:
        return self.tp + self.fp + self.tn + self.fn

    @property
    def precision(self) -> float | None:
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def fpr(self) -> float | None:
        return _ratio(self.fp, self.fp + self.tn)

    @property
    def f1(self) -> float | None:
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def line_recall(self) -> float | None:
        return _ratio(self.labels_hit, self.labels)

    @property
    def line_precision(self) -> float | None:
        return _ratio(self.located, self.located + self.unlocated)

    def add(self, sample: Sample, found: Sequence[ExpertFinding]) -> None:
        """Count one sample with its in-scope findings."""
        if sample.labels:
            self.tp, self.fn = self.tp + bool(found), self.fn + (not found)
        else:
            self.fp, self.tn = self.fp + bool(found), self.tn + (not found)
        self.labels += len(sample.labels)
        self.labels_hit += sum(any(it.lines.overlaps(label.lines) for it in found) for label in sample.labels)
        located = sum(any(it.lines.overlaps(label.lines) for label in sample.labels) for it in found)
        self.located, self.unlocated = self.located + located, self.unlocated + len(found) - located

    def as_dict(self) -> dict[str, object]:
        """Everything for JSON."""
        recall_n, fpr_n = self.tp + self.fn, self.fp + self.tn
        return {
            "n": self.n,
            **{name: getattr(self, name) for name in ("tp", "fp", "tn", "fn")},
            **{name: getattr(self, name) for name in ("precision", "recall", "fpr", "f1")},
            "recall_interval": wilson(self.tp, recall_n),
            "fpr_interval": wilson(self.fp, fpr_n),
            "line_recall": self.line_recall,
            "line_precision": self.line_precision,
        }


def score(
    samples: Iterable[Sample],
    findings: dict[str, list[ExpertFinding]],
    keep: Callable[[ExpertFinding], bool] = lambda _: True,
) -> Score:
    """Score some samples by the findings that `keep` lets through.

    Args:
        samples: what to score.
        findings: by sample path.
        keep: which findings count, to score one expert or tool alone.
    """
    total = Score()
    for sample in samples:
        total.add(sample, [it for it in findings.get(sample.path, []) if keep(it) and in_scope(it, sample)])
    return total
