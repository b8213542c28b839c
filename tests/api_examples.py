"""Records `starter/api/examples.json`, the examples of the API's description, from a stack that really runs.

    conclave up
    uv run python -m tests.api_examples http://127.0.0.1:8088 TOKEN SECOND_TOKEN

Long lists are cut to their first entry. It leaves a provider, a dataset, experiments and a version behind: use a stack
of its own (`CONCLAVE_HOME`).
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent
FILE = ROOT / "starter" / "api" / "examples.json"
CODE = 'import os\n\n\ndef run(command):\n    os.system("ls " + command)\n'
TOKEN = "cvt_" + "EXAMPLE" * 6 + "E"
"""Shown in the place of a real one."""
REASON = {"reason": "what the documentation shows"}
ALERT = {
    "id": "5f0c8a8f6e6f4b7d9a54c7c8b7f0a1d2",
    "alert_type": "daily_cost",
    "subject": "ada",
    "title": "Conclave: 80 % of the daily spending limit of ada used",
    "period": "2026-11-27",
    "threshold_percentage": 80,
    "triggered_at": "2026-11-27T09:30:00+00:00",
    "delivered_at": "2026-11-27T09:30:41+00:00",
    "acknowledged": False,
    "acknowledged_by": None,
}
PLACES = {"93.184.216.34": "models.example.com"}
"""A name cannot be looked up on every machine that records this."""


class Recorder:
    """Asks, and notes what was asked and answered."""

    def __init__(self, url: str, tokens: tuple[str, str]) -> None:
        self._clients = [httpx.Client(base_url=url, headers=_bearer(each), timeout=120) for each in tokens]
        paths = self._clients[0].get("/openapi.json").json()["paths"]
        self._ids = {(m.upper(), path): each["operationId"] for path, ms in paths.items() for m, each in ms.items()}
        self.found: dict[str, dict[str, Any]] = {}

    def ask(self, method: str, path: str, body: Any = None, who: int = 0, **named: Any) -> Any:
        """Send, note and give back the answer; `named` fills the path."""
        address = path.format(**named)
        answer = self._clients[who].request(method, address, json=body)
        assert answer.status_code < 300, (method, address, answer.text[:400])
        kind = answer.headers.get("content-type", "")
        value = answer.json() if answer.content and kind.startswith("application/json") else answer.text or None
        example: dict[str, Any] = {"parameters": named} if named else {}
        if body is not None:
            example["request"] = body
        if value is not None:
            example["answer"] = value
        self.found[self._ids[method, path.split("?")[0]]] = example
        return value

    def wait(self, path: str, until: set[str], seconds: float = 900) -> Any:
        """Read until the status is one of these."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = self._clients[0].get(path).json()
            if value["status"] in until:
                return value
            time.sleep(0.5)
        raise TimeoutError(path, value["status"])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _reviews(api: Recorder) -> None:
    source = api.ask("POST", "/sources", {"label": "shop", "files": [{"path": "shop/run.py", "text": CODE}]})
    api.ask("GET", "/sources/{source_id}", source_id=source["source_id"])
    review = api.ask("POST", "/reviews", {"source_id": source["source_id"], "mode": "parallel"})
    api.wait(f"/reviews/{review['id']}", {"completed"})
    for path in ("/reviews/{review_id}", "/reviews/{review_id}/report", "/reviews/{review_id}/events"):
        api.ask("GET", path, review_id=review["id"])
    api.ask("GET", "/reviews")


