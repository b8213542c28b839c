"""Which observations of two runs belong together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TypeVar

from activities.stats.observed import Observation
from models.comparison import Pairing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Observations of both sides, place by place of the same sample and repeat."""

    v1: tuple[Observation, ...]
    v2: tuple[Observation, ...]
    groups: tuple[int, ...]
    """Number of each pair's cluster."""
    only_v1: int = 0
    only_v2: int = 0

    def __len__(self) -> int:
        return len(self.v1)

    @property
    def clustered(self) -> bool:
        """Whether any cluster has more than one pair."""
        return len(set(self.groups)) < len(self.groups)

    @property
    def pairing(self) -> Pairing:
        """What the report says of it."""
        return Pairing(
            paired=len(self),
            only_v1=self.only_v1,
            only_v2=self.only_v2,
            groups=len(set(self.groups)),
            clustered=self.clustered,
        )

    def where(self, kept: Callable[[Observation, Observation], bool]) -> "Pairs":
        """Only some of the pairs."""
        keep = [kept(one, other) for one, other in zip(self.v1, self.v2, strict=True)]
        return Pairs(_kept(self.v1, keep), _kept(self.v2, keep), _kept(self.groups, keep))

    def values(self, read: Callable[[Observation], float]) -> tuple[list[float], list[float]]:
        """One number of each observation, of both sides."""
        return [read(each) for each in self.v1], [read(each) for each in self.v2]


def paired(v1: Sequence[Observation], v2: Sequence[Observation]) -> Pairs:
    """Pair by sample and repeat; the order of neither side matters."""
    one, other = {each.key: each for each in v1}, {each.key: each for each in v2}
    keys = sorted(one.keys() & other.keys())
    numbers: dict[str, int] = {}
    groups = tuple(numbers.setdefault(one[key].group, len(numbers)) for key in keys)
    return Pairs(
        v1=tuple(one[key] for key in keys),
        v2=tuple(other[key] for key in keys),
        groups=groups,
        only_v1=len(one) - len(keys),
        only_v2=len(other) - len(keys),
    )


def _kept(values: Sequence[T], keep: Sequence[bool]) -> tuple[T, ...]:
    return tuple(compress(values, keep))
