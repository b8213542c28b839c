"""How many samples it takes to see a difference."""

import math
from collections.abc import Callable
from typing import cast


def _quantiles(alpha: float, power: float) -> tuple[float, float]:
    from scipy.special import ndtri

    return float(ndtri(1 - alpha / 2)), float(ndtri(power))


def mcnemar_sample_size(discordant: float, difference: float, *, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """Pairs in which McNemar's test finds a difference of shares (Connor, 1987).

    n = ((z_alpha sqrt(psi) + z_power sqrt(psi - d^2)) / d)^2

    Args:
        discordant: share of pairs that differ, psi.
        difference: of the shares, d, of either sign.
        alpha: two-sided.
        power: chance to find it.

    Returns:
        None where there is no such difference: it is 0, or more than the pairs that differ.
    """
    apart = abs(difference)
    if apart == 0 or apart > discordant + 1e-12 or discordant > 1:
        return None
    z_alpha, z_power = _quantiles(alpha, power)
    spread = z_alpha * math.sqrt(discordant) + z_power * math.sqrt(max(discordant - apart**2, 0.0))
    needed = (spread / apart) ** 2
    return math.ceil(needed - 1e-9) if math.isfinite(needed) else None


def mcnemar_detectable(n: int, discordant: float, *, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Smallest difference of shares that McNemar's test finds in `n` pairs; None: not even the largest there can be."""
    from scipy.optimize import brentq  # pyright: ignore[reportUnknownVariableType]

    if n < 1 or not 0 < discordant <= 1:
        return None
    z_alpha, z_power = _quantiles(alpha, power)

    def missing(apart: float) -> float:
        spread = z_alpha * math.sqrt(discordant) + z_power * math.sqrt(max(discordant - apart**2, 0.0))
        return spread - apart * math.sqrt(n)

    if missing(discordant) > 0:
        return None
    return float(cast(Callable[..., float], brentq)(missing, 0.0, discordant))


def mean_difference_sample_size(
    difference: float,
    variance: float,
    *,
    noise1: float = 0.0,
    noise2: float = 0.0,
    repeats1: int = 1,
    repeats2: int = 1,
    alpha: float = 0.05,
    power: float = 0.8,
) -> int | None:
    """Pairs in which a difference of means is found (Miller, Adding Error Bars to Evals, 2024).

    n = (z_alpha + z_power)^2 (w^2 + s1^2 / K1 + s2^2 / K2) / d^2

    Args:
        difference: d, of either sign; 0 is never found: None.
        variance: of the differences of samples' expected scores, w^2.
        noise1: variance of the answers to one sample on v1, s1^2.
        noise2: on v2.
        repeats1: answers to each sample on v1, K1.
        repeats2: on v2.
        alpha: two-sided.
        power: chance to find it.
    """
    if difference == 0:
        return None
    spread = variance + noise1 / repeats1 + noise2 / repeats2
    needed = sum(_quantiles(alpha, power)) ** 2 * spread / difference**2
    return max(math.ceil(needed - 1e-9), 1) if math.isfinite(needed) else None
