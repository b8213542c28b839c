"""The launcher of the sandbox: locks itself in, then runs one program.

It runs once per analyser call, so it imports nothing slow. What happened is written to the status pipe as one line
(`setup WHY`, `exec ERRNO` or `exit WAIT_STATUS CPU_SECONDS`), which the program itself cannot reach.
"""

from __future__ import annotations

import marshal
import os
import resource
import sys

from activities.experts.sandbox_root import (
    SetupError,
    become_nobody,
    build_root,
    check,
    enter_namespaces,
    prctl,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Any, NoReturn
else:
    import _signal as signal  # `signal` wraps the same in enums, which takes longer than the rest of the launcher

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = (
    1,
    4,
    36,
    38,
)


def set_limits(limits: dict[str, int]) -> None:
    """Apply the resource limits; a limit that the host set lower stays."""
    for name, value in limits.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # The hard CPU limit lies a second above the soft one: SIGXCPU first, so that the outcome can be told.
        upper = value + 1 if name == "RLIMIT_CPU" and (hard == resource.RLIM_INFINITY or hard > value) else value
        try:
            resource.setrlimit(kind, (value, upper))
        except (ValueError, OSError):
            if sys.platform == "linux":
                raise


def execute(config: dict[str, Any], status: int) -> NoReturn:
    """In the last child: become the program."""
    try:
        if sys.platform == "linux":
            if config["namespaces"]:
                become_nobody()
            check(prctl(PR_SET_NO_NEW_PRIVS, 1), "no_new_privs")
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(config["scratch"])
        set_limits(config["limits"])
        os.execve(config["argv"][0], config["argv"], config["env"])
    except OSError as error:
        os.write(status, f"exec {error.errno}\n".encode())
    except (SetupError, ValueError) as error:
        os.write(status, f"setup {error}\n".encode()[:500])
    finally:
        os._exit(127)


def supervise(config: dict[str, Any], status: int) -> NoReturn:
    """Start the program, reap what it leaves, report how it ended."""
    program = os.fork()
    if program == 0:
        execute(config, status)
    if sys.platform == "linux":
        prctl(PR_SET_DUMPABLE, 0)
    while True:
        pid, wait_status = os.wait()
        if pid == program:
            break
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Kilobytes on Linux, bytes on macOS.
    peak = usage.ru_maxrss if sys.platform == "linux" else usage.ru_maxrss // 1024
    os.write(status, f"exit {wait_status} {usage.ru_utime + usage.ru_stime:.3f} {peak}\n".encode())
    if not config["namespaces"]:
        kill_descendants()
    os._exit(0)


def kill_descendants() -> None:
    """Without a PID namespace: kill what is left below us, again and again, since the killed hand on their children."""
    if sys.platform != "linux":
        return
    children = f"/proc/self/task/{os.getpid()}/children"
    while True:
        try:
            with open(children) as file:
                pids = [int(pid) for pid in file.read().split()]
        except OSError:
            return
        if not pids:
            return
        for pid in pids:
            os.kill(pid, signal.SIGKILL)  # still ours until waited for, so the number cannot be another's
        os.wait()


def run_in_namespaces(config: dict[str, Any], status: int) -> None:
    """Isolate, then supervise from process 1 of the new PID namespace: when that ends, everything in it ends."""
    enter_namespaces()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    build_root(config)
    alive, hold = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(hold)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.read(alive, 1):  # nothing to read: the parent died before the line above took effect
            supervise(config, status)
        os._exit(1)
    os.write(hold, b"1")
    os.waitpid(first, 0)


def run_with_limits(config: dict[str, Any], status: int) -> None:
    """The fallback: same limits, but the network and the user's files stay within reach."""

    def end(_number: int, _frame: object) -> None:
        kill_descendants()
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    if sys.platform == "linux":
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    supervise(config, status)


def main() -> None:
    """Read the configuration, isolate, run."""
    config_fd, status = int(sys.argv[1]), int(sys.argv[2])
    with os.fdopen(config_fd, "rb") as file:
        config = marshal.load(file)
    os.set_inheritable(status, False)
    try:
        if config["namespaces"]:
            run_in_namespaces(config, status)
        else:
            run_with_limits(config, status)
    except (SetupError, OSError) as error:
        reason = str(error) if isinstance(error, SetupError) else f"{error.strerror}"
        os.write(status, f"setup {reason}\n".encode()[:500])
        os._exit(127)
