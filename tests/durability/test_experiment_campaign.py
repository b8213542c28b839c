"""Thirty kills in one experiment. A file of its own, for it takes as long as all others that run beside it."""

import random

import pytest

from models.reviewer_config import ReviewerConfig
from starter.stack.launcher import Stack
from tests.durability.experiment_rig import campaign, service
from tests.durability.test_kills import SEED

__all__ = ["service"]


@pytest.mark.campaign
@pytest.mark.timeout(2400)
def test_an_experiment_survives_thirty_kills(service: Stack) -> None:
    parts = ["worker"] * 26 + ["temporal"] * 4
    random.Random(SEED).shuffle(parts)
    campaign(service, ReviewerConfig(), 150, parts)
