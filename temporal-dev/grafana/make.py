"""Makes the dashboards beside it: `uv run python temporal-dev/grafana/make.py`. All that they show is written here."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 12, 8

Panel = tuple[str, str, str, list[tuple[str, str]]]
"""Title, description, unit, and queries with their legends. One query without `by`, and no rate, is a single number."""


def p(quantile: str, metric: str, by: str) -> str:
    """A quantile of a histogram."""
    return f"histogram_quantile({quantile}, sum by (le, {by}) (rate({metric}_bucket[$__rate_interval])))"


def rate(metric: str, by: str, where: str = "") -> str:
    """Events a second."""
    return f"sum by ({by}) (rate({metric}{where}[$__rate_interval]))"


def total(metric: str, by: str, where: str = "") -> str:
    """Events in the time that is shown."""
    return f"sum by ({by}) (increase({metric}{where}[$__range]))"


EXPERT = "orchestrator_expert_execution_time_seconds"
HTTP = "http_server_request_duration_seconds"
COST = "provider_cost_micro_usd_total"
EXPERIMENTS = "version_control_experiments_total"

DASHBOARDS: dict[str, tuple[str, list[Panel]]] = {
    "orchestrator-performance": (
        "Orchestrator performance",
        [
            (
                "Reviews that ended",
                "By how they ended.",
                "ops",
                [(rate("orchestrator_reviews_total", "end"), "{{end}}")],
            ),
            ("Reviews running", "Accepted and not ended.", "short", [("max(orchestrator_reviews_running)", "running")]),
            (
                "Complexity of reviews",
                "Of those submitted, 0 to 1.",
                "percentunit",
                [
                    (
                        p("0.5", "orchestrator_complexity_score", "language"),
                        "{{language}} p50",
                    ),
                    (
                        p("0.9", "orchestrator_complexity_score", "language"),
                        "{{language}} p90",
                    ),
                ],
            ),
            (
                "Time from start to end of workflows",
                "p95 by type.",
                "s",
                [(p("0.95", "temporal_workflow_endtoend_latency", "workflow_type"), "{{workflow_type}}")],
            ),
            (
                "Waiting tasks",
                "By queue, by Temporal's count. Above 0 for long: more workers are needed.",
                "short",
                [("max by (queue, work) (orchestrator_queue_backlog)", "{{queue}} {{work}}")],
            ),
            (
                "Age of the oldest waiting task",
                "By queue.",
                "s",
                [("max by (queue, work) (orchestrator_queue_backlog_age_seconds)", "{{queue}} {{work}}")],
            ),
            (
                "From scheduled to started",
                "p95 of activities, by task queue.",
                "s",
                [(p("0.95", "temporal_activity_schedule_to_start_latency", "task_queue"), "{{task_queue}}")],
            ),
            (
                "Workers that ask for tasks",
                "By queue. 0: nothing in that queue goes on.",
                "short",
                [("max by (queue, work) (orchestrator_queue_pollers)", "{{queue}} {{work}}")],
            ),
            (
                "Free places of workers",
                "By task queue and kind.",
                "short",
                [
                    (
                        "sum by (task_queue, worker_type) (temporal_worker_task_slots_available)",
                        "{{task_queue}} {{worker_type}}",
                    )
                ],
            ),
            (
                "Requests to the API",
                "By status.",
                "reqps",
                [(rate(f"{HTTP}_count", "http_response_status_code"), "{{http_response_status_code}}")],
            ),
            ("Time to the API's answer", "p95 by route.", "s", [(p("0.95", HTTP, "http_route"), "{{http_route}}")]),
            (
                "Parts that answer",
                "1: read at the last scrape.",
                "short",
                [("min by (part) (conclave_part_read)", "{{part}}")],
            ),
        ],
    ),
    "expert-execution-times": (
        "Expert execution times",
        [
            (
                "Analysers, p50",
                "Static half, by expert.",
                "s",
                [(p("0.5", EXPERT, "expert, half").replace("_bucket[", '_bucket{half="static"}['), "{{expert}}")],
            ),
            (
                "Analysers, p95",
                "Static half, by expert.",
                "s",
                [(p("0.95", EXPERT, "expert, half").replace("_bucket[", '_bucket{half="static"}['), "{{expert}}")],
            ),
            (
                "Models, p50",
                "One question with routing, reservation and validation, by expert.",
                "s",
                [(p("0.5", EXPERT, "expert, half").replace("_bucket[", '_bucket{half="model"}['), "{{expert}}")],
            ),
            (
                "Models, p95",
                "One question with routing, reservation and validation, by expert.",
                "s",
                [(p("0.95", EXPERT, "expert, half").replace("_bucket[", '_bucket{half="model"}['), "{{expert}}")],
            ),
            ("Runs", "By expert and half.", "ops", [(rate(f"{EXPERT}_count", "expert, half"), "{{expert}} {{half}}")]),
            (
                "Experts in reports",
                "In the time shown, by status.",
                "short",
                [(total("orchestrator_expert_results_total", "status"), "{{status}}")],
            ),
            (
                "Analysers that failed",
                "Files in the time shown that one did not read to the end.",
                "short",
                [
                    (total("orchestrator_analyser_failures_total", "tool, reason"), "{{tool}} {{reason}}"),
                    ("sum(increase(orchestrator_analyser_failures_total[$__range])) or vector(0)", "all"),
                ],
            ),
            (
                "Questions to the next provider",
                "In the time shown, by why.",
                "short",
                [
                    (total("orchestrator_provider_fallbacks_total", "reason"), "{{reason}}"),
                    ("sum(increase(orchestrator_provider_fallbacks_total[$__range])) or vector(0)", "all"),
                ],
            ),
        ],
    ),
    "provider-health": (
        "Provider health",
        [
            ("Takes traffic", "1: healthy.", "short", [("min by (provider) (provider_healthy)", "{{provider}}")]),
            (
                "Checks",
                "In the time shown, by provider and result.",
                "short",
                [(total("provider_health_checks_total", "provider, result"), "{{provider}} {{result}}")],
            ),
            (
                "Calls",
                "By provider and result.",
                "ops",
                [(rate("provider_calls_total", "provider, result"), "{{provider}} {{result}}")],
            ),
            (
                "Calls that failed",
                "Share of all, by provider.",
                "percentunit",
                [
                    (
                        '1 - (sum by (provider) (rate(provider_calls_total{result="ok"}[$__rate_interval])) or '
                        "0 * sum by (provider) (rate(provider_calls_total[$__rate_interval]))) / "
                        "sum by (provider) (rate(provider_calls_total[$__rate_interval]))",
                        "{{provider}}",
                    )
                ],
            ),
            (
                "Time to an answer",
                "p50 and p95 by provider.",
                "s",
                [
                    (p("0.5", "provider_call_duration_seconds", "provider"), "{{provider}} p50"),
                    (p("0.95", "provider_call_duration_seconds", "provider"), "{{provider}} p95"),
                ],
            ),
            (
                "Asked first",
                "Routes decided in the time shown, by provider and tier.",
                "short",
                [(total("orchestrator_provider_selection_total", "provider, tier"), "{{provider}} {{tier}}")],
            ),
        ],
    ),
    "quota-usage": (
        "Quota usage by user",
        [
            (
                "Share of the daily limit",
                "Of the twenty users who spent most this month; spent and set aside.",
                "percentunit",
                [
                    (
                        'max by (user) (provider_quota_used_micro_usd{period="day"}) / '
                        'max by (user) (provider_quota_limit_micro_usd{period="day"} > 0)',
                        "{{user}}",
                    )
                ],
            ),
            (
                "Share of the monthly limit",
                "Of the same users.",
                "percentunit",
                [
                    (
                        'max by (user) (provider_quota_used_micro_usd{period="month"}) / '
                        'max by (user) (provider_quota_limit_micro_usd{period="month"} > 0)',
                        "{{user}}",
                    )
                ],
            ),
            (
                "Used today",
                "Spent and set aside, UTC.",
                "currencyUSD",
                [('max by (user) (provider_quota_used_micro_usd{period="day"}) / 1e6', "{{user}}")],
            ),
            (
                "Used this month",
                "Spent and set aside, UTC.",
                "currencyUSD",
                [('max by (user) (provider_quota_used_micro_usd{period="month"}) / 1e6', "{{user}}")],
            ),
            (
                "Model calls",
                "In the day and the month.",
                "short",
                [("max by (user, period) (provider_quota_requests)", "{{user}} {{period}}")],
            ),
            (
                "Refused by a quota",
                "In the time shown: model calls, and reviews at their submission.",
                "short",
                [(total("provider_quota_violations_total", "stage"), "{{stage}}")],
            ),
            ("Open reservations", "By state.", "short", [("max by (state) (provider_reservations_open)", "{{state}}")]),
            (
                "Held by open reservations",
                "By state.",
                "currencyUSD",
                [("max by (state) (provider_reservations_held_micro_usd) / 1e6", "{{state}}")],
            ),
            (
                "Bookings",
                "What becomes of reservations.",
                "ops",
                [(rate("provider_reservations_total", "booking"), "{{booking}}")],
            ),
        ],
    ),
    "cost-tracking": (
        "Cost tracking",
        [
            (
                "Cost in the time shown",
                "Of all model calls.",
                "currencyUSD",
                [(f"sum(increase({COST}[$__range])) / 1e6", "cost")],
            ),
            (
                "Cost an hour",
                "By provider.",
                "currencyUSD",
                [(f"sum by (provider) (rate({COST}[$__rate_interval])) * 3600 / 1e6", "{{provider}}")],
            ),
            (
                "Paid for nothing",
                "Cost in the time shown of answers that could not be used, and of others.",
                "currencyUSD",
                [(f"sum by (use) (increase({COST}[$__range])) / 1e6", "{{use}}")],
            ),
            (
                "Cost of a review",
                "Cost in the time shown over reviews that ended in it.",
                "currencyUSD",
                [
                    (
                        f"sum(increase({COST}[$__range])) / 1e6 / "
                        "clamp_min(sum(increase(orchestrator_reviews_total[$__range])), 1)",
                        "cost of a review",
                    )
                ],
            ),
            (
                "Tokens",
                "By provider and direction.",
                "short",
                [(rate("provider_tokens_total", "provider, direction"), "{{provider}} {{direction}}")],
            ),
            (
                "Tokens in the time shown",
                "By direction.",
                "short",
                [(total("provider_tokens_total", "direction"), "{{direction}}")],
            ),
        ],
    ),
    "promotion-rates": (
        "Promotion rates",
        [
            (
                "Experiments",
                "In the time shown, by what became of them.",
                "short",
                [(total("version_control_experiments_total", "status"), "{{status}}")],
            ),
            (
                "Promotions",
                "In the time shown, by what became of them.",
                "short",
                [(total("version_control_promotions_total", "status"), "{{status}}")],
            ),
            (
                "Applied",
                "Share of the promotions that ended in the time shown.",
                "percentunit",
                [
                    (
                        'sum(increase(version_control_promotions_total{status="applied"}[$__range])) / '
                        'clamp_min(sum(increase(version_control_promotions_total{status!="awaiting"}[$__range])), 1)',
                        "applied",
                    )
                ],
            ),
            (
                "Passed",
                "Share of the experiments that the gate decided in the time shown.",
                "percentunit",
                [
                    (
                        f'sum(increase({EXPERIMENTS}{{status="passed"}}[$__range])) / clamp_min(sum(increase('
                        f'{EXPERIMENTS}{{status=~"passed|inconclusive|quarantined|rejected"}}[$__range])), 1)',
                        "passed",
                    )
                ],
            ),
            (
                "Promotions that wait",
                "For approvers.",
                "short",
                [("max(version_control_promotions_waiting)", "waiting")],
            ),
            (
                "Longest silence of a running experiment",
                "Since it finished a sample; 0 when none runs.",
                "s",
                [("max(version_control_experiment_idle_seconds)", "idle")],
            ),
            (
                "Looks at the audit chain",
                "In the time shown.",
                "short",
                [(total("audit_checks_total", "verdict"), "{{verdict}}")],
            ),
            (
                "Entries without a signed checkpoint",
                "And how old the last checkpoint is.",
                "short",
                [("max(audit_unsigned_entries)", "entries"), ("max(audit_checkpoint_age_seconds)", "seconds")],
            ),
        ],
    ),
    "statistical-tests": (
        "Statistical test results",
        [
            (
                "Tests",
                "In the time shown, by test and result.",
                "short",
                [(total("comparison_statistical_tests_total", "test, result"), "{{test}} {{result}}")],
            ),
            (
                "Significant",
                "Share of the tests in the time shown, by test.",
                "percentunit",
                [
                    (
                        '(sum by (test) (increase(comparison_statistical_tests_total{result!="none"}[$__range])) or '
                        "0 * sum by (test) (increase(comparison_statistical_tests_total[$__range]))) / "
                        "clamp_min(sum by (test) (increase(comparison_statistical_tests_total[$__range])), 1)",
                        "{{test}}",
                    )
                ],
            ),
            (
                "Recommendations",
                "Of comparisons, in the time shown.",
                "short",
                [(total("comparison_reports_total", "recommendation"), "{{recommendation}}")],
            ),
            (
                "Duration of comparisons",
                "p95, from the first sample to the report.",
                "s",
                [
                    (
                        p("0.95", "temporal_workflow_endtoend_latency", "workflow_type").replace(
                            "_bucket[", '_bucket{workflow_type="comparison"}['
                        ),
                        "p95",
                    )
                ],
            ),
        ],
    ),
}


def dashboard(uid: str, title: str, panels: list[Panel]) -> dict[str, Any]:
    """One dashboard as Grafana reads it."""
    return {
        "uid": f"conclave-{uid}",
        "title": f"Conclave: {title}",
        "tags": ["conclave"],
        "schemaVersion": 41,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "templating": {
            "list": [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}]
        },
        "panels": list(_panels(panels)),
    }


def _panels(panels: list[Panel]) -> Iterator[dict[str, Any]]:
    for number, (title, description, unit, queries) in enumerate(panels):
        row, column = divmod(number, 2)
        yield {
            "id": number + 1,
            "type": "timeseries" if not any("$__range" in query for query, _ in queries) else "bargauge",
            "title": title,
            "description": description,
            "datasource": DATASOURCE,
            "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "targets": [
                {
                    "refId": chr(ord("A") + place),
                    "datasource": DATASOURCE,
                    "expr": query,
                    "legendFormat": legend,
                    "instant": "$__range" in query,
                    "range": "$__range" not in query,
                }
                for place, (query, legend) in enumerate(queries)
            ],
        }


def rendered() -> dict[str, str]:
    """File names with their content."""
    return {
        f"{uid}.json": json.dumps(dashboard(uid, title, panels), indent=2) + "\n"
        for uid, (title, panels) in DASHBOARDS.items()
    }


if __name__ == "__main__":
    for name, text in rendered().items():
        (HERE / name).write_text(text, encoding="utf-8")
