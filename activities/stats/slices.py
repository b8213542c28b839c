"""Counts over one slice of the samples, and the shares that come of them."""

from collections import Counter

from activities.stats.intervals import ratio, share
from activities.stats.matching import Judged
from models.measure import Counts, Quality


class Slice:
    """All samples, those in one language, or all by the findings of one expert."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._groups: dict[str, Counter[str]] = {}

    def add(self, group: str, found: Judged, *, is_error: bool, is_partial: bool) -> None:
        """Count one sample.

        Args:
            group: samples of one are not independent.
            found: what the findings are worth; nothing is found where it is an error.
            is_error: whether it could not be judged.
            is_partial: whether its report is partial.
        """
        is_clean = not found.labels
        sums = {"labels": found.labels, "found": found.matched, "located": found.located, "findings": found.findings}
        self.counts.update(sums)
        self._groups.setdefault(group, Counter()).update(sums)
        self.counts.update(
            samples=1,
            clean=is_clean,
            errors=is_error,
            partial=is_partial,
            matched=found.matched,
            right=not is_error and (not found.findings if is_clean else found.matched > 0),
            detected=not is_clean and found.findings > 0,
            false_alarms=is_clean and (is_error or found.findings > 0),
        )

    def quality(self, seed: int) -> Quality:
        """The shares. Those with a fixed denominator have a Wilson interval, the others a bootstrap over groups."""
        counts = Counts.model_validate(self.counts)
        groups = self._groups.values()
        return Quality(
            counts=counts,
            accuracy=share(counts.right, counts.samples),
            recall=share(counts.found, counts.labels),
            detection=share(counts.detected, counts.samples - counts.clean),
            precision=ratio([(it["found"], it["findings"]) for it in groups], seed),
            f1=ratio([(2 * it["found"], it["labels"] + it["findings"]) for it in groups], seed),
            false_positive_rate=share(counts.false_alarms, counts.clean),
            localisation=ratio([(it["located"], it["found"]) for it in groups], seed),
        )
