"""Columns of numbers, and what may leave them: a finite number or nothing."""

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]
    Values = Sequence[float] | Floats | NDArray[np.integer] | NDArray[np.bool_]
    Groups = Sequence[Hashable] | Codes | None


def column(values: "Values") -> "Floats":
    """A column of floats.

    Raises:
        ValueError: there is more than one column, or a number in it is not finite.
    """
    import numpy as np

    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not bool(np.isfinite(found).all()):
        raise ValueError("expected one column of finite numbers")
    return found


def pairs(v1: "Values", v2: "Values") -> "tuple[Floats, Floats]":
    """Two columns of as many numbers; ValueError else."""
    first, second = column(v1), column(v2)
    if len(first) != len(second):
        raise ValueError("pairs have two sides: the columns differ in length")
    return first, second


def codes(groups: "Groups", n: int) -> "tuple[Codes, int]":
    """Number of each pair's cluster by order of appearance, and how many there are; ValueError if not for all pairs."""
    import numpy as np

    if groups is None:
        return np.arange(n, dtype=np.int64), n
    if len(groups) != n:
        raise ValueError("every pair belongs to one group")
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(group, len(known)) for group in groups], dtype=np.int64), len(known)


def finite(value: Any) -> float | None:
    """A number, or None in the place of nan and infinity."""
    number = float(value)
    return number if math.isfinite(number) else None
