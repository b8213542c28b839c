"""The service under ten times what it can do: `uv run --group load python -m benchmarks.load`.

Against a stack of its own it looks, in steps, for the rate that the service bears, then asks for ten times as much for
a while, once with readings and once with reviews. It wants: refusals are 429 or 503 with Retry-After and nothing else;
nothing is left without an answer; every review that was accepted has its report; afterwards the latency is what it was.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from benchmarks.load_curve import draw
from benchmarks.own_stack import own_stack
from benchmarks.rounds import Target, show, verdict
from starter.stack.launcher import Stack

TEXT = "import os\n\n\ndef run(command: str) -> int:\n    return os.system(command)\n"
REFUSALS = (429, 503)
BORNE = 1000.0
"""Milliseconds of p95 up to which a rate counts as borne."""
MOST_REVIEWS = 40
"""Unfinished reviews of the stack: few, so that the load ends what it began within minutes."""
PILED_UP = 10.0
"""Seconds after a step by which its reviews are over, or it was too much."""
TIMES = 10
FLOODS = 3
CALM = 3.0
"""Latency afterwards over latency before, at most; both at the lowest rate, on a machine that others use too."""


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one rate."""

    kind: str
    asked: float
    """Requests a second that were meant to come."""
    offered: float
    """That came."""
    latencies: tuple[float, float, float]
    """Milliseconds of p50, p95 and p99 of what was let in."""
    refused: float
    """Share."""
    statuses: Counter[int]
    codes: Counter[str]
    untold: int
    """Refusals that do not say when to come back."""
    accepted: tuple[str, ...]
    """Ids of reviews."""

    @property
    def unexpected(self) -> int:
        """Answers that are neither good nor a refusal, and questions without an answer (status 0)."""
        return sum(
            count for status, count in self.statuses.items() if not 200 <= status < 300 and status not in REFUSALS
        )

    @property
    def borne(self) -> bool:
        return (
            not self.refused and not self.unexpected and self.latencies[1] <= BORNE and self.offered > 0.5 * self.asked
        )


class Load:
    """A stack, and how it is loaded."""

    def __init__(self, stack: Stack, seconds: float) -> None:
        environment = stack.environment()
        assert stack.api_url is not None
        self._url, self._token, self._seconds = stack.api_url, environment["CONCLAVE_API_TOKEN"], seconds
        self._http = httpx.Client(
            base_url=stack.api_url, headers={"Authorization": f"Bearer {self._token}"}, timeout=30
        )
        self.source = self._post("/sources", {"label": "load", "files": [{"path": "a.py", "text": TEXT}]})["source_id"]
        self.review = self._post("/reviews", {"source_id": self.source})["id"]
        self.settled([self.review], 300)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    def step(self, kind: str, rate: float, seconds: float | None = None, pace: float = 1.0) -> Step:
        """Ask at a rate for a while.

        Args:
            kind: what is asked.
            rate: questions a second.
            seconds: how long.
            pace: questions a second of one user, who waits for each answer: the slower, the less answers that take a
                while slow the whole down.
        """
        pace = min(pace, rate)
        users = max(1, round(rate / pace))
        seconds = seconds or (2 * self._seconds if kind == "reviews" else self._seconds)
        with tempfile.TemporaryDirectory() as folder:
            notes = Path(folder, "notes.jsonl")
            notes.touch()
            asked = {
                "LOAD_KIND": kind,
                "LOAD_TOKEN": self._token,
                "LOAD_SUBJECT": self.source if kind == "reviews" else self.review,
                "LOAD_NOTES": str(notes),
                "LOAD_PACE": str(pace),
            }
            locust = [sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("load_visitors.py"))]
            how = ["--headless", "-u", str(users), "-r", str(users), "-t", f"{seconds:.0f}s", "--stop-timeout", "35"]
            quiet = ["--host", self._url, "--only-summary", "--skip-log-setup"]
            run = subprocess.run([*locust, *how, *quiet], env=os.environ | asked, capture_output=True, check=False)
            if run.returncode not in (0, 1):  # 1: some request failed, which is what the notes are for
                raise RuntimeError(run.stderr.decode()[-2000:])
            return _step(kind, rate, [json.loads(line) for line in notes.read_text().splitlines()], seconds)

    def settled(self, ids: Sequence[str], seconds: float) -> Counter[str]:
        """How reviews ended, with reports where they completed; `running` when the time is over before they did."""
        until = time.monotonic() + seconds
        ends: Counter[str] = Counter()
        for each in ids:
            while (status := self._http.get(f"/reviews/{each}").json().get("status", "running")) == "running":
                if time.monotonic() > until:
                    break
                time.sleep(0.5)
            if status == "completed" and self._http.get(f"/reviews/{each}/report").status_code != 200:
                status = "without a report"
            ends[status] += 1
        return ends

    def known(self) -> int:
        """Reviews that the service knows of."""
        count, cursor = 0, None
        while True:
            page = self._http.get(
                "/reviews", params={"page_size": 100, **({"cursor": cursor} if cursor else {})}
            ).json()
            count += len(page["reviews"])
            cursor = page["next_cursor"]
            if cursor is None:
                return count


def _step(kind: str, rate: float, notes: Sequence[dict[str, Any]], seconds: float) -> Step:
    statuses = Counter(int(note["status"]) for note in notes)
    refused = [note for note in notes if note["status"] in REFUSALS]
    let_in = sorted(note["ms"] for note in notes if 200 <= note["status"] < 300)
    cuts = quantiles(let_in, n=100, method="inclusive") if len(let_in) > 1 else [float("nan")] * 99
    spread = max((note["at"] for note in notes), default=0) - min((note["at"] for note in notes), default=0)
    return Step(
        kind=kind,
        asked=rate,
        offered=len(notes) / max(spread, seconds / 2),
        latencies=(cuts[49], cuts[94], cuts[98]),
        refused=len(refused) / max(len(notes), 1),
        statuses=statuses,
        codes=Counter(str(note.get("code")) for note in refused),
        untold=sum(not str(note["retry_after"] or "").isdigit() for note in refused),
        accepted=tuple(note["id"] for note in notes if note["id"]),
    )


