"""One-to-one assignment of findings to the labels of a sample."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from models.dataset import Label, Scope
from models.matching import LINE_TOLERANCE, Claim, Fit, fit, in_scope


@dataclass(frozen=True, slots=True)
class Match:
    """A finding that stands for a label."""

    claim: Claim
    label: Label
    exact: bool
    """It is on the labelled lines, without tolerance."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one reviewer's findings are worth on one sample."""

    labels: int
    findings: int
    """In scope."""
    matches: tuple[Match, ...] = ()

    @property
    def matched(self) -> int:
        """Labels found, which is findings that are right."""
        return len(self.matches)

    @property
    def located(self) -> int:
        """Of those, exactly on the labelled lines."""
        return sum(match.exact for match in self.matches)


def judged(claims: Iterable[Claim], labels: Sequence[Label], scope: Scope, tolerance: int = LINE_TOLERANCE) -> Judged:
    """Judge the findings of one sample inside its scope."""
    inside = [claim for claim in claims if in_scope(claim, scope)]
    return Judged(len(labels), len(inside), assigned(inside, labels, tolerance))


def assigned(claims: Sequence[Claim], labels: Sequence[Label], tolerance: int = LINE_TOLERANCE) -> tuple[Match, ...]:
    """Pair claims with labels, each at most once: as many pairs as there can be.

    Of those assignments the one with the most pairs on the labelled lines exactly, of those the one that fits best, by
    minimum-weight bipartite matching (`scipy.optimize.linear_sum_assignment`). The order of neither side matters.
    """
    claims = sorted(claims, key=lambda claim: claim.order)
    labels = sorted(labels, key=lambda label: (label.line_start, label.line_end, label.type, label.model_dump_json()))
    fits = [[fit(claim, label, tolerance) for label in labels] for claim in claims]
    if not any(each for row in fits for each in row):
        return ()
    import numpy as np
    from scipy.optimize import linear_sum_assignment  # pyright: ignore[reportUnknownVariableType]

    solve = cast(Callable[..., tuple[Iterable[int], Iterable[int]]], linear_sum_assignment)
    most = min(len(claims), len(labels)) + 1
    weights = np.array([[_weight(each, most) for each in row] for row in fits])
    rows, columns = solve(weights, maximize=True)
    pairs = zip(map(int, rows), map(int, columns), strict=True)
    return tuple(
        Match(claims[row], labels[column], found.exact) for row, column in pairs if (found := fits[row][column])
    )


def _weight(found: Fit | None, most: int) -> float:
    """Weight of a pair: one pair more outweighs any number of exact ones, one exact pair any closeness.

    There are fewer than `most` pairs, and the closeness of each is at most 1.
    """
    return 0.0 if found is None else most * most + most * found.exact + found.closeness
