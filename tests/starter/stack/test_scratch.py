"""The worker's temporary files: ours alone, in memory where there is room, and gone in the end."""

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from starter.stack import scratch
from starter.stack.layout import Layout

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the machine's file system in memory, with room."""
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setattr(scratch, "MEMORY", folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**33, 0, 2**33))
    return folder


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "home")
    made.create()
    return made


def test_it_is_in_memory_and_ours_alone(layout: Layout, memory: Path) -> None:
    folder = scratch.make(layout)
    assert folder.parent == memory
    assert folder.stat().st_mode & 0o777 == 0o700
    assert scratch.place(layout) == folder


def test_what_was_left_in_it_is_gone_at_the_next_start_and_after_the_stop(layout: Layout, memory: Path) -> None:
    (scratch.make(layout) / "left.py").touch()
    assert list(scratch.make(layout).iterdir()) == []
    scratch.remove(layout)
    assert list(memory.iterdir()) == []
    assert not layout.scratch.exists()


def test_two_stacks_have_two(layout: Layout, tmp_path: Path) -> None:
    other = Layout(tmp_path / "other")
    other.create()
    assert scratch.make(layout) != scratch.make(other)


@pytest.mark.parametrize("free", [0, scratch.ROOM - 1])
def test_without_room_it_is_in_the_stack_s_folder(layout: Layout, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free, 0, free))
    assert scratch.make(layout) == scratch.place(layout) == layout.scratch
    assert layout.scratch.stat().st_mode & 0o777 == 0o700


def test_without_such_a_file_system_it_is_in_the_stack_s_folder(
    layout: Layout, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(scratch, "MEMORY", memory / "absent")
    assert scratch.make(layout) == scratch.place(layout) == layout.scratch


def test_a_link_that_somebody_put_in_its_place_is_not_followed(layout: Layout, memory: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    name = scratch.make(layout)
    scratch.remove(layout)
    os.symlink(precious, name)
    assert scratch.make(layout) == scratch.place(layout) == layout.scratch
    scratch.remove(layout)
    assert (precious / "file").exists()
