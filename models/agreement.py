"""Agreement between raters that do not all rate everything."""

from collections import Counter
from collections.abc import Hashable, Sequence


def krippendorff_alpha(units: Sequence[Sequence[Hashable | None]]) -> float | None:
    """Krippendorff's alpha for nominal ratings with missing values.

    `alpha = 1 - D_o / D_e` over the coincidence matrix of pairable values (Krippendorff, "Computing Krippendorff's
    Alpha-Reliability", 2011); the textbook data of that paper give .743.

    Args:
        units: for each unit the raters' values; None is a missing rating (an abstention).

    Returns:
        alpha (1 perfect, 0 chance, below 0 systematic disagreement); None when no unit has two ratings. Where all
        pairable values are one and the same there is no variation to measure and alpha is taken as 1.
    """
    pairable = [Counter(value for value in unit if value is not None) for unit in units]
    pairable = [counts for counts in pairable if counts.total() >= 2]
    total = sum(counts.total() for counts in pairable)
    if total == 0:
        return None
    marginals: Counter[Hashable] = Counter()
    observed = 0.0
    for counts in pairable:
        marginals.update(counts)
        size = counts.total()
        observed += (size * size - sum(count * count for count in counts.values())) / (size - 1)
    expected = (total * total - sum(count * count for count in marginals.values())) / (total - 1)
    return 1.0 if expected == 0 else 1.0 - observed / expected
