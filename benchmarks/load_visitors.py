"""What Locust's users do, for `benchmarks.load`: each asks at a steady pace, and every answer is written down.

Locust reads it as its locustfile; the `LOAD_*` variables say what is asked, how often and where it is noted.
"""

import json
import os
import random
import time
import uuid
from pathlib import Path
from typing import Any

from locust import FastHttpUser, task

KIND = os.environ["LOAD_KIND"]
TOKEN = os.environ["LOAD_TOKEN"]
SUBJECT = os.environ["LOAD_SUBJECT"]
"""Id of the source to review, or of the review to read."""
NOTES = Path(os.environ["LOAD_NOTES"]).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115 - as long as it lives
PATIENCE = 30.0
PACE = float(os.environ["LOAD_PACE"])
"""Questions a second of one user."""


class Visitor(FastHttpUser):
    """Submits reviews, or reads one."""

    connection_timeout = PATIENCE
    network_timeout = PATIENCE
    max_retries = 0

    def on_start(self) -> None:
        """Begin at a moment of one's own: all of them at once would be one wave after another."""
        self._due = time.perf_counter() + random.random() / PACE
        time.sleep(self._due - time.perf_counter())

    def wait_time(self) -> float:
        """Seconds to the next question: a pace, unevenly kept, so that those who begin together do not stay together.

        One visitor alone asks as often as was wanted; many come at random moments, as people who do not know of each
        other (sums of independent renewal processes tend to a Poisson process: Palm and Khintchine).
        """
        self._due = max(self._due + random.uniform(0.5, 1.5) / PACE, time.perf_counter())
        return self._due - time.perf_counter()

    @task
    def visit(self) -> None:
        """Ask once, and note what came."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        began = time.time()
        if KIND == "reviews":
            headers["Idempotency-Key"] = uuid.uuid4().hex
            body: dict[str, Any] = {"source_id": SUBJECT, "use_models": False}
            answer = self.client.post("/reviews", json=body, headers=headers)
        else:
            answer = self.client.get(f"/reviews/{SUBJECT}", headers=headers, name="/reviews/ID")
        note: dict[str, Any] = {
            "at": began,
            "ms": (time.time() - began) * 1000,
            "status": answer.status_code,
            "retry_after": answer.headers.get("Retry-After") if answer.headers else None,
            "id": None,
        }
        if answer.status_code >= 400:
            note["code"] = (answer.json() or {}).get("error", {}).get("code")
        elif KIND == "reviews" and answer.status_code:
            note["id"] = answer.json()["id"]
        NOTES.write(json.dumps(note) + "\n")