def _providers(api: Recorder) -> None:
    provider = {
        "name": "team-models",
        "kind": "compatible",
        "model": "coder-7b",
        "endpoint": "https://93.184.216.34/v1",
        "price": {"input": 1, "output": 2},
    }
    made = api.ask("POST", "/providers", provider)
    api.ask("PATCH", "/providers/{provider_id}", {"timeout_seconds": 30}, provider_id=made["id"])
    key = api.ask("POST", "/user-providers", {"provider": made["name"], "key": "sk-example-0123456789abcd"})
    api.ask("POST", "/user-providers/{key_id}/rotate", {"key": "sk-example-9876543210wxyz"}, key_id=key["id"])
    api.ask("POST", "/providers/{provider_id}/test", provider_id=made["id"])
    api.ask("GET", "/providers/{provider_id}", provider_id=made["id"])
    api.ask("GET", "/user-providers")
    api.ask("GET", "/providers")
    api.ask("GET", "/health")
    api.ask("DELETE", "/user-providers/{key_id}", key_id=key["id"])
    api.ask("DELETE", "/providers/{provider_id}", provider_id=made["id"])
    api.ask("POST", "/key-rotations", {})
    time.sleep(5)
    api.ask("GET", "/key-rotations/latest")
    limits = {"daily_requests": 100, "monthly_requests": None, "daily_micro_usd": 5_000_000, "monthly_micro_usd": None}
    api.ask("PUT", "/quotas/{user}", limits, user="ada")
    for path in ("/quotas", "/usage", "/alerts"):
        api.ask("GET", path)


def _experiments(api: Recorder) -> None:
    text = (ROOT / "examples" / "dataset" / "conclave-demo.jsonl").read_text(encoding="utf-8")
    dataset = api.ask("POST", "/datasets", {"name": "demo", "text": text})["id"]
    api.found["import_dataset"]["request"]["text"] = text.splitlines(keepends=True)[0]
    api.ask("GET", "/datasets")
    api.ask("GET", "/datasets/{dataset_id}", dataset_id=dataset)
    api.ask("GET", "/datasets/{dataset_id}/samples/{position}", dataset_id=dataset, position=0)
    static = {"models": {"enabled": False}}
    body = {"name": "static only", "dataset_id": dataset, "config": static}
    first, second = (api.ask("POST", "/experiments", body | {"name": name})["id"] for name in ("again", "static only"))
    stopped = api.ask("POST", "/experiments", body | {"start": False, "config": {"mode": "pipeline"}})["id"]
    api.ask("POST", "/experiments/{experiment_id}/evaluate", experiment_id=stopped)
    for what, until in (("pause", "paused"), ("resume", "running")):
        api.wait(f"/experiments/{stopped}", {"running", "paused"})
        api.ask("POST", f"/experiments/{{experiment_id}}/{what}", experiment_id=stopped)
        api.wait(f"/experiments/{stopped}", {until})
    api.ask("POST", "/experiments/{experiment_id}/cancel", experiment_id=stopped)
    for each in (first, second):
        api.wait(f"/experiments/{each}", {"passed", "failed", "quarantined", "inconclusive", "awaiting_approval"})
    verdict = {"verdict": "pass", **REASON}
    api.ask("POST", "/experiments/{experiment_id}/verdict", verdict, experiment_id=second)
    for path in ("/experiments", "/experiments/{experiment_id}", "/experiments/{experiment_id}/metrics"):
        api.ask("GET", path, **({"experiment_id": second} if "{" in path else {}))
    _promotions(api, first, second)
    _comparisons(api, first, second, dataset)
    api.ask("POST", "/experiments/{experiment_id}/quarantine", REASON, experiment_id=stopped)
    entry = api.ask("GET", "/blacklist")["blacklist"][0]
    api.found["release"] = {
        "parameters": {"config_hash": entry["config_hash"]},
        "request": REASON,
        "answer": entry | {"review_status": "released", "reviewed_by": "grace", "reviewed_at": entry["quarantined_at"]},
    }
    trial = api.ask("POST", "/trials", {"experiment_id": stopped_trial(api, dataset), "share_percent": 10})["id"]
    api.ask("GET", "/trials/{trial_id}", trial_id=trial)
    api.ask("GET", "/trials")
    api.ask("POST", "/trials/{trial_id}/stop", REASON, trial_id=trial)


def stopped_trial(api: Recorder, dataset: str) -> str:
    body = {"name": "tried", "dataset_id": dataset, "config": {"mode": "backtrack"}, "start": False}
    return api.ask("POST", "/experiments", body)["id"]


