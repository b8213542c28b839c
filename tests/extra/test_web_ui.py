"""A person follows each process in the Temporal web UI and needs nothing else: all is in clear, and reads well.

Pictures of what was looked at are left in `TEST_PICTURES`, or in pytest's temporary folder.
"""

import importlib.util
import json
import os
import re
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from models.submission import ReviewSubmission
from starter.client import Client
from starter.intake.collect import collect
from starter.stack.launcher import Stack
from tests.service_fixture import EXAMPLES, client_of
from tests.starter.test_review_command import conclave

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium")
READY = CHROMIUM is not None and importlib.util.find_spec("playwright") is not None

pytestmark = [
    pytest.mark.extra,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not READY, reason="needs chromium on the PATH and `uv run --group browser`"),
]

WAIT = 60_000
"""Milliseconds that a slow machine may take to show something."""


@dataclass
class Viewer:
    """A browser window, and where its pictures go."""

    page: "Page"
    folder: Path

    def look(self, url: str, tab: str, name: str, *texts: str) -> str:
        """All that one tab of a process shows, when it shows these texts; a picture of it is kept."""
        self.page.goto(url, wait_until="domcontentloaded", timeout=WAIT)
        self.page.wait_for_url(re.compile("/timeline"), timeout=WAIT)
        if tab != "timeline":
            self.page.goto(self.page.url.split("/timeline")[0] + f"/{tab}", wait_until="domcontentloaded", timeout=WAIT)
        return self.seen(name, *texts)

    def seen(self, name: str, *texts: str) -> str:
        """All that is shown once these texts are, and nothing in cipher among it."""
        for _ in range(WAIT // 500):
            shown = self._text()
            if all(text in shown for text in texts):
                break
            self.page.wait_for_timeout(500)
        self.page.screenshot(path=self.folder / f"{name}.png")
        shown = self._text()
        assert [text for text in texts if text not in shown] == [], f"{name}: not to be read in {shown}"
        assert "binary/encrypted" not in shown
        return shown

    def _text(self) -> str:
        """Of the page and of its frames, which hold what is Markdown."""
        return "\n".join(frame.locator("body").inner_text() for frame in self.page.frames if not frame.is_detached())


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Generator[Viewer]:
    from playwright.sync_api import sync_playwright

    folder = Path(os.environ.get("TEST_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic"])
        yield Viewer(browser.new_page(viewport={"width": 1400, "height": 1000}), folder)
        browser.close()


@dataclass
class Shell:
    """The command line against the stack, from its answers as JSON."""

    stack: Stack

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> dict[str, str]:
        done = conclave(self.stack.home, *arguments, "--json")
        assert done.returncode in codes, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shell(service: Stack) -> Shell:
    found = Shell(service)
    found.run("dataset", "import", str(EXAMPLES / "dataset" / "conclave-demo.jsonl"))
    return found


@pytest.fixture(scope="module")
def client(service: Stack) -> Client:
    return client_of(service)


@pytest.fixture(scope="module")
def review(client: Client) -> str:
    source = client.submit_source(collect(EXAMPLES / "python-shop"))
    view = client.submit_review(ReviewSubmission(source_id=source.source_id, experts="all"))
    for now in client.follow(view.id):
        view = now
    assert view.status == "completed" and view.workflow_url is not None
    return view.workflow_url


@pytest.fixture(scope="module")
def experiment(shell: Shell) -> dict[str, str]:
    return shell.run("experiment", "run", "--dataset", "conclave-demo", "--set", "analysis.min_confidence=0.5")


def test_a_review_shows_input_result_and_steps(viewer: Viewer, review: str) -> None:
    steps = ("security: static analysis", "meta: judge the panel, then publish")
    shown = viewer.look(review, "timeline", "review", *steps, '"label": "python-shop"', '"reported": 15')
    assert "COMPLETED" in shown.upper()
    viewer.look(
        review,
        "user-metadata",
        "review-details",
        "Review of python-shop",
        "mostly python",
        "Report complete: 15 reported",
        "security done, 44 findings",
    )


def test_an_experiment_shows_progress_gate_and_steps(viewer: Viewer, experiment: dict[str, str]) -> None:
    assert experiment["status"] == "passed"
    viewer.look(
        experiment["workflow_url"],
        "timeline",
        "experiment",
        *("fix the bar on the audit chain", "reviews of samples 1 to 233", "metrics and verdict over 233"),
        *("ask the policy", "settle: the gate says pass", '"samples": 233', '"status": "passed"'),
    )
    viewer.look(
        experiment["workflow_url"],
        "user-metadata",
        "experiment-details",
        *("Experiment conclave-demo", experiment["config_hash"], "passed: 233 of 233 samples", "Gate: pass"),
    )


def test_an_experiment_that_fails_says_why(viewer: Viewer, shell: Shell) -> None:
    weak = ("--set", 'experts=["quality","meta"]', "--limit", "120")
    failed = shell.run("experiment", "run", "--dataset", "conclave-demo", *weak, codes=(1,))
    viewer.look(
        failed["workflow_url"], "user-metadata", "experiment-fails", "quarantined", "Gate: fail", "wanted above 0.85"
    )


def test_a_comparison_shows_both_sides_and_the_advice(viewer: Viewer, shell: Shell) -> None:
    weak = ("--set", 'experts=["security","meta"]', "--limit", "120")
    report = shell.run("compare", "stable", *weak, "--dataset", "conclave-demo", codes=(1,))
    [url] = [each["workflow_url"] for each in _listed(shell, "comparison") if each["id"] == report["comparison_id"]]
    steps = ("v1: round 1 of 1 of stable against config", "v2: round 1 of 1", "statistics over the pairs")
    viewer.look(url, "timeline", "comparison", *steps, '"recommendation": "reject"')
    told = ("Comparison stable against config", "v1: stable", "120 samples, 1 round", "completed: Reject v2")
    viewer.look(url, "user-metadata", "comparison-details", *told)
    viewer.look(url, "relationships", "comparison-runs", "experiment-")


def test_a_promotion_shows_what_it_waits_for_and_who_approved(
    viewer: Viewer, shell: Shell, experiment: dict[str, str]
) -> None:
    asked = shell.run("promote", experiment["id"], "--reason", "finds more, costs the same")
    url = asked["workflow_url"]
    viewer.look(url, "timeline", "promotion-waits", "wait for 1 more approval", "look at the stored approvals")
    viewer.look(
        url,
        "user-metadata",
        "promotion-details",
        *(
            "finds more, costs the same",
            "Asked by: local",
            f"conclave approve {asked['id']}",
            experiment["config_hash"],
        ),
        *("awaiting: 0 of 1 approvals", "nothing approves by itself"),
    )
    [link] = [found for frame in viewer.page.frames for found in frame.get_by_role("link", name=experiment["id"]).all()]
    assert link.get_attribute("href") == f"/namespaces/default/workflows/experiment-{experiment['id']}"
    shell.run("approve", asked["id"], "--as", "second", "--yes")
    viewer.look(url, "user-metadata", "promotion-applied", "applied: 1 of 1 approvals, by second")
    viewer.look(url, "timeline", "promotion-result", '"status": "applied"', '"second"')


def test_the_list_finds_processes_by_what_they_are(viewer: Viewer, review: str, experiment: dict[str, str]) -> None:
    whole = review.rsplit("/", 1)[0]
    for name, query, there, other in (
        ("reviews", 'ConclaveStatus="completed" AND ConclaveLanguage="python"', review, experiment["workflow_url"]),
        ("experiments", 'ConclaveTier="experimental" AND ConclaveStatus="passed"', experiment["workflow_url"], review),
    ):
        viewer.page.goto(f"{whole}?query={query}", wait_until="domcontentloaded", timeout=WAIT)
        shown = viewer.seen(f"list-{name}", there.rsplit("/", 1)[1])
        assert other.rsplit("/", 1)[1] not in shown


def _listed(shell: Shell, what: str) -> list[dict[str, str]]:
    done = conclave(shell.stack.home, what, "list", "--json")
    return json.loads(done.stdout)
