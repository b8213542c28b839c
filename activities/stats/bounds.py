"""One-sided bounds for the gate."""

from activities.stats.intervals import ONE_SIDED, clopper_pearson, wilson
from models.gate_facts import OneSided
from models.measure import Metrics


def one_sided(metrics: Metrics) -> OneSided:
    """95 % bounds on each side alone: Wilson for accuracy, Clopper-Pearson for the error rate, which is promised."""
    counts = metrics.quality.counts
    if not counts.samples:
        return OneSided()
    accuracy = wilson(counts.right, counts.samples, ONE_SIDED)
    errors = clopper_pearson(counts.errors, counts.samples, ONE_SIDED)
    return OneSided(accuracy[0], accuracy[1], errors[0], errors[1])
