"""What on this machine may keep the local stack from working, and the way out of each."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from models.settings import Settings
from starter.stack import binaries, secret_files, state
from starter.stack.errors import StackError
from starter.stack.launcher import ALL
from starter.stack.layout import Layout
from starter.stack.look import status
from starter.stack.ports import is_free

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 1024**3

_BINARIES: dict[str, tuple[Callable[[], Path], tuple[str, ...]]] = {
    "temporal": (binaries.temporal, ("--version",)),
    "postgres": (binaries.postgres, ("--version",)),
    "redis": (binaries.redis, ("--version",)),
    "openbao": (binaries.openbao, ("version",)),
}


class Check(BaseModel):
    """One thing that was looked at."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: str
    ok: bool
    """False only for what keeps Conclave from working as the settings ask."""
    detail: str
    """What was found and, when it is not as it should be, the way out."""


def doctor(settings: Settings) -> list[Check]:
    """Look at everything, change nothing."""
    layout = Layout(settings.home.expanduser().absolute())
    looks = (_python, lambda: _programs(settings), lambda: _home(layout), lambda: _secrets(layout))
    checks = [check for look in looks for check in look()]
    checks += [*_ports(settings, layout), _isolation(settings), *_parts(settings)]
    return checks


def _python() -> Iterator[Check]:
    ok = sys.version_info >= OLDEST_PYTHON
    wanted = ".".join(map(str, OLDEST_PYTHON))
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Check(name="python", ok=ok, detail=detail if ok else f"{detail}; {wanted} or later is needed")


def _programs(settings: Settings) -> Iterator[Check]:
    elsewhere = {part.name for part in ALL if part.outside(settings) is not None}
    for name, (find, arguments) in _BINARIES.items():
        if name in elsewhere:
            continue
        try:
            path = find()
        except StackError as error:
            yield Check(name=f"{name} binary", ok=False, detail=str(error))
            continue
        version = binaries.version(path, *arguments)
        ok = version != "0"
        yield Check(name=f"{name} binary", ok=ok, detail=f"{version} ({path})" if ok else f"{path} does not run here")


def _home(layout: Layout) -> Iterator[Check]:
    nearest = next(folder for folder in (layout.home, *layout.home.parents) if folder.exists())
    writable = os.access(nearest, os.W_OK | os.X_OK)
    found = str(layout.home) if writable else f"{nearest} cannot be written to; set CONCLAVE_HOME to another folder"
    yield Check(name="home", ok=writable, detail=found)
    free = shutil.disk_usage(nearest).free
    detail = f"{free / 1024**3:.1f} GiB free"
    ok = free >= LEAST_FREE_BYTES
    yield Check(name="disk", ok=ok, detail=detail if ok else f"{detail}; 1 GiB is needed, set CONCLAVE_HOME elsewhere")


def _secrets(layout: Layout) -> Iterator[Check]:
    if not layout.secrets.is_dir():
        yield Check(name="secrets", ok=True, detail="none yet")
        return
    if layout.secrets.stat().st_mode & secret_files.OTHERS:
        detail = f"{layout.secrets} is open to other users; run `chmod 700 {layout.secrets}`"
        yield Check(name="secrets", ok=False, detail=detail)
        return
    problems: list[str] = []
    for path in sorted(layout.secrets.iterdir()):
        try:
            secret_files.check(path)
        except StackError as error:
            problems.append(str(error))
    yield Check(name="secrets", ok=not problems, detail=" ".join(problems) or "readable by their owner only")


def _ports(settings: Settings, layout: Layout) -> Iterator[Check]:
    remembered = state.load(layout)
    for part in ALL:
        if part.name in remembered.parts or part.outside(settings) is not None:
            continue
        for name, default in part.ports(settings).items():
            port = remembered.ports.get(name, default)
            found = f"{port} is free" if is_free(port) else f"{port} is taken; the next free one will be used"
            yield Check(name=f"{name} port", ok=True, detail=found)


def _isolation(settings: Settings) -> Check:
    # Only here and only now: everything else in this package starts without the analysers.
    from activities.experts.sandbox import isolation_report

    level, reason = isolation_report()
    return Check(
        name="isolation", ok=level == "namespaces" or settings.isolation == "auto", detail=f"{level}: {reason}"
    )


def _parts(settings: Settings) -> Iterator[Check]:
    try:
        found = status(settings)
    except StackError as error:
        yield Check(name="parts", ok=False, detail=str(error))
        return
    for part in found:
        detail = part.address or "not running; `conclave up` starts it"
        if part.state == "unhealthy":
            detail = f"runs but does not answer; `conclave up` starts it anew (log: {part.log})"
        yield Check(name=part.name, ok=part.state != "unhealthy", detail=f"{part.state}: {detail}")
