"""The worker's temporary files, code under review among them: in memory where there is room, and gone after every stop.

What an analyser is to read is written, read once and removed; on a disk's file system the writing alone takes three
times as long.
"""

import hashlib
import os
import shutil
import stat
from pathlib import Path

from starter.stack.layout import PRIVATE, Layout

MEMORY = Path("/dev/shm")
"""A file system in memory, on Linux."""
ROOM = 1024**3
"""Free bytes below which it is left alone: containers often have 64 MiB of it."""


def make(layout: Layout) -> Path:
    """An empty folder of our own."""
    remove(layout)
    fast = _in_memory(layout)
    try:
        if shutil.disk_usage(MEMORY).free >= ROOM:
            fast.mkdir(mode=PRIVATE)  # Refuses what is there already, a link of somebody else's for example.
            return fast
    except OSError:
        pass
    layout.scratch.mkdir(mode=PRIVATE, exist_ok=True)
    return layout.scratch


def place(layout: Layout) -> Path:
    """Where the last `make` made it."""
    fast = _in_memory(layout)
    try:
        status = fast.lstat()
    except OSError:
        return layout.scratch
    return fast if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() else layout.scratch


def remove(layout: Layout) -> None:
    """Nothing of it stays."""
    for folder in {place(layout), layout.scratch}:
        shutil.rmtree(folder, ignore_errors=True)


def _in_memory(layout: Layout) -> Path:
    # Always the same for a stack: what one that was killed left behind is found by the next, or by `conclave down`.
    return MEMORY / f"conclave-{hashlib.sha256(os.fsencode(layout.home)).hexdigest()[:16]}"
