"""The whole tree of commands: each has help, an example that can be typed, and `--json`."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from starter import completion
from starter.cli import app
from starter.command_tree import PANELS

ROOT: Any = typer.main.get_command(app)
EXAMPLE = re.compile(r"^ {4}(\S.*?)(?:  +# .*)?$")


def leaves(command: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that lead to it."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, each in command.commands.items():
        yield from leaves(each, (*path, name))


LEAVES = dict(leaves())


def help_of(path: tuple[str, ...]) -> str:
    """As on a terminal of 80 columns."""
    done = CliRunner().invoke(app, [*path, "--help"])
    assert done.exit_code == 0, done.output
    return done.stdout


def examples_of(path: tuple[str, ...]) -> list[str]:
    """The lines below `Examples`, those that go on in the next line joined."""
    _, found, text = help_of(path).partition("\n  Examples:\n")
    assert found, f"`conclave {' '.join(path)}` has no examples"
    joined = re.sub(r"\\\n\s*", "", text)
    return [match[1] for line in joined.splitlines() if (match := EXAMPLE.match(line))]


def words_of(example: str) -> list[str]:
    """What `conclave` is given by a line of the shell."""
    lexer = shlex.shlex(example, posix=True, punctuation_chars="|&<>;")
    lexer.whitespace_split = True
    words = list(lexer)
    words = words[words.index("conclave") + 1 :]
    end = next((number for number, word in enumerate(words) if word[0] in "|&<>;"), len(words))
    return words[:end]


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_has_an_example_that_it_understands(path: tuple[str, ...]) -> None:
    lines = examples_of(path)
    assert lines
    for line in lines:
        words = words_of(line)
        assert tuple(words[: len(path)]) == path, line
        LEAVES[path].make_context(path[-1], words[len(path) :])
    assert max(map(len, help_of(path).splitlines())) <= 80, "a line breaks on a terminal of 80 columns"


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_has_json_and_says_so_in_the_same_words(path: tuple[str, ...]) -> None:
    (option,) = [each for each in LEAVES[path].params if "--json" in each.opts]
    assert option.help == "JSON for programs instead of text."


def test_every_command_has_a_heading_and_a_summary_of_one_line() -> None:
    listing = help_of(())
    headings = [line[:-1] for line in listing.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Options", *PANELS]
    for path, command in LEAVES.items():
        summary = command.get_short_help_str(200)
        assert 10 < len(summary) <= 66 and summary.endswith("."), (path, summary)
    for name, each in ROOT.commands.items():
        assert f"  {name}  ".rstrip() in listing
        assert each.get_short_help_str(200) in listing, f"the summary of {name} is broken over lines"


@pytest.mark.parametrize("width", [60, 100, 200])
@pytest.mark.parametrize("path", [(), ("review",), ("provider", "add")], ids=" ".join)
def test_help_fits_the_terminal(path: tuple[str, ...], width: int) -> None:
    # A process: the runner's terminal always has 80 columns.
    conclave = Path(sys.executable).with_name("conclave")
    environment = {"PATH": os.environ["PATH"], "COLUMNS": str(width)}
    text = subprocess.run(
        [conclave, *path, "--help"], env=environment, capture_output=True, text=True, check=True
    ).stdout
    widest = max(map(len, text.partition("Examples:")[0].splitlines()))
    assert widest <= min(width, 100)
    assert width < 100 or widest > 80, "the room is not used"


def test_one_option_means_the_same_everywhere() -> None:
    """The same name has the same place-holder, and what is counted is `--limit`."""
    metavars: dict[str, set[str]] = {}
    for command in LEAVES.values():
        for option in command.params:
            if option.param_type_name == "option" and not option.is_flag:
                metavars.setdefault(option.opts[0], set()).add(option.metavar or option.display_type_rich(None))
    assert {name: found for name, found in metavars.items() if len(found) > 1} == {}
    assert {name: found for name, found in metavars.items() if "<str>" in found} == {}


def test_words_offered_are_the_words_that_are_taken() -> None:
    from models.dataset import Split
    from models.expert import ExpertName, Severity
    from models.gate import PolicyName
    from models.provider import ModelTier, ProviderKind, WireProtocol
    from models.review import ReviewMode, ReviewProfile
    from models.routing import Strategy
    from models.verdict import Verdict
    from starter.commands.review import FORMATS

    kinds: tuple[tuple[tuple[str, ...], Any], ...] = (
        (completion.EXPERTS, ExpertName),
        (completion.SEVERITIES, Severity),
        (completion.MODES, ReviewMode),
        (completion.PROFILES, ReviewProfile),
        (completion.STRATEGIES, Strategy),
        (completion.KINDS, ProviderKind),
        (completion.PROTOCOLS, WireProtocol),
        (completion.TIERS, ModelTier),
        (completion.SPLITS, Split),
        (completion.POLICIES, PolicyName),
        (completion.VERDICTS, Verdict),
    )
    for offered, taken in kinds:
        assert sorted(offered) == sorted(each.value for each in taken)
    assert completion.FORMATS == FORMATS


def test_help_imports_nothing_heavy() -> None:
    heavy = ("pydantic", "httpx", "rich", "temporalio", "sqlalchemy", "fastapi", "scipy")
    code = f"import sys, starter.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout.strip() == "[]"


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"conclave \d+\.\d+\S*\n", CliRunner().invoke(app, ["--version"]).stdout)
