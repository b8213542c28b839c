"""Several p-values at once. One that could not be computed is no member of the family and stays None."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted so that one false alarm among all is as rare as alpha (Holm, 1979)."""
    return _adjusted(p_values, "holm")


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted so that the share of false alarms among alarms is alpha (Benjamini and Hochberg, 1995)."""
    return _adjusted(p_values, "fdr_bh")


def _adjusted(p_values: Sequence[float | None], method: str) -> list[float | None]:
    known = [p for p in p_values if p is not None]
    if not known:
        return list(p_values)
    library: Any = import_module("statsmodels.stats.multitest")
    adjusted = iter(library.multipletests(known, method=method)[1].tolist())
    return [None if p is None else float(next(adjusted)) for p in p_values]
