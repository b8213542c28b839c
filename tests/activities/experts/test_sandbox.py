"""What a program inside the sandbox can and cannot do, in namespaces and without them."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from activities.experts.analyser import Limits
from activities.experts.sandbox import KernelSandbox, isolation_report
from activities.ports import IsolationUnavailable

LEVEL, REASON = isolation_report()
needs_namespaces = pytest.mark.skipif(LEVEL != "namespaces", reason=REASON)
LIMITS_ONLY = ("limits-only", "as the test says")


def limits_only() -> KernelSandbox:
    return KernelSandbox(report=lambda: LIMITS_ONLY)


BOTH = pytest.mark.parametrize(
    "make",
    [pytest.param(KernelSandbox, marks=needs_namespaces, id="namespaces"), pytest.param(limits_only, id="limits")],
)
Make = Callable[[], KernelSandbox]


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "app.py").write_text("value = 1\n")
    return folder


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def connecting(listener: socket.socket) -> str:
    return f"import socket; socket.create_connection(('127.0.0.1', {listener.getsockname()[1]}), 5); print('connected')"


@needs_namespaces
async def test_nothing_can_be_reached_over_the_network(tree: Path, listener: socket.socket) -> None:
    outside = subprocess.run(python(connecting(listener)), capture_output=True, check=True)
    assert outside.stdout == b"connected\n"
    listener.accept()[0].close()
    inside = await KernelSandbox().run(python(connecting(listener)), tree=tree)
    assert (inside.outcome, inside.returncode, inside.stdout) == ("exited", 1, b"")
    with pytest.raises(TimeoutError):
        listener.accept()


@needs_namespaces
async def test_files_beside_the_tree_and_in_the_home_are_out_of_sight(tree: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    (tree / "link").symlink_to(secret)
    code = f"""
import os
for path in ({str(secret)!r}, {str(tree / "link")!r}, "/etc/passwd", "/proc/self/environ", "/proc/1/environ"):
    try:
        print(path, open(path).read())
    except OSError as error:
        print("no")
print([name for name in os.listdir({str(tmp_path)!r})], open({str(tree / "app.py")!r}).read())
"""
    done = await KernelSandbox().run(python(code), tree=tree)
    assert done.stdout.decode() == "no\n" * 5 + "['tree'] value = 1\n\n"


@needs_namespaces
async def test_a_hidden_folder_is_empty_even_inside_something_shown(tree: Path, tmp_path: Path) -> None:
    keys = tmp_path / "shared" / "keys"
    keys.mkdir(parents=True)
    (keys / "root.key").write_text("canary")
    code = f"import os; print(os.listdir({str(keys.parent)!r}), os.listdir({str(keys)!r}))"
    for hidden, expected in (((keys,), "['keys'] []\n"), ((), "['keys'] ['root.key']\n")):
        done = await KernelSandbox(hidden=hidden).run(python(code), tree=tree, extra_read=(keys.parent,))
        assert done.stdout.decode() == expected


@needs_namespaces
async def test_a_tree_inside_a_hidden_folder_is_still_shown(tree: Path, tmp_path: Path) -> None:
    done = await KernelSandbox(hidden=(tmp_path,)).run(
        python(f"print(open({str(tree / 'app.py')!r}).read())"), tree=tree, extra_read=()
    )
    assert done.stdout == b"value = 1\n\n"


@needs_namespaces
async def test_the_tree_cannot_be_written_or_executed(tree: Path) -> None:
    script = tree / "run.sh"
    script.write_text("#!/bin/sh\necho executed\n")
    script.chmod(0o755)
    code = f"""
import subprocess
try:
    open({str(tree / "new")!r}, "w")
except OSError as error:
    print(error.strerror)
try:
    subprocess.run([{str(script)!r}])
except OSError as error:
    print(error.strerror)
"""
    done = await KernelSandbox().run(python(code), tree=tree)
    assert done.stdout == b"Read-only file system\nPermission denied\n"
    assert not (tree / "new").exists()


@needs_namespaces
async def test_an_unprivileged_user_without_rights_is_all_one_is_inside(tree: Path) -> None:
    code = "import os; print(os.getuid() != 0, os.getpid() < 10)\nos.setuid(0)"
    done = await KernelSandbox().run(python(code), tree=tree)
    assert done.stdout == b"True True\n"
    assert b"PermissionError" in done.stderr


@BOTH
async def test_the_environment_is_empty_and_the_working_folder_fresh(
    make: Make, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCLAVE_CANARY", "secret")
    code = """
