"""The documents tell the truth as of this commit; that their commands work is `tests/test_docs_run.py`."""

import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer
import yaml

from models.settings import Settings
from starter.cli import app
from tests import cli_page
from tests.documented import PAGES, ROOT, commands, named, words_of
from tests.settings_page import render

LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PICTURES = sorted((ROOT / "docs" / "images").iterdir())
LARGEST = 200_000
PROSE = re.compile(r"`conclave ((?:[a-z][a-z-]*)(?: [^`]*)?)`")
"""A command within a sentence."""
each_page = pytest.mark.parametrize("page", PAGES, ids=named)


def test_the_settings_page_is_that_of_the_settings() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == render()


def test_the_page_of_the_command_line_is_that_of_the_commands() -> None:
    assert cli_page.current() == cli_page.render(), "run `uv run python -m tests.cli_page`"


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_reached_from_the_readme() -> None:
    seen, left = set[Path](), [ROOT / "README.md"]
    while left:
        page = left.pop().resolve()
        if page.suffix == ".md" and page not in seen:
            seen.add(page)
            left += [page.parent / target for target in LINK.findall(page.read_text(encoding="utf-8"))]
    assert [named(page) for page in PAGES if page.resolve() not in seen] == []


def unknown(words: list[str]) -> list[str]:
    """What the command line would not know of a command: its name, or options."""
    command: Any = typer.main.get_command(app)
    options = {"--help"} | {option for each in command.params for option in each.opts}
    for place, word in enumerate(words):
        inner = getattr(command, "commands", {})
        if word in inner:
            command = inner[word]
            options |= {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        elif inner and not word.startswith("-"):
            return words[: place + 1]
    return [word for word in words if word.startswith("-") and word.split("=")[0] not in options]


@each_page
def test_every_command_in_the_documents_exists_with_its_options(page: Path) -> None:
    told = [" ".join(["conclave", *words_of(line)]) for line in commands(page)]
    told += [f"conclave {words}" for words in PROSE.findall(page.read_text(encoding="utf-8"))]
    for line in told:
        words = takewhile(lambda word: word not in ("|", "<", ">", "&&", ";"), shlex.split(line.replace("'", '"'))[1:])
        assert unknown(list(words)) == [], line


def workflow_files(page: Path) -> list[dict[str, Any]]:
    return [
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    ]


def test_the_workflow_files_are_whole() -> None:
    github, gitlab = workflow_files(ROOT / "docs" / "guides" / "ci.md")
    steps = github["jobs"]["review"]["steps"]
    # YAML 1.1 reads the key `on` as true.
    assert "pull_request" in github[True] and github["permissions"]["security-events"] == "write"
    assert {step["uses"].split("@")[0] for step in steps if "uses" in step} >= {
        "actions/checkout",
        "github/codeql-action/upload-sarif",
    }
    [upload] = [step for step in steps if "upload-sarif" in step.get("uses", "")]
    assert upload["with"]["sarif_file"] in "\n".join(step.get("run", "") for step in steps)
    job = gitlab["conclave"]
    assert "merge_request_event" in str(job["rules"])
    assert all(name in "\n".join(job["script"]) for name in job["artifacts"]["paths"])


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_pictures_are_small_and_shown(picture: Path) -> None:
    assert picture.stat().st_size < LARGEST
    assert any(f"images/{picture.name}" in page.read_text(encoding="utf-8") for page in PAGES)
    if picture.suffix == ".svg":
        root = ElementTree.parse(picture).getroot()
        assert root.get("viewBox") and root.find("{http://www.w3.org/2000/svg}title") is not None
