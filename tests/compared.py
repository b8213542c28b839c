"""Observations of two sides, made by rule, and the report that compares them."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.comparison_ports import RunTotals, StoredComparison
from activities.stats.comparing import Evidence, Runs, compare
from activities.stats.observed import Observation
from models.comparison import ComparedSide, ComparisonReport, ComparisonRequest, ComparisonStatus, Side
from models.reviewer_config import ReviewerConfig, config_hash
from models.source import Language

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
REQUEST = {"v1": "1", "v2": "2", "dataset_id": "d" * 32}


def observation(number: int, right: bool, **changes: Any) -> Observation:
    """Every third sample is clean; what is right has its label found, or nothing in a clean one."""
    clean = number % 3 == 0
    base: dict[str, Any] = {
        "sample_id": f"sample-{number}",
        "repeat": 1,
        "group": f"group-{number}",
        "language": Language.PYTHON if number % 2 else Language.JAVA,
        "cwes": () if clean else ("CWE-78",),
        "clean": clean,
        "right": right,
        "false_alarm": clean and not right,
        "labels": 0 if clean else 1,
        "found": int(right and not clean),
        "findings": int(right) if not clean else int(not right),
        "claims": (),
        "seconds": 1.0,
        "cost_micro_usd": 0,
    }
    return Observation(**base | changes)


def side(n: int, accuracy: float, seed: int, **changes: Any) -> list[Observation]:
    """Observations of so many samples, of which about a share is right."""
    chance = random.Random(seed)
    return [
        observation(number, chance.random() < accuracy, **({"seconds": chance.lognormvariate(0, 0.4)} | changes))
        for number in range(n)
    ]


def report(
    v1: Sequence[Observation],
    v2: Sequence[Observation],
    comparison_id: str = "c" * 32,
    prices_changed: bool = False,
    models: bool = True,
    **changes: Any,
) -> ComparisonReport:
    """The comparison of two sides."""
    request = ComparisonRequest.model_validate(REQUEST | changes)
    hashed = config_hash(ReviewerConfig())
    stored = StoredComparison(
        id=comparison_id,
        name="one against two",
        sides={each: ComparedSide(ref=str(number), config_hash=hashed) for number, each in enumerate(Side, 1)},
        dataset_id="d" * 32,
        dataset="demo v1",
        dataset_hash="ds:v1:sha256:" + "0" * 64,
        dataset_size=len({each.sample_id for each in v1}),
        request=request,
        prices=None,
        attempts=1,
        status=ComparisonStatus.COMPARING,
    )
    totals = RunTotals(tokens=0, models=models, started_at=NOW - timedelta(minutes=1), finished_at=NOW)
    return compare(
        Evidence(
            comparison=stored,
            v1=Runs(tuple(v1), (totals,) * request.repeats),
            v2=Runs(tuple(v2), (totals,) * request.repeats),
            prices_changed=prices_changed,
            generated_at=NOW,
            conclave="test",
        )
    )