import os
print(sorted(set(os.environ) - {"LC_CTYPE"}))
print(os.listdir("."), os.getcwd() == os.environ["HOME"] == os.environ["TMPDIR"])
open("litter", "w").write("x")
print(os.getcwd())
"""
    done = await make().run(python(code), tree=tree)
    names, empty, folder = done.stdout.decode().splitlines()
    assert "CANARY" not in names
    assert "PYTHONPATH" not in names
    assert empty == "[] True"
    assert not Path(folder).exists()
    assert not (tree / "litter").exists()


@BOTH
async def test_input_goes_in_and_both_outputs_come_out(make: Make, tree: Path) -> None:
    code = (
        "import sys; data = sys.stdin.read(); print(len(data)); print('e' * 20000, 'end', file=sys.stderr); sys.exit(3)"
    )
    done = await make().run(python(code), tree=tree, stdin=b"x" * 300_000)
    assert (done.outcome, done.returncode, done.stdout) == ("exited", 3, b"300000\n")
    assert len(done.stderr) == 8192
    assert done.stderr.endswith(b" end\n")


@BOTH
async def test_input_that_is_not_read_does_no_harm(make: Make, tree: Path) -> None:
    done = await make().run(python("print('bye')"), tree=tree, stdin=b"x" * 5_000_000)
    assert (done.outcome, done.returncode, done.stdout) == ("exited", 0, b"bye\n")


@BOTH
@pytest.mark.parametrize(
    ("code", "limits", "outcome"),
    [
        ("x = bytearray(600 * 1024**2)", Limits(memory_bytes=512 * 1024**2), "memory"),
        ("while True: pass", Limits(cpu_seconds=1), "cpu"),
        (
            "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
            Limits(cpu_seconds=1),
            "cpu",
        ),
        ("import time; time.sleep(60)", Limits(wall_seconds=0.7), "timeout"),
        ("while True: print('x' * 1000)", Limits(output_bytes=100_000), "output_too_large"),
        ("f = open('big', 'wb')\nwhile True: f.write(b'x' * 65536); f.flush()", Limits(file_bytes=2**20), "exited"),
        ("import os; os.abort()", Limits(), "killed"),
        ("import os; os.kill(os.getpid(), 9)", Limits(), "killed"),
        ("open_files = [open('/dev/null') for _ in range(100)]", Limits(open_files=32), "exited"),
    ],
    ids=["memory", "cpu", "cpu-ignored", "wall", "output", "file", "abort", "kill", "descriptors"],
)
async def test_each_limit_has_its_outcome(make: Make, tree: Path, code: str, limits: Limits, outcome: str) -> None:
    done = await make().run(python(code), tree=tree, limits=limits)
    assert done.outcome == outcome
    assert len(done.stdout) <= limits.output_bytes
    assert done.returncode != 0
    assert done.usage.seconds < 20


@BOTH
async def test_a_program_that_is_not_there_is_told_apart(make: Make, tree: Path) -> None:
    done = await make().run(["/usr/bin/no-such-program"], tree=tree)
    assert (done.outcome, done.returncode) == ("tool_missing", None)


FORKING = """
import os, time
children = 0
try:
    while children < 500:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        children += 1
except OSError:
    pass
print(children, flush=True)
"""


@BOTH
async def test_a_fork_bomb_is_bounded_and_leaves_nothing(make: Make, tree: Path) -> None:
    if make is limits_only and os.getuid() == 0:
        pytest.skip("the process limit does not bind root outside a namespace")
    done = await make().run(python(FORKING), tree=tree, limits=Limits(processes=20, wall_seconds=10))
    assert 1 <= int(done.stdout) <= 20
    assert done.usage.seconds < 10


def sleepers(seconds: str) -> list[int]:
    found: list[int] = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        if process.info["cmdline"] and process.info["cmdline"][-2:] == ["/bin/sleep", seconds]:
            found.append(process.info["pid"])
    return found


def spawning(seconds: str, then: str) -> list[str]:
    detached = f"import subprocess; subprocess.Popen(['/bin/sleep', '{seconds}'], start_new_session=True, stdout=-3)"
    return python(f"{detached}; {then}")


@BOTH
async def test_what_a_program_leaves_running_is_killed(make: Make, tree: Path) -> None:
    seconds = f"7{os.getpid()}.25"
    done = await make().run(spawning(seconds, "print('left')"), tree=tree)
    assert (done.outcome, done.stdout) == ("exited", b"left\n")
    await until(lambda: not sleepers(seconds))


@BOTH
@pytest.mark.parametrize("way", ["cancel", "timeout"])
async def test_cancellation_and_timeout_kill_the_whole_tree(make: Make, tree: Path, way: str) -> None:
    seconds = f"8{os.getpid()}.{'5' if way == 'cancel' else '75'}"
    limits = Limits(wall_seconds=60 if way == "cancel" else 2)
    run = asyncio.create_task(make().run(spawning(seconds, "import time; time.sleep(60)"), tree=tree, limits=limits))
    await until(lambda: bool(sleepers(seconds)))
    if way == "cancel":
        run.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        assert (await run).outcome == "timeout"
    assert run.done()
    await until(lambda: not sleepers(seconds))


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.05)


@needs_namespaces
async def test_no_more_programs_than_allowed_run_at_once(tree: Path) -> None:
    sandbox = KernelSandbox(at_once=1)
    code = "import time; print(time.monotonic()); time.sleep(0.2); print(time.monotonic())"
    runs = await asyncio.gather(*(sandbox.run(python(code), tree=tree) for _ in range(3)))
    spans = sorted([float(word) for word in run.stdout.split()] for run in runs)
    assert all(first[1] <= second[0] for first, second in zip(spans, spans[1:], strict=False))


async def test_the_fallback_is_reported_and_can_be_refused(tree: Path) -> None:
    assert limits_only().isolation == "limits-only"
    strict = KernelSandbox(required=True, report=lambda: LIMITS_ONLY)
    with pytest.raises(IsolationUnavailable, match="as the test says"):
        await strict.run(python("pass"), tree=tree)


def test_the_report_says_what_is_at_stake() -> None:
    level, reason = isolation_report()
    assert level in ("namespaces", "limits-only")
    assert "network" in reason


@BOTH
async def test_what_it_took_of_the_machine_is_told(make: Make, tree: Path) -> None:
    busy = "import time\nkept = bytearray(80 * 2**20)\nwhile time.process_time() < 0.3: pass"
    done = await make().run(python(busy), tree=tree)
    assert done.outcome == "exited"
    assert 0.25 <= done.usage.cpu_seconds < 5
    assert 80 <= done.usage.peak_mib < 400
