"""Temporary folders that a killed worker does not leave behind for ever."""

import contextlib
import functools
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

import psutil

NAME = re.compile(r"^conclave-(\d+)-")
OLD_SECONDS = 3600.0
"""Younger folders stay: another container may share the folder of temporary files, but not the process numbers."""


_kept = contextlib.ExitStack()


@functools.cache
def sweep_once(parent: Path) -> None:
    """Remove folders of processes that are gone; once per process is enough."""
    for folder in parent.glob("conclave-*-*"):
        match = NAME.match(folder.name)
        try:
            status = folder.lstat()
        except OSError:
            continue
        ours = match and status.st_uid == os.getuid() and time.time() - status.st_mtime > OLD_SECONDS
        if match and ours and not psutil.pid_exists(int(match[1])):
            shutil.rmtree(folder, ignore_errors=True)


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A private folder, removed when its context ends; if the process is killed before, by a later one."""
    sweep_once(Path(tempfile.gettempdir()))
    return tempfile.TemporaryDirectory(prefix=f"conclave-{os.getpid()}-", ignore_cleanup_errors=True)


def kept_folder() -> Path:
    """A private folder for as long as this process works."""
    return Path(_kept.enter_context(temporary_folder()))


def remove_kept_folders() -> None:
    """End the folders of `kept_folder`; for processes that leave without Python's own cleaning up."""
    _kept.close()
