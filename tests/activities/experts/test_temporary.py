"""Temporary folders go when their time is over, also those of a worker that was killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from activities.experts import temporary


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("owner", "age", "stays"),
    [("dead", 7200, False), ("dead", 60, True), ("alive", 7200, True), ("nobody", 7200, True)],
)
def test_only_old_folders_of_dead_processes_are_swept(owner: str, age: int, stays: bool, tmp_path: Path) -> None:
    number = {"dead": dead_process(), "alive": os.getpid(), "nobody": "x"}[owner]
    folder = tmp_path / f"conclave-{number}-abc"
    (folder / "inner").mkdir(parents=True)
    at = folder.stat().st_mtime - age
    os.utime(folder, (at, at))
    temporary.sweep_once.cache_clear()
    temporary.sweep_once(tmp_path)
    assert folder.exists() is stays


def test_a_folder_is_private_and_ends_with_its_context() -> None:
    with temporary.temporary_folder() as name:
        assert Path(name).stat().st_mode & 0o777 == 0o700
        assert f"conclave-{os.getpid()}-" in name
    assert not Path(name).exists()
