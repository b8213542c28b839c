"""Which experts review a source, and how the budget is shared among them."""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Literal

from models.expert import ExpertName
from models.source import Evidence

ExpertChoice = Literal["auto", "all"] | tuple[ExpertName, ...]
"""`auto`: by complexity and evidence; `all`; or the experts by name."""

LOW, HIGH = 0.3, 0.7
"""Scores below LOW are simple, above HIGH complex."""

REQUIRED_BY: dict[Evidence, ExpertName] = {
    Evidence.SECURITY_CONSTRUCTS: ExpertName.SECURITY,
    Evidence.COVERAGE: ExpertName.TEST,
    Evidence.PROFILE: ExpertName.PERFORMANCE,
    Evidence.PUBLIC_API_CHANGED: ExpertName.DOCUMENTATION,
}


def select_experts(
    choice: ExpertChoice, *, score: float, evidence: Collection[Evidence], models_routed: bool
) -> tuple[ExpertName, ...]:
    """The experts that take part, in the panel's order.

    Static analysis is free: without a routed model, `auto` means all seven.
    """
    if choice == "all" or (choice == "auto" and (not models_routed or score > HIGH)):
        return tuple(ExpertName)
    if choice == "auto":
        chosen = {ExpertName.QUALITY, ExpertName.META}
        if score >= LOW:
            chosen.add(ExpertName.DEPENDENCY)
        chosen |= {REQUIRED_BY[each] for each in evidence}
        return tuple(name for name in ExpertName if name in chosen)
    return tuple(name for name in ExpertName if name in choice)


def split_budget(total: int, weights: Mapping[ExpertName, float]) -> dict[ExpertName, int]:
    """Share an amount over experts by weight, to the last unit (largest remainder method).

    Args:
        total: micro-USD, at least 0.
        weights: at least 0 each; all zero means equal shares.

    Returns:
        micro-USD per expert; the shares add up to `total` exactly (an empty mapping shares nothing).
    """
    if not weights:
        return {}
    mass = sum(map(Fraction, weights.values()))
    exact = {
        name: total * (Fraction(weight) / mass if mass else Fraction(1, len(weights)))
        for name, weight in weights.items()
    }
    shares = {name: int(amount) for name, amount in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (shares[name] - exact[name], name.value))
    for name in by_remainder[: total - sum(shares.values())]:
        shares[name] += 1
    return shares


class Purse:
    """The budget of one review while it is spent: shares go out, what is not spent comes back to the pool.

    Money is integer micro-USD. The purse never hands out more than it was given.
    """

    def __init__(self, total: int, weights: Mapping[ExpertName, float]) -> None:
        self._shares = split_budget(total, weights)
        self.pool = 0
        """Returned money, free for whoever asks next."""

    def draw(self, expert: ExpertName) -> int:
        """Take the expert's share and all that lies in the pool; 0 means: static only."""
        amount = self._shares.pop(expert, 0) + self.pool
        self.pool = 0
        return amount

    def give_back(self, drawn: int, spent: int, keep_for: ExpertName | None = None) -> None:
        """Return what a call did not spend: to the pool, or to an expert that will ask again.

        Raises:
            ValueError: more was spent than drawn, or less than nothing.
        """
        if not 0 <= spent <= drawn:
            raise ValueError("spent more than was drawn")
        if keep_for is None:
            self.pool += drawn - spent
        else:
            self._shares[keep_for] = self._shares.get(keep_for, 0) + drawn - spent

    def release(self, expert: ExpertName) -> None:
        """An expert that will not ask any more leaves its share to the pool."""
        self.pool += self._shares.pop(expert, 0)
