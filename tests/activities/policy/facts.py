"""Facts that pass both policies."""

from typing import Any

from models.gate import GateInput, PolicyHash

GOOD: dict[str, Any] = {
    "n": 200,
    "accuracy": 0.93,
    "accuracy_low": 0.89,
    "accuracy_high": 0.96,
    "error_rate": 0.005,
    "error_rate_low": 0.0002,
    "error_rate_high": 0.024,
    "cost_micro_usd": 1100,
    "baseline_cost_micro_usd": 1000,
    "cost_increase": 0.1,
    "cost_increase_low": 0.07,
    "cost_increase_high": 0.14,
}


def facts(policy_hash: PolicyHash, **changes: Any) -> GateInput:
    names = {"experiment_id": "e" * 32, "config_hash": "cfg:v1:x", "dataset_hash": "ds:v1:x"}
    return GateInput(**names, policy_hash=policy_hash, **(GOOD | changes))
