"""How much work is taken on at once: what is over that is refused at once, and does not wait for its time-out."""

from dataclasses import dataclass


class TooManyReviews(Exception):
    """So many reviews are unfinished that no further one is accepted; some end before long.

    Attributes:
        limit: how many may be unfinished.
        own: whether they are the caller's, and not everybody's.
    """

    def __init__(self, limit: int, *, own: bool) -> None:
        super().__init__("too_many_reviews")
        self.limit = limit
        self.own = own


@dataclass(frozen=True, slots=True)
class OpenReviews:
    """How many reviews may be unfinished."""

    per_caller: int
    in_all: int

    def check(self, own: int, in_all: int) -> None:
        """Hold the numbers against the limits, the review that is about to be accepted among them.

        Raises:
            TooManyReviews: one is passed.
        """
        if own > self.per_caller:
            raise TooManyReviews(self.per_caller, own=True)
        if in_all > self.in_all:
            raise TooManyReviews(self.in_all, own=False)
