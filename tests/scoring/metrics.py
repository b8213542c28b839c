"""Counts and rates of findings inside each sample's scope: by sample, and by label as experiments match them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from activities.stats.intervals import wilson
from activities.stats.matching import Judged, judged
from models.consensus import Cluster, cluster
from models.dataset import Scope
from models.expert import ExpertFinding
from models.matching import Claim
from tests.scoring.samples import Sample

LINE_SLACK = 1
"""Findings of two tools this many lines apart are one issue, as in the panel."""
ANY_BUG = Scope(rules=("quixbugs",))
"""QuixBugs only says "this program is wrong somewhere"; every finding of the quality expert on correctness counts."""


def judge(sample: Sample, found: Iterable[ExpertFinding]) -> Judged:
    """What findings are worth on a sample, those that are one issue merged first."""
    if sample.scope == ANY_BUG:
        bugs = [it for it in found if it.expert == "quality" and it.severity != "low"]
        return judged(map(_claim, cluster(bugs, LINE_SLACK)), sample.labels, Scope())
    return judged(map(_claim, cluster(list(found), LINE_SLACK)), sample.labels, sample.scope)


def _claim(issue: Cluster) -> Claim:
    rules = frozenset(it.rule for it in issue.findings)
    return Claim(issue.lead.kind, issue.lead.cwe, rules, frozenset(issue.supporters), issue.lead.lines)


def wilson_of(hits: int, n: int) -> tuple[float, float] | None:
    """The 95 % interval of a share; None for no trials."""
    return wilson(hits, n) if n else None


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
    matched: int = 0
    """Labels that a finding is assigned to, which is findings that are right."""
    findings: int = 0
    """Issues in scope, on labelled and on clean samples."""
    right: int = 0
    """Clean samples without an issue, and labelled ones with one at a label."""

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
    def label_recall(self) -> float | None:
        return _ratio(self.matched, self.labels)

    @property
    def label_precision(self) -> float | None:
        return _ratio(self.matched, self.findings)

    @property
    def label_accuracy(self) -> float | None:
        return _ratio(self.right, self.n)

    def add(self, sample: Sample, found: Sequence[ExpertFinding]) -> None:
        """Count one sample."""
        result = judge(sample, found)
        said = bool(result.findings)
        if sample.labels:
            self.tp, self.fn = self.tp + said, self.fn + (not said)
        else:
            self.fp, self.tn = self.fp + said, self.tn + (not said)
        self.labels, self.findings = self.labels + len(sample.labels), self.findings + result.findings
        self.matched += result.matched
        self.right += result.matched > 0 if sample.labels else not said

    def as_dict(self) -> dict[str, object]:
        """Everything for JSON."""
        recall_n, fpr_n = self.tp + self.fn, self.fp + self.tn
        rates = ("precision", "recall", "fpr", "f1", "label_recall", "label_precision", "label_accuracy")
        return {
            "n": self.n,
            **{name: getattr(self, name) for name in ("tp", "fp", "tn", "fn", "labels", "findings", "matched")},
            **{name: getattr(self, name) for name in rates},
            "recall_interval": wilson_of(self.tp, recall_n),
            "fpr_interval": wilson_of(self.fp, fpr_n),
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
        total.add(sample, [it for it in findings.get(sample.path, []) if keep(it)])
    return total
