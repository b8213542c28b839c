"""How many more samples an inconclusive gate asks for: until its numbers, if they stay, are on one side of a bound."""

import math
from collections.abc import Sequence

from models.gate import Denial, GateInput

Z = 1.6448536269514722
"""Of a one-sided 95 % bound."""
MOST = 100_000
"""More is never asked for; at the threshold itself no number would do."""
NEAREST = 1e-9
"""Distance from a bound below which a number counts as on it."""


def further_samples(facts: GateInput, denials: Sequence[Denial]) -> int | None:
    """About how many more samples than `facts.n` would be conclusive; None: more samples are not what is missing."""
    wanted = [samples for denial in denials if (samples := _wanted(facts, denial)) is not None]
    return max(1, min(math.floor(max(wanted)) - facts.n, MOST)) if wanted else None


def _wanted(facts: GateInput, denial: Denial) -> float | None:
    """How many samples, in all, would settle a denial."""
    match denial:
        case Denial(metric="n", bound=float(bound)):
            return bound
        case Denial(metric="accuracy_low", bound=float(bound)) if facts.accuracy is not None:
            return 1 + for_wilson(facts.accuracy, bound)
        case Denial(metric="error_rate_high", bound=float(bound)) if facts.error_rate is not None:
            return 1 + for_clopper_pearson(facts.error_rate, bound)
        case Denial(metric="cost_increase_high", bound=float(bound), observed=float(high)) if (
            facts.cost_increase is not None
        ):
            return 1 + for_mean(facts.n, high - facts.cost_increase, _distance(facts.cost_increase, bound))
        case _:
            return None


def for_wilson(rate: float, bound: float) -> float:
    """Samples at which the one-sided Wilson bound of `rate` is at `bound`.

    Wilson's interval is the inverted score test: that is where their distance is Z standard errors under `bound`.
    """
    return bound * (1 - bound) * (Z / _distance(rate, bound)) ** 2


def for_clopper_pearson(rate: float, bound: float) -> float:
    """The same of a Clopper-Pearson bound: the score test with half of Yates's correction, the distance less 1/(4 n).

    At a bound of 0.05 that is never too few, and at most 4 % too many.
    """
    distance, spread = _distance(rate, bound), Z * math.sqrt(bound * (1 - bound))
    return ((spread + math.sqrt(spread * spread + distance)) / (2 * distance)) ** 2


def for_mean(n: int, width: float, distance: float) -> float:
    """Samples at which a bound is `distance` from its mean, if it is `width` away after `n`: it nears as their root."""
    return n * min(width / distance, MOST) ** 2


def _distance(value: float, bound: float) -> float:
    return max(abs(value - bound), NEAREST)
