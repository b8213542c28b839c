"""Evidence that may be looked at while samples arrive."""

import math

MOST = 709.0
"""Logarithm of what a float can hold."""


def e_process(only_v1: int, only_v2: int) -> tuple[float, float]:
    """E-value of the discordant pairs so far, and the p-value that holds at whatever moment one looks.

    The likelihood of a share that is uniform between 0 and 1 against that of one half: E = B(b + 1, c + 1) 2^(b + c),
    p = min(1, 1 / E) (Ville's inequality; Ramdas and others, 2023).
    """
    from scipy.special import betaln

    log = float(betaln(only_v1 + 1, only_v2 + 1)) + (only_v1 + only_v2) * math.log(2)
    return math.exp(min(log, MOST)), min(1.0, math.exp(-log)) if log > 0 else 1.0
