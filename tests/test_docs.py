"""The documents tell the truth as of this commit."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.settings import Settings
from starter.cli import app
from tests.settings_page import render

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def test_the_settings_page_is_that_of_the_settings() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == render()


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


COMMAND = re.compile(r"^(?:\$ |    )?(?:uv run )?conclave ([a-z]+)(.*)$", re.MULTILINE)
GROUPS = ("provider", "key", "quota", "alerts", "audit", "trial", "blacklist", "dataset", "experiment", "comparison")


def told_of(page: Path) -> list[tuple[list[str], str]]:
    """Each command of a page, with the sub-command of a group, and what follows it."""
    found: list[tuple[list[str], str]] = []
    for command, rest in COMMAND.findall(page.read_text(encoding="utf-8")):
        words = [command]
        if command in GROUPS and rest.strip():
            words.append(rest.split()[0])
        found.append((words, rest))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_exists_with_its_options(page: Path) -> None:
    for command, rest in told_of(page):
        told = CliRunner().invoke(app, [*command, "--help"])
        assert told.exit_code == 0, command
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in told.stdout, (command, option)
