"""Reports of comparisons: one that promotes, one that rejects, and one that knows next to nothing."""

import math
from datetime import UTC, datetime
from typing import Any

from models.comparison import ComparisonReport

HOSTILE = (
    '#eval("x")',
    "<script>alert(1)</script>",
    "=cmd()",
    "$x$",
    "\\",
    "\U0001f600 [bold]x[/bold] *a* _b_ @l // /*",
)
EDGES = tuple(round(0.5 * 1.25**step, 4) for step in range(22))


def _bins(centre: float, n: int) -> tuple[int, ...]:
    weights = [math.exp(-((math.log(edge / centre) / 0.55) ** 2)) for edge in EDGES[:-1]]
    return tuple(round(n * weight / sum(weights)) for weight in weights)


def _metric(v1: Any, v2: Any, low: Any, high: Any, p: Any, verdict: str, **more: Any) -> dict[str, Any]:
    ratio = more.get("scale") == "ratio"
    change = None if v1 is None or v2 is None else (v2 / v1 - 1 if ratio else v2 - v1)
    told = {"v1": v1, "v2": v2, "change": change, "low": low, "high": high, "p_value": p, "verdict": verdict, "n": 412}
    adjusted = None if p is None else min(1.0, 6 * p)
    significant = p is not None and p < 0.05
    return told | {"p_adjusted": adjusted, "significant": significant, "method": "tango"} | more


RATIO = {"scale": "ratio", "better": "lower"}
LOWER = {"better": "lower"}


def _test(name: str, metric: str, p: float | None, effect: str, size: float | None, **more: Any) -> dict[str, Any]:
    told = {"test_name": name, "metric": metric, "p_value": p, "is_significant": p is not None and p < 0.05}
    return told | {"effect_name": effect, "effect_size": size, "n": 412} | more


def _tests(p: float, gain: float) -> tuple[dict[str, Any], ...]:
    apart = {"paired": False, "note": "Ignores the pairs: shown beside the paired test, decides nothing."}
    return (
        _test("mcnemar-mid-p", "accuracy", p, "risk-difference", gain, primary=True, statistic=41.0),
        _test("e-process", "accuracy", min(1.0, 9 * p), "odds-ratio", 3.1, note="Holds whenever one looks."),
        _test("mcnemar-exact", "error_rate", 0.625, "risk-difference", -0.002, primary=True),
        _test("mcnemar-mid-p", "recall", p, "risk-difference", gain, n=280, primary=True),
        _test("permutation", "precision", 0.21, "difference", 0.008, primary=True, seed=20261126),
        _test("permutation", "f1", p, "difference", gain, seed=20261126),
        _test("paired-t-log", "latency", 0.012, "geometric-mean-ratio", 1.07, primary=True, statistic=2.52),
        _test("wilcoxon", "latency", 0.019, "rank-biserial", 0.13, statistic=36811.5),
        _test("mann-whitney", "latency", 0.31, "cliffs-delta", 0.04, **apart),
        _test("welch-t", "latency", 0.27, "hedges-g", 0.08, **apart),
        _test("bootstrap", "cost", None, "relative-increase", 0.08, seed=20261126),
    )


def _base(**changes: Any) -> dict[str, Any]:
    return {
        "comparison_id": "0f3a6c1de2b94f7f8a51c2d3e4f50617",
        "versions": {
            "v1": {
                "ref": "stable",
                "version_id": "ab" * 16,
                "number": 11,
                "config_hash": "cfg:v1:sha256:" + "3c" * 32,
                "experiment_ids": ("1e" * 16,),
            },
            "v2": {
                "ref": "12",
                "version_id": "cd" * 16,
                "number": 12,
                "config_hash": "cfg:v1:sha256:" + "9f" * 32,
                "experiment_ids": ("2e" * 16,),
            },
        },
        "dataset": "web-flaws v4",
        "dataset_hash": "5d" * 32,
        "dataset_size": 412,
        "pairing": {"paired": 412, "groups": 187, "clustered": True},
        "metrics": {},
        "statistical_tests": (),
        "economy": {"value_per_finding_usd": 1.0, "more_found": 0, "value_gained_usd": 0.0, "cost_increase_usd": 0.0},
        "margins": {},
        "alpha": 0.05,
        "recommendation": "inconclusive",
        "confidence": 0.5,
        "seed": 20261126,
        "libraries": {"conclave": "0.1.0", "numpy": "2.4.1", "scipy": "1.17.1", "statsmodels": "0.15.0"},
        "generated_at": datetime(2026, 11, 26, 19, 30, tzinfo=UTC),
    } | changes


