"""The name of a report."""

import json

from models.gate import Decision
from models.measure import Metrics
from models.report_hash import report_hash
from models.verdict import AiVerdict, Override, Verdict
from tests.activities.stats.made import metrics_of

AI = AiVerdict(verdict=Verdict.PASS, confidence=0.97, reasons=("Fine.",), judged_by="rules")
DECISION = Decision.model_validate(
    {
        "outcome": "pass",
        "policy": "default",
        "policy_hash": f"policy:v1:sha256:{'3' * 64}",
        "engine": "regopy",
        "input_hash": "4" * 64,
    }
)
METRICS = metrics_of(200, right=180)


def test_it_is_the_same_after_a_store() -> None:
    stored = Metrics.model_validate(json.loads(json.dumps(json.loads(METRICS.model_dump_json()))))
    name = report_hash(METRICS, AI, DECISION)
    assert report_hash(stored, AI, DECISION) == name
    assert name.startswith("report:v1:sha256:")
    assert len(name) == len("report:v1:sha256:") + 64


def test_every_part_changes_it() -> None:
    names = {
        report_hash(METRICS, AI, DECISION),
        report_hash(METRICS.model_copy(update={"seed": 1}), AI, DECISION),
        report_hash(METRICS, AI.model_copy(update={"confidence": 0.98}), DECISION),
        report_hash(METRICS, AI, DECISION.model_copy(update={"engine": "opa"})),
        report_hash(METRICS, AI, DECISION, Override(verdict=Verdict.PASS, reason="seen", by="ann")),
    }
    assert len(names) == 5
