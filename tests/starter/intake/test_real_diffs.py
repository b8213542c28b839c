"""Diffs of real commits, read alone and against their tree; skipped where the data sets are not beside the checkout."""

from pathlib import Path

import pytest

from starter.intake.collect import collect
from tests.starter.intake.building import accepted, write_tree

DIFFS = Path(__file__).parents[4] / "shared" / "datasets" / "diffs"
FILES = sorted(DIFFS.glob("*.diff"))

pytestmark = pytest.mark.skipif(not FILES, reason="needs shared/datasets/diffs beside the checkout")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_real_diff_marks_the_same_lines_alone_and_with_its_tree(path: Path, tmp_path: Path) -> None:
    alone = accepted(collect(path))
    tree = write_tree(tmp_path / "tree", alone.texts)
    beside = accepted(collect(tree, diff=path))
    changed = {file.path: file.changed for file in alone.manifest.files}
    assert {file.path: file.changed for file in beside.manifest.files} == changed
    assert all(changed.values())
    assert alone.manifest.skipped == ()
    counted = sum(line[:1] == "+" and line[:4] != "+++ " for line in path.read_text().split("\n"))
    numbers = [n for ranges in changed.values() for part in ranges or () for n in range(part.start, part.end + 1)]
    assert counted <= len(numbers) <= counted + path.read_text().count("\n-")
