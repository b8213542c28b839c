"""A person follows a review in the Temporal web UI: everything is there in clear, and reads well."""

import shutil
import subprocess
from pathlib import Path

import pytest

from models.submission import ReviewSubmission, ReviewView
from starter.intake.collect import collect
from starter.stack.launcher import Stack
from tests.service_fixture import EXAMPLES, client_of

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.extra,
    pytest.mark.timeout(240),
    pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: chromium on the PATH"),
]

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=20000",
    "--window-size=1500,1700",
]


def page(url: str, profile: Path, until: str) -> str:
    """What a browser shows once the page has loaded, as HTML; a slow machine gets a second and a third look."""
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", url]
    shown = ""
    for _ in range(3):
        shown = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout
        if until in shown:
            break
    return shown


@pytest.fixture(scope="module")
def view(service: Stack) -> ReviewView:
    client = client_of(service)
    source = client.submit_source(collect(EXAMPLES / "python-shop"))
    view = client.submit_review(ReviewSubmission(source_id=source.source_id, experts="all"))
    for now in client.follow(view.id):
        view = now
    assert view.status == "completed"
    return view


def test_the_page_shows_input_result_and_steps_in_clear(view: ReviewView, tmp_path: Path) -> None:
    assert view.workflow_url is not None
    shown = page(view.workflow_url, tmp_path, until="static analysis")
    assert "python-shop" in shown
    assert "security: static analysis" in shown
    assert "meta: judge the panel" in shown
    assert "binary/encrypted" not in shown


def test_the_list_shows_reviews_by_summary(view: ReviewView, tmp_path: Path) -> None:
    assert view.workflow_url is not None
    shown = page(view.workflow_url.rsplit("/", 1)[0], tmp_path, until=view.workflow_id)
    assert view.workflow_id in shown
