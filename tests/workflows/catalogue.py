"""Every situation whose history is kept, by the name of its file."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.client import Client

from tests.workflows.comparisons import COMPARISONS
from tests.workflows.experiments import EXPERIMENTS
from tests.workflows.promotion_rig import PROMOTIONS, run_promotion
from tests.workflows.promotions import MORE_PROMOTIONS
from tests.workflows.review_endings import ENDINGS
from tests.workflows.rotations import ROTATIONS
from tests.workflows.situations import HISTORIES, SITUATIONS, run_situation
from tests.workflows.ticks import TICKS
from tests.workflows.upkeep import UPKEEP, run_upkeep
from workflows import key_rotation, options, promotion

Situation = Callable[[Client, str], Awaitable[str]]
"""Runs it on a queue of its own; returns the history as JSON."""

FINGERPRINTS = HISTORIES.parent / "fingerprints"

CATALOGUE: dict[str, Situation] = {
    **{f"review-{name}": partial(run_situation, name) for name in SITUATIONS},
    **ENDINGS,
    **EXPERIMENTS,
    **COMPARISONS,
    **{name: partial(run_promotion, name) for name in PROMOTIONS},
    **MORE_PROMOTIONS,
    **{name: partial(run_upkeep, name) for name in UPKEEP},
    **ROTATIONS,
    **TICKS,
}

RACING = frozenset(
    {
        "experiment-passes",
        "experiment-pauses",
        "experiment-is-cancelled",
        "experiment-is-blacklisted-midway",
    }
)
"""Their chains of steps run side by side, so their fingerprints tell less of the order."""

BY_LUCK = frozenset({"promotion-approved"})
"""Recorded while a hint and a timer raced. It is replayed as every other; run anew it may take another course."""


CONSTANTS: dict[str, tuple[Any, str, Any]] = {
    "review-step-out-of-time": (options.ANALYSE, "schedule_to_close_timeout", timedelta(seconds=1)),
    "promotion-goes-on": (promotion, "MOST_LOOKS", 2),
    "key-rotation-goes-on": (key_rotation, "PAGES_PER_RUN", 3),
    "key-rotation-retires": (key_rotation, "SETTLING", timedelta(seconds=0.3)),
}
"""What is set to another value while these run, or are replayed: else they would take minutes, or megabytes.

Each sets another one, so that they may run together; others must not run meanwhile.
"""


@contextmanager
def constants(*names: str) -> Generator[None]:
    """Set them for situations; those without any are left as they are."""
    with pytest.MonkeyPatch.context() as patch:
        for where, name, value in (CONSTANTS[each] for each in names if each in CONSTANTS):
            if isinstance(where, dict):
                patch.setitem(cast(dict[str, Any], where), name, value)
            else:
                patch.setattr(where, name, value)
        yield


def history_file(name: str) -> Path:
    """Where the history of a situation is kept."""
    return HISTORIES / f"{name}.json"


def situation_of(stem: str) -> str:
    """The situation of a history's file: `NAME~2` is an older one of `NAME`, kept for processes that still run."""
    return stem.partition("~")[0]
