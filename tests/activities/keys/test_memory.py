"""What is left of keys in memory: another process reads all of it. And the kernel's part in keeping others out."""

import itertools
import os
import re
import resource
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CHUNK = 1 << 20


def readable() -> bool:
    """Whether this user may look into the memory of a child (ptrace scope, containers)."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        return copies(child.pid, b"\x7fELF") > 0
    except OSError:
        return False
    finally:
        child.kill()
        child.communicate()


def copies(pid: int, wanted: bytes) -> int:
    """How often the bytes are in a process's memory, in whatever region can be read."""
    found = 0
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if match is None or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            start, end = (int(each, 16) for each in match.groups())
            found += in_region(memory.fileno(), start, end, wanted)
    return found


def in_region(memory: int, start: int, end: int, wanted: bytes) -> int:
    found, tail = 0, b""
    while start < end:
        try:
            chunk = os.pread(memory, min(CHUNK, end - start), start)
        except OSError:
            return found
        if not chunk:
            return found
        found += (tail + chunk).count(wanted)
        tail = chunk[-(len(wanted) - 1) :]
        start += len(chunk)
    return found


needs_memory = pytest.mark.skipif(
    not Path("/proc/self/mem").exists() or not readable(), reason="this machine lets nobody read a child's memory"
)


def looked_at(*how: str) -> dict[str, tuple[int, int]]:
    """Copies of the key and of the data key at each stage of a process that seals and opens them."""
    key, data_key = f"sk-{secrets.token_hex(24)}".encode(), secrets.token_bytes(32)
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.activities.keys.holder", *how, str(len(key))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdin is not None and child.stdout is not None
    try:
        child.stdin.write(key + data_key)
        child.stdin.flush()
        seen: dict[str, tuple[int, int]] = {}
        for stage in iter(child.stdout.readline, b""):
            seen[stage.decode().strip()] = (copies(child.pid, key), copies(child.pid, data_key))
            child.stdin.write(b".")
            child.stdin.flush()
        return seen
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


@needs_memory
def test_nothing_is_left_of_a_key_nor_of_its_data_key() -> None:
    seen = looked_at("careful")
    assert seen["given"] == (1, 1), "the control: what is held is found"
    # The data key that is left is the one the test itself holds.
    assert seen["sealed"] == (0, 1)
    assert seen["opened"] == (1, 1)
    assert seen["wiped"] == (0, 0)


@needs_memory
def test_a_copy_that_is_left_would_be_found() -> None:
    assert looked_at("leaking")["wiped"] == (0, 1)


HARDENED = """
import os, sys
from activities.keys.process import harden_process
print(harden_process(), flush=True)
sys.stdin.read(1)
os.abort()
"""


def test_a_hardened_process_leaves_no_core_and_no_memory_to_its_user(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HARDENED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2),
    )
    assert child.stdin is not None and child.stdout is not None
    took = child.stdout.readline().strip()
    assert took == (b"True" if sys.platform == "linux" else b"False")
    if sys.platform == "linux":
        # What is not dumpable belongs to root, so its own user is told nothing.
        assert Path(f"/proc/{child.pid}/mem").stat().st_uid == 0
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        assert re.search(r"Max core file size\s+0\s+0\s", limits)
    _, status = child.communicate(b"."), child.returncode
    assert status < 0 and not list(itertools.chain(tmp_path.glob("core*"), tmp_path.glob("*.core")))


SIBLING = """
import ctypes, os, sys
from activities.keys.process import PR_SET_DUMPABLE, harden_process
os.setgroups([]); os.setgid(65534); os.setuid(65534)
ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as after execve; changing the user took it away
ready, tell = os.pipe(); done, end = os.pipe()
child = os.fork()
if child == 0:
    if sys.argv[1] == "hardened": harden_process()
    os.write(tell, b"."); os.read(done, 1); os._exit(0)
os.read(ready, 1)
try:
    open(f"/proc/{child}/environ", "rb").read(); print("read")
except PermissionError:
    print("refused")
os.write(end, b"."); os.waitpid(child, 0)
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs another user to look")
def test_another_process_of_the_same_user_cannot_look() -> None:
    for how, outcome in (("plain", "read"), ("hardened", "refused")):
        told = subprocess.run(
            [sys.executable, "-c", SIBLING, how], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
        )
        assert told.stdout.strip() == outcome