def climb(load: Load, kind: str, first: float, most: int) -> Iterator[Step]:
    """Double the rate until it is not borne any more."""
    for number in range(most):
        step = load.step(kind, first * 2**number)
        yield step
        # What is accepted has to be done as well: a rate whose reviews pile up is not borne.
        began = time.monotonic()
        load.settled(step.accepted, 600)
        if not step.borne or time.monotonic() - began > PILED_UP:
            return


def flooded(
    load: Load, kind: str, borne: float, seconds: float, floods: int = FLOODS
) -> tuple[float, Step, Counter[str]]:
    """Ten times what is borne, what came of it, and how its reviews ended.

    A rate at which nothing is refused was borne as well, for the machine was busy with other things when the way up was
    measured: ten times that, then.
    """
    # Reviews come for as long as it takes to fill every place, however few this machine bears.
    lasting = max(seconds, 3 * MOST_REVIEWS / (TIMES * borne)) if kind == "reviews" else seconds
    flood = load.step(kind, TIMES * borne, lasting, pace=0.4)
    ends = load.settled(flood.accepted, 1200)
    if floods > 1 and not flood.refused and not flood.unexpected:
        return flooded(load, kind, flood.offered, seconds, floods - 1)
    return borne, flood, ends


def measured(load: Load, kind: str, first: float, steps: int, seconds: float) -> tuple[list[Step], list[Target]]:
    """One kind of question: the way up, ten times the rate that was borne, and the calm afterwards."""
    load.settled(load.step(kind, first, 5).accepted, 300)  # the first ones pay for connections and caches
    climbed = list(climb(load, kind, first, steps))
    borne = max((step.offered for step in climbed[:-1]), default=climbed[0].offered)
    before = load.step(kind, first)
    load.settled(before.accepted, 300)
    borne, flood, ends = flooded(load, kind, borne, seconds)
    after = _calm(load, kind, first, before)
    said = f"{kind}: {borne:.1f} a second are borne; at {flood.offered:.1f} a second came {dict(flood.statuses)}"
    print(f"{said} {dict(flood.codes)}, and what was accepted is {dict(ends) or 'answered'}")
    targets = [
        Target(f"{kind}: ten times what is borne, over what was offered", TIMES * borne / flood.offered, 2, "x", 1),
        Target(f"{kind}: answers that are no refusal, and questions without one", flood.unexpected, 0, digits=0),
        Target(f"{kind}: refusals without Retry-After", flood.untold, 0, digits=0),
        Target(f"{kind}: nothing was refused", float(not flood.refused), 0, digits=0),
        Target(f"{kind}: p95 afterwards over before", after.latencies[1] / before.latencies[1], CALM, "x"),
    ]
    if kind == "reviews":
        lost = len(flood.accepted) - ends["completed"]
        targets.append(Target("reviews: accepted, and without a report in the end", lost, 0, digits=0))
    return [*climbed, flood, after], targets


def _calm(load: Load, kind: str, rate: float, before: Step) -> Step:
    """The lowest rate again, until it is as quick as before or a minute is over."""
    until = time.monotonic() + 60
    while True:
        after = load.step(kind, rate)
        load.settled(after.accepted, 300)
        if after.latencies[1] <= CALM * before.latencies[1] or time.monotonic() > until:
            return after


def rows(steps: Sequence[Step]) -> list[list[str]]:
    """The table."""
    return [
        [
            step.kind,
            f"{step.asked:g}",
            f"{step.offered:.1f}",
            *(f"{each:.0f}" for each in step.latencies),
            f"{step.refused:.0%}",
            ", ".join(f"{count} {status}" for status, count in sorted(step.statuses.items())),
        ]
        for step in steps
    ]


def main() -> None:
    """Measure, draw, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=("reads", "reviews"), default=["reads", "reviews"])
    parser.add_argument("--seconds", type=float, default=12, help="of a step")
    parser.add_argument("--flood", type=float, default=30, help="seconds of ten times the rate")
    parser.add_argument("--steps", type=int, default=10, help="steps at most, each twice the one before")
    parser.add_argument("--picture", type=Path, help="where to draw the curve, an .svg or .png file")
    asked = parser.parse_args()
    limits: dict[str, Any] = {
        "max_open_reviews": MOST_REVIEWS,
        "max_open_reviews_per_caller": MOST_REVIEWS,
        # The rate of a token is another limit, and not what is measured here.
        "rate_per_minute": 0,
    }
    steps: list[Step] = []
    targets: list[Target] = []
    with own_stack(**limits) as stack:
        load = Load(stack, asked.seconds)
        for kind in asked.kinds:
            found, wanted = measured(load, kind, 8 if kind == "reads" else 0.25, asked.steps, asked.flood)
            steps += found
            targets += wanted
        accepted = sum(len(step.accepted) for step in steps if step.kind == "reviews")
        targets.append(
            Target("reviews: accepted and unknown to the service", max(0, accepted - load.known()), 0, digits=0)
        )
    columns = ("asked", "a second", "offered", "p50 ms", "p95 ms", "p99 ms", "refused", "answers")
    show("Load", columns, rows(steps))
    if asked.picture:
        draw(steps, asked.picture)
    verdict(targets)


if __name__ == "__main__":
    main()
