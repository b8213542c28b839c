"""The namespaces and the small root folder that a sandboxed program lives in: raw Linux calls, nothing else.

Used inside the launcher only (`sandbox_child`), which runs once per analyser call: slow imports are avoided, and so
are the `unshare` and `mount` programs, which not every machine has.
"""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CLONE_FLAGS = 0x00020000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
"""New mount, UTS, IPC, user, PID and network namespace."""
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
SYS_MOUNT_SETATTR = 442
SYS_PIVOT_ROOT = {
    "x86_64": 155,
    "aarch64": 41,
    "riscv64": 41,
    "ppc64le": 203,
    "s390x": 217,
}
PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 47, 2
CAP_DAC_READ_SEARCH = 2
NOBODY = 65534
OLD_ROOT = "/.old-root"

libc = ctypes.CDLL(None, use_errno=True)


class SetupError(Exception):
    """The kernel refused a step of the isolation."""


def check(result: int, step: str) -> None:
    """Turn a failed system call into an error that names the step, never a path."""
    if result != 0:
        raise SetupError(f"{step}: {os.strerror(ctypes.get_errno())}")


def prctl(option: int, *arguments: int) -> int:
    """Call prctl with the full-width arguments the kernel wants to be zero."""
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    return int(libc.prctl(option, *padded))


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount, or say that it failed."""
    encoded = kind.encode() if kind else None
    check(
        libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            encoded,
            ctypes.c_ulong(flags),
            options.encode(),
        ),
        "mount",
    )


def restrict(target: str, flags: int) -> None:
    """Make a mount and everything below it read-only and so on."""
    attributes = (ctypes.c_uint64 * 4)(flags, 0, 0, 0)
    path = os.fsencode(target)
    if (
        libc.syscall(
            SYS_MOUNT_SETATTR,
            AT_FDCWD,
            path,
            AT_RECURSIVE,
            ctypes.byref(attributes),
            32,
        )
        == 0
    ):
        return
    # Before Linux 5.12: a plain remount, which must repeat the flags that the mount already has.
    kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("none", target, None, MS_REMOUNT | MS_BIND | flags | kept)


def write_maps(pid: int, uid_map: str, gid_map: str) -> None:
    """Say who the ids inside are outside."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", uid_map),
        ("gid_map", gid_map),
    ):
        with open(f"/proc/{pid}/{name}", "w") as file:
            file.write(text)


def write_maps_as_root(pid: int) -> None:
    """Map `nobody` too, so that the program is not the user root: the process limit does not bind root."""
    try:
        write_maps(pid, f"0 0 1\n{NOBODY} {NOBODY} 1\n", f"0 0 1\n{NOBODY} {NOBODY} 1\n")
    except OSError:
        write_maps(pid, f"{NOBODY} 0 1\n", f"{NOBODY} {os.getegid()} 1\n")


def enter_namespaces() -> None:
    """Leave the host's user, network, process, mount, IPC and host-name namespaces."""
    uid, gid, me = os.geteuid(), os.getegid(), os.getpid()
    if uid != 0:
        check(libc.unshare(CLONE_FLAGS), "unshare")
        write_maps(me, f"{uid} {uid} 1\n", f"{gid} {gid} 1\n")
        return
    # A second id can only be mapped from outside, so a helper that stays behind writes the maps.
    ready, go = os.pipe()
    helper = os.fork()
    if helper == 0:
        try:
            os.close(go)
            if os.read(ready, 1):
                write_maps_as_root(me)
                os._exit(0)
        finally:
            os._exit(1)
    unshared = libc.unshare(CLONE_FLAGS)
    error = ctypes.get_errno()
    if unshared == 0:
        os.write(go, b"1")
    os.close(go)
    os.close(ready)
    mapped = os.waitpid(helper, 0)[1]
    if unshared != 0:
        raise SetupError(f"unshare: {os.strerror(error)}")
    if mapped != 0:
        raise SetupError("the user id map was refused")


def make_target(target: str, folder: bool) -> None:
    """Create the mount point, unless a mount made before has it."""
    if os.path.lexists(target):
        return
    os.makedirs(target if folder else os.path.dirname(target), mode=0o755, exist_ok=True)
    if not folder:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))


def build_root(config: dict[str, Any]) -> None:
    """Replace the root by a new one that holds only what the program may see."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    base = config["base"]
    mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m")
    os.mkdir(base + OLD_ROOT)
    os.chdir(base)
    number = SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise SetupError("pivot_root: unknown processor")
    check(libc.syscall(number, b".", os.fsencode(OLD_ROOT[1:])), "pivot_root")
    os.chdir("/")
    for link, target in config["links"]:
        os.symlink(target, link)
    for source, target, mode in config["mounts"]:
        make_target(target, source is None or os.path.isdir(OLD_ROOT + source))
        if source is None:
            mount(
                "tmpfs",
                target,
                "tmpfs",
                MS_NOSUID | MS_NODEV | MS_NOEXEC,
                "mode=0755,size=1m",
            )
            continue
        mount(OLD_ROOT + source, target, None, MS_BIND | MS_REC)
        if mode != "device":
            restrict(
                target,
                MS_RDONLY | MS_NOSUID | MS_NODEV | (MS_NOEXEC if mode == "data" else 0),
            )
    scratch = config["scratch"]
    owner = f"uid={NOBODY},gid={NOBODY}," if os.getuid() == 0 else ""
    os.mkdir(scratch)
    options = f"{owner}mode=0700,size={config['file_bytes']},nr_inodes=10000"
    mount("tmpfs", scratch, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
    check(libc.umount2(os.fsencode(OLD_ROOT), MNT_DETACH), "umount")
    os.rmdir(OLD_ROOT)
    restrict_root()


def restrict_root() -> None:
    """Make the new root itself read-only; not recursively, the scratch folder must stay writable."""
    mount("none", "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def become_nobody() -> None:
    """Drop from mapped root to `nobody`, keeping only the right to read the files that the mounts show."""
    if os.getuid() != 0:
        return
    prctl(PR_SET_KEEPCAPS, 1)
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    bit = 1 << CAP_DAC_READ_SEARCH
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    check(libc.capset(header, sets), "capset")
    check(
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH),
        "ambient capability",
    )