def promoted(**changes: Any) -> ComparisonReport:
    """v2 finds more, costs a little more, and is on no guardrail too much worse."""
    metrics = {
        "accuracy": _metric(0.742, 0.816, 0.041, 0.107, 0.00002, "better", highly_significant=True),
        "recall": _metric(0.664, 0.771, 0.058, 0.156, 0.0004, "better", n=280),
        "precision": _metric(0.803, 0.811, -0.012, 0.028, 0.21, "same"),
        "f1": _metric(0.727, 0.79, 0.031, 0.095, 0.0009, "better"),
        "false_positive_rate": _metric(0.121, 0.114, -0.031, 0.017, 0.62, "same", n=132, **LOWER),
        "error_rate": _metric(0.007, 0.005, -0.011, 0.006, 0.625, "same", **LOWER),
        "latency": _metric(8.42, 9.01, 0.015, 0.126, 0.012, "same", unit="seconds", **RATIO),
        "latency_p50": _metric(7.9, 8.4, -0.2, 1.1, None, "unclear", unit="seconds", **LOWER),
        "latency_p95": _metric(21.3, 23.9, -1.4, 6.2, None, "unclear", unit="seconds", **LOWER),
        "latency_p99": _metric(38.2, 41.7, -6.1, 14.9, None, "unclear", unit="seconds", **LOWER),
        "cost": _metric(10400, 11230, 0.041, 0.118, None, "same", unit="micro_usd", **RATIO),
        "tokens": _metric(6120, 6580, None, None, None, "unclear", unit="tokens", scale="ratio", better="neither"),
        "throughput": _metric(
            842,
            798,
            None,
            None,
            None,
            "unclear",
            unit="per_hour",
            scale="ratio",
            better="neither",
            note="Both ran at the same time and shared the machine.",
        ),
    }
    told: dict[str, Any] = {
        "metrics": metrics,
        "statistical_tests": _tests(0.00002, 0.074),
        "regressions": (
            {
                "metric": "accuracy",
                "slice": "cwe:CWE-22",
                "change": -0.125,
                "p_value": 0.004,
                "p_adjusted": 0.036,
                "n": 24,
                "exploratory": True,
            },
        ),
        "overlap": {
            "both": 171,
            "only_v1": 24,
            "only_v2": 63,
            "precision": 0.731,
            "recall": 0.877,
            "f1": 0.797,
            "kappa": 0.68,
        },
        "confusion": {"both_right": 293, "only_v1": 13, "only_v2": 43, "both_wrong": 63},
        "errors": {"v1": {"timeout": 2, "no_expert_worked": 1}, "v2": {"timeout": 2}},
        "latency": {"edges": EDGES, "v1": _bins(7.9, 410), "v2": _bins(8.6, 410)},
        "resources": {
            "v1": {"tool_seconds": 1412.4, "cpu_seconds": 1622.0, "memory_mib": 512.0},
            "v2": {"tool_seconds": 1440.9, "cpu_seconds": 1698.2, "memory_mib": 530.5},
        },
        "economy": {
            "value_per_finding_usd": 1.0,
            "more_found": 30,
            "value_gained_usd": 30.0,
            "cost_increase_usd": 0.34,
            "roi": 87.2,
        },
        "power": {"discordant": 0.136, "minimum_detectable": 0.051},
        "findings": (
            {
                "role": "success",
                "metric": "accuracy",
                "verdict": "pass",
                "reason": "Accuracy is higher by 7.4 pp (95% interval 4.1 to 10.7 pp).",
            },
            {
                "role": "guardrail",
                "metric": "error_rate",
                "verdict": "pass",
                "reason": "Errors are within the margin of 2 pp.",
            },
            {
                "role": "guardrail",
                "metric": "latency",
                "verdict": "pass",
                "reason": "At most 12.6% slower; the margin is 25%.",
            },
            {
                "role": "quality",
                "metric": "recall",
                "verdict": "pass",
                "reason": "10.7 pp more of the known issues are found.",
            },
        ),
        "recommendation": "promote",
        "confidence": 0.99998,
    }
    return ComparisonReport(**_base(**(told | changes)))


