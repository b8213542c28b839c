"""The examples stay what their README says: whole, parseable, and in step with their diff and measurements."""

import json
from pathlib import Path

import pytest
import tree_sitter_c
import tree_sitter_cpp
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_rust
from tree_sitter import Language, Parser

from starter.intake.diffs import parse_diff

EXAMPLES = Path(__file__).parents[1] / "examples"
PROJECTS = ("python-shop", "javascript-board", "java-bank", "rust-notes", "cpp-parser")
GRAMMARS = {
    ".py": tree_sitter_python,
    ".js": tree_sitter_javascript,
    ".java": tree_sitter_java,
    ".rs": tree_sitter_rust,
    ".c": tree_sitter_c,
    ".h": tree_sitter_cpp,
    ".cpp": tree_sitter_cpp,
    ".hpp": tree_sitter_cpp,
}


@pytest.mark.parametrize("project", PROJECTS)
def test_a_project_is_small_and_its_code_parses(project: str) -> None:
    sources = [path for path in (EXAMPLES / project).rglob("*") if path.suffix in GRAMMARS]
    assert len(sources) >= 3
    for path in sources:
        tree = Parser(Language(GRAMMARS[path.suffix].language())).parse(path.read_bytes())
        assert not tree.root_node.has_error, path.name


@pytest.mark.parametrize("project", PROJECTS)
def test_a_reader_is_told_that_the_flaws_are_deliberate(project: str) -> None:
    assert "flaws are deliberate" in (EXAMPLES / project / "README.md").read_text(encoding="utf-8")
    assert f"`{project}`" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_the_new_side_of_the_diff_is_the_project() -> None:
    changes = parse_diff((EXAMPLES / "diffs" / "python-shop-reports.diff").read_text(encoding="utf-8"))
    assert changes
    for change in changes:
        lines = (EXAMPLES / "python-shop" / change.path).read_text(encoding="utf-8").splitlines()
        assert {number: lines[number - 1] for number in change.added} == change.added


def test_the_measurements_are_of_the_project() -> None:
    measurements = EXAMPLES / "measurements"
    files = json.loads((measurements / "python-shop-coverage.json").read_text(encoding="utf-8"))["files"]
    assert files
    for path, coverage in files.items():
        lines = (EXAMPLES / "python-shop" / path).read_text(encoding="utf-8").splitlines()
        assert max([0, *coverage["executed_lines"], *coverage["missing_lines"]]) <= len(lines)
    profile = json.loads((measurements / "python-shop.speedscope.json").read_text(encoding="utf-8"))
    for frame in profile["shared"]["frames"]:
        if "file" in frame and frame["name"].isidentifier():
            lines = (EXAMPLES / "python-shop" / frame["file"]).read_text(encoding="utf-8").splitlines()
            assert lines[frame["line"] - 1].startswith(f"def {frame['name']}(")
