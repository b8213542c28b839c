"""What a sandboxed program may see of the machine: the interpreter, the system's libraries, and what it is given."""

import functools
import os
import site
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/etc/ld.so.cache",)
STORES = ("/nix/store", "/gnu/store")
"""Where every library lives on systems without `/usr/lib`."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
PARTS_OF_PREFIX = ("bin", "lib", "lib64", "pyvenv.cfg")
"""Of a Python installation; not the whole of it, since its prefix may be the user's home."""

Mount = tuple[str | None, str, str]
"""Source (None: an empty folder in its place), target, and one of `code`, `data` (cannot be executed), `device`."""


def python_prefixes() -> set[Path]:
    """Every folder that is the prefix of the running Python, along all links from `sys.executable`."""
    prefixes = {
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(sys.exec_prefix),
        Path(sys.base_exec_prefix),
    }
    hop = Path(sys.executable)
    for _ in range(40):
        prefixes.add(hop.parent.parent)
        if not hop.is_symlink():
            break
        hop = hop.parent / hop.readlink()
    return prefixes


@functools.cache
def interpreter_paths() -> tuple[str, ...]:
    """Files and folders that the running Python and the programs installed beside it need."""
    found = {part for prefix in python_prefixes() for name in PARTS_OF_PREFIX if (part := prefix / name).exists()}
    found |= {Path(path) for path in (*site.getsitepackages(), sysconfig.get_path("stdlib")) if Path(path).is_dir()}
    found |= {Path(path) for path in (*SYSTEM_FILES, *STORES) if Path(path).exists()}
    found.add(Path(__file__).parent)
    named = {name for path in found for name in both_names(path)}
    # What lies inside another one, and is not somewhere else in truth, is seen through that.
    return tuple(
        sorted(path for path in named if os.path.realpath(path) != path or not inside_any(path, named - {path}))
    )


def both_names(path: Path) -> tuple[str, str]:
    """The path as it was named, and with every link resolved: programs use either."""
    return os.path.abspath(path), os.path.realpath(path)


@functools.cache
def system_links() -> tuple[tuple[str, str], ...]:
    """System folders that are links (`/bin` to `usr/bin`), to be made the same inside."""
    return tuple((path, os.readlink(path)) for path in SYSTEM_FOLDERS if os.path.islink(path))


def mounts(tree: Path, extra_read: tuple[Path, ...], hidden: tuple[Path, ...]) -> list[Mount]:
    """The mounts of one call, parents before children.

    Args:
        tree: the source under review.
        extra_read: what else the caller lets the program read.
        hidden: folders that appear empty even if they lie inside something that is shown.
    """
    kinds: dict[str, str] = {
        path: "code" for path in SYSTEM_FOLDERS if os.path.isdir(path) and not os.path.islink(path)
    }
    kinds |= dict.fromkeys(interpreter_paths(), "code")
    kinds |= {path: "device" for path in DEVICES if os.path.exists(path)}
    shown = {name: "data" for path in (tree, *extra_read) for name in both_names(path)}
    hide = {name for path in hidden for name in both_names(path)} - {"/"}
    merged: dict[str, Mount] = {path: (os.path.realpath(path), path, kind) for path, kind in (kinds | shown).items()}
    merged |= {path: (None, path, "data") for path in hide if path not in shown and inside_any(path, merged)}
    return [merged[path] for path in sorted(merged, key=lambda path: path.split("/"))]


def inside_any(path: str, shown: Iterable[str]) -> bool:
    """Whether a path would be visible through one of the mounts."""
    return any(path == other or path.startswith(other + "/") for other in shown)