def rejected(**changes: Any) -> ComparisonReport:
    """v2 is worse where it counts, on recorded runs in three repeats, with prices that changed."""
    good = promoted()
    metrics = {name: it.model_dump() for name, it in good.metrics.items()} | {
        "accuracy": _metric(0.784, 0.712, -0.109, -0.036, 0.00007, "worse", highly_significant=True),
        "recall": _metric(0.731, 0.604, -0.181, -0.075, 0.00003, "worse", n=280),
        "precision": _metric(0.812, 0.836, -0.004, 0.052, 0.11, "unclear"),
        "f1": _metric(0.769, 0.701, -0.104, -0.033, 0.0006, "worse"),
        "error_rate": _metric(0.005, 0.061, 0.033, 0.084, 0.0000001, "worse", **LOWER),
        "latency": _metric(8.42, 13.4, 0.47, 0.73, 0.0000001, "worse", unit="seconds", **RATIO),
        "latency_p95": _metric(21.3, 41.6, 12.8, 27.1, None, "worse", unit="seconds", **LOWER),
        "cost": _metric(
            10400,
            9230,
            None,
            None,
            None,
            "unclear",
            unit="micro_usd",
            **RATIO,
            note="Prices changed while the two were run.",
        ),
    }
    names = ("accuracy", "recall", "f1", "error_rate", "latency", "latency_p95")
    worse = tuple(
        {
            "metric": name,
            "change": metrics[name]["change"],
            "p_value": metrics[name]["p_value"],
            "p_adjusted": metrics[name]["p_adjusted"],
            "n": metrics[name]["n"],
        }
        for name in names
    )
    slices = tuple(
        {
            "metric": "accuracy",
            "slice": where,
            "change": change,
            "p_value": 0.0008,
            "p_adjusted": 0.007,
            "n": n,
            "exploratory": True,
        }
        for where, change, n in (
            ("language:javascript", -0.142, 98),
            ("language:python", -0.061, 201),
            ("cwe:CWE-89", -0.19, 63),
        )
    )
    told: dict[str, Any] = {
        "metrics": metrics,
        "statistical_tests": _tests(0.00007, -0.072),
        "regressions": (*worse, *slices),
        "repeats": 3,
        "recorded": True,
        "prices_changed": True,
        "attempts": 7,
        "pairing": {"paired": 1236, "only_v1": 4, "only_v2": 1, "groups": 187, "clustered": True},
        "overlap": {
            "both": 141,
            "only_v1": 71,
            "only_v2": 19,
            "precision": 0.881,
            "recall": 0.665,
            "f1": 0.758,
            "kappa": 0.52,
        },
        "confusion": {"both_right": 842, "only_v1": 127, "only_v2": 38, "both_wrong": 229},
        "consistency": {"v1": 0.941, "v2": 0.887},
        "errors": {"v1": {"timeout": 5, "no_expert_worked": 1}, "v2": {"timeout": 61, "provider_unavailable": 14}},
        "latency": {"edges": EDGES, "v1": _bins(7.9, 1230), "v2": _bins(13.1, 1161)},
        "economy": {
            "value_per_finding_usd": 1.0,
            "more_found": -36,
            "value_gained_usd": -36.0,
            "cost_increase_usd": -1.45,
        },
        "power": {"discordant": 0.133, "minimum_detectable": 0.029},
        "findings": (
            {
                "role": "success",
                "metric": "accuracy",
                "verdict": "fail",
                "reason": "Accuracy is lower by 7.2 pp (95% interval 3.6 to 10.9 pp).",
            },
            {
                "role": "guardrail",
                "metric": "error_rate",
                "verdict": "fail",
                "reason": "Errors are up by 5.6 pp; the margin is 2 pp.",
            },
            {
                "role": "guardrail",
                "metric": "latency",
                "verdict": "fail",
                "reason": "At least 47% slower; the margin is 25%.",
            },
            {
                "role": "guardrail",
                "metric": "cost",
                "verdict": "unclear",
                "reason": "Prices changed: the cost decides nothing.",
            },
        ),
        "recommendation": "reject",
        "confidence": 0.9997,
    }
    return ComparisonReport(**(good.model_dump() | told | changes))


def unsure(**changes: Any) -> ComparisonReport:
    """Twelve samples, hardly a number, and names that are code somewhere."""
    name = " ".join(HOSTILE)
    side = {"config_hash": "cfg:v1:sha256:" + "77" * 32}
    told: dict[str, Any] = {
        "versions": {"v1": {"ref": name, **side}, "v2": {"ref": "config", **side}},
        "dataset": f"{name} {'x' * 120} v1",
        "dataset_size": 12,
        "pairing": {"paired": 12, "groups": 12},
        "metrics": {
            "accuracy": _metric(0.5, 0.583, -0.22, 0.37, 1.0, "unclear", n=12),
            "recall": _metric(None, None, None, None, None, "unclear", n=0),
            "latency": _metric(None, None, None, None, None, "unclear", n=0, unit="seconds", **RATIO),
            "latency_p99": _metric(
                None,
                None,
                None,
                None,
                None,
                "refused",
                n=12,
                unit="seconds",
                **LOWER,
                note="Refused: it takes 400 samples to say anything about it.",
            ),
            "cost": _metric(0.0, 0.0, None, None, None, "unclear", n=12, unit="micro_usd", **LOWER, note=name),
        },
        "statistical_tests": (_test("mcnemar-exact", "accuracy", 1.0, "none", None, n=12, primary=True, note=name),),
        "regressions": (
            {"metric": "accuracy", "slice": f"language:{name}"[:80], "change": -0.5, "n": 2, "exploratory": True},
        ),
        "errors": {},
        "power": {"discordant": 0.25, "minimum_detectable": 0.44, "more_samples": 860},
        "findings": (
            {"role": "success", "metric": "accuracy", "verdict": "unclear", "reason": f"Too few samples. {name}"},
        ),
    }
    told["metrics"]["cost"]["change"] = None
    return ComparisonReport(**_base(**(told | changes)))


SAMPLES = {"promoted": promoted, "rejected": rejected, "unsure": unsure}