def _promotions(api: Recorder, first: str, second: str) -> None:
    def promote(experiment: str) -> dict[str, Any]:
        return api.ask("POST", "/experiments/{experiment_id}/promote", REASON, experiment_id=experiment)

    api.ask("POST", "/promotions/{promotion_id}/withdraw", promotion_id=promote(first)["id"])
    api.ask("POST", "/promotions/{promotion_id}/reject", REASON, who=1, promotion_id=promote(first)["id"])
    asked = promote(second)
    said = {"evidence": asked["evidence"], **REASON}
    api.ask("POST", "/promotions/{promotion_id}/approve", said, who=1, promotion_id=asked["id"])
    api.wait(f"/promotions/{asked['id']}", {"applied"})
    api.ask("GET", "/promotions/{promotion_id}", promotion_id=asked["id"])
    api.ask("GET", "/promotions")
    api.ask("GET", "/versions")
    api.ask("GET", "/versions/{version_id}", version_id="stable")
    api.ask("POST", "/versions/rollback", REASON)


def _comparisons(api: Recorder, first: str, second: str, dataset: str) -> None:
    made = api.ask("POST", "/comparisons", {"name": "twice the same", "v1": first, "v2": second})["id"]
    api.wait(f"/comparisons/{made}", {"completed"})
    for path in ("/comparisons/{comparison_id}", "/comparisons/{comparison_id}/statistical-tests"):
        api.ask("GET", path, comparison_id=made)
    api.ask("POST", "/comparisons/{comparison_id}/export", {"format": "json"}, comparison_id=made)
    api.ask("GET", "/versions/{v1_id}/compare/{v2_id}", v1_id=first, v2_id=second)
    api.ask("GET", "/comparisons")
    body = {"v1": "stable", "config": {"models": {"enabled": False}}, "dataset_id": dataset, "limit": 100}
    other = api.ask("POST", "/comparisons", body)["id"]
    api.ask("POST", "/comparisons/{comparison_id}/cancel", comparison_id=other)


def _tokens(api: Recorder) -> None:
    wanted = {"name": "ci", "roles": ["user"], "scopes": ["reviews:read", "reviews:write"], "days": 30}
    made = api.ask("POST", "/tokens", wanted)["id"]
    api.found["create_token"]["answer"]["token"] = TOKEN
    api.ask("GET", "/tokens/{token_id}", token_id=made)
    api.ask("GET", "/tokens?page_size=1")
    api.ask("DELETE", "/tokens/{token_id}", token_id=made)


def _audit(api: Recorder) -> None:
    api.ask("POST", "/audit/checkpoints", {})
    # No alert is due on a new stack.
    api.found["list_alerts"]["answer"]["alerts"] = [ALERT]
    api.found["acknowledge_alert"] = {
        "parameters": {"alert_id": ALERT["id"]},
        "answer": ALERT | {"acknowledged": True, "acknowledged_by": "grace"},
    }
    for path in ("/audit", "/audit/verify", "/audit/export", "/healthz", "/readyz", "/metrics"):
        api.ask("GET", path)


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _cut(_few(each) if name.startswith("by_") or name == "metrics" else each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_cut(each) for each in value[: 1 if value and isinstance(value[0], dict) else 3]]
    if isinstance(value, str) and value.count("\n") > 6:
        return "".join(value.splitlines(keepends=True)[:4])
    return value


def _few(value: Any) -> Any:
    """The first of a map by name; an object that has fields stays whole, for it lacks some otherwise."""
    whole = not isinstance(value, dict) or len({type(each) for each in value.values()}) > 1
    return value if whole else dict(list(value.items())[:1])


def main() -> None:
    url, *tokens = sys.argv[1:]
    api = Recorder(url, (tokens[0], tokens[1]))
    for part in (_reviews, _providers, _experiments, _tokens, _audit):
        print(part.__name__)
        part(api)
        text = json.dumps(_cut(api.found), indent=1, ensure_ascii=False, sort_keys=True)
        for told, shown in PLACES.items():
            text = text.replace(told, shown)
        FILE.write_text(text + "\n", encoding="utf-8")
    missing = set(api._ids.values()) - set(api.found)
    print(f"{len(api.found)} operations; without an example: {sorted(missing) or 'none'}")


if __name__ == "__main__":
    main()
