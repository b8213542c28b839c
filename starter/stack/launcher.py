"""Start, stop and look at the local stack. Safe to call again, from several processes at once, after any crash."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from models.settings import Settings
from starter.stack import processes, scratch, secret_files, state
from starter.stack.errors import StackBusy, StackError
from starter.stack.layout import Layout
from starter.stack.part import Part, Site
from starter.stack.parts.openbao import OpenBao
from starter.stack.parts.postgres import Postgres, remove_socket_dir
from starter.stack.parts.programs import MIGRATIONS, Api, Worker
from starter.stack.parts.redis import Redis
from starter.stack.parts.temporal import Temporal
from starter.stack.ports import assign
from starter.stack.starting import ensure

SERVERS: tuple[Part, ...] = (Temporal(), Postgres(), Redis(), OpenBao())
"""The four servers, enough for tests of everything below the API."""

ALL: tuple[Part, ...] = (*SERVERS, Api(), Worker())
"""What `conclave up` starts."""

LOCK_SECONDS = 180.0
"""How long to wait for another process that starts or stops the same stack."""

Migrate = Callable[[Mapping[str, str]], None]
"""Brings the database to the version of the code, given our programs' environment; repeating it changes nothing."""


@dataclass(frozen=True)
class Stack:
    """A stack that is in service."""

    home: Path
    seconds: Mapping[str, float]
    """How long each part that had to be started took, from the beginning of `up`."""
    pids: Mapping[str, int]
    """Process of each part that runs here."""
    api_url: str | None
    """Address of the API, here or elsewhere; None when the API is not part of this stack."""
    ui_url: str | None
    """Address of the Temporal web UI, if known."""
    _environment: Mapping[str, str] = field(repr=False)

    def environment(self) -> dict[str, str]:
        """The variables with which a process finds every part (`Settings` reads them). Contains secrets."""
        return dict(self._environment)


def up(
    settings: Settings,
    *,
    parts: Sequence[Part] = ALL,
    migrate: Migrate | None = None,
    scatter_ports: bool = False,
    refresh: bool = True,
) -> Stack:
    """Start what is not running and wait until all of it is in service.

    Parts that the settings name elsewhere are left alone. Several calls at once are one after the other, so that the
    later ones find everything running.

    Args:
        settings: where the stack lives, and which parts are elsewhere.
        parts: what to start.
        migrate: run when the database is in service and before our own programs start.
        scatter_ports: take random free ports instead of the defaults.
        refresh: start a running part anew when it was started with another command or other settings.

    Raises:
        PartFailed: a part ended or did not come into service; the others keep running.
        StackError: something on the machine is not as it must be; the message says what to do.
    """
    began = time.monotonic()
    layout = Layout(settings.home.expanduser().absolute())
    layout.create()
    with _locked(layout):
        site = _site(settings, layout, parts)
        # Before any thread could make the same one twice; this also refuses those that others could read.
        for name in (
            secret_files.API_TOKEN,
            secret_files.SECOND_TOKEN,
            secret_files.CODEC_TOKEN,
            secret_files.REDIS_PASSWORD,
        ):
            site.secret(name)
        _end_strays(site)
        _choose_ports(site, scatter_ports)
        seconds = _bring_up(site, migrate, began, refresh, scatter_ports)
        return _stack(site, seconds)


def down(settings: Settings) -> list[str]:
    """Stop what `up` started, our own programs first; data, logs and secrets stay.

    Returns:
        Names of the parts that were stopped.
    """
    layout = Layout(settings.home.expanduser().absolute())
    if not layout.home.exists():
        return []
    layout.create()
    with _locked(layout):
        site = _site(settings, layout, ALL)
        stopped: list[str] = []
        for wave in sorted({record.wave for record in site.state.parts.values()}, reverse=True):
            stopped += _stop_wave(site, wave)
        _end_strays(site)
        remove_socket_dir(site)
        scratch.remove(layout)
        return stopped


def running(site: Site) -> dict[str, int]:
    """Pid of every recorded part whose process is the one that was started."""
    records = site.state.parts.items()
    return {name: r.pid for name, r in records if processes.is_alive(r.pid, r.create_time)}


@contextmanager
def _locked(layout: Layout) -> Generator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(layout.lock_file, timeout=LOCK_SECONDS, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise StackBusy(
            f"another process has been starting or stopping this stack for {LOCK_SECONDS:.0f} s. "
            f"Wait for it or end it, then try again ({layout.lock_file})."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _site(settings: Settings, layout: Layout, parts: Sequence[Part]) -> Site:
    local = tuple(part for part in parts if part.outside(settings) is None)
    return Site(settings, layout, state.load(layout), local)


def _end_strays(site: Site) -> None:
    """Stop processes of this stack that no record knows; they would work on the same data as their successors."""
    signals = {part.name: part.stop_signal for part in ALL}
    for name, process in list(processes.strays(site.layout.home, running(site))):
        created = process.create_time() if process.is_running() else 0.0
        processes.stop(process.pid, created, signals.get(name, Part.stop_signal))


def _choose_ports(site: Site, scatter: bool) -> None:
    wanted = {name: port for part in site.parts for name, port in part.ports(site.settings).items()}
    alive = running(site)
    held = {name for part in site.parts if part.name in alive for name in part.ports(site.settings)}
    site.state.ports |= assign(wanted, site.state.ports, held, scatter)
    state.save(site.layout, site.state)


def _bring_up(site: Site, migrate: Migrate | None, began: float, refresh: bool, scatter: bool) -> dict[str, float]:
    """Start all parts, each as soon as what it needs is in service; returns the seconds of those started."""
    seconds: dict[str, float] = {}

    def start(part: Part) -> None:
        if ensure(part, site, refresh, scatter):
            seconds[part.name] = time.monotonic() - began

    def run_migrations() -> None:
        if migrate and any(part.wave for part in site.parts):
            migrate(site.environment())
            seconds[MIGRATIONS] = time.monotonic() - began

    futures: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(max_workers=len(site.parts) + 1) as pool:
        try:
            for part in (part for part in site.parts if not part.wave):
                futures[part.name] = pool.submit(start, part)
            servers = list(futures.values())
            futures[MIGRATIONS] = pool.submit(_after, servers, run_migrations)
            for part in (part for part in site.parts if part.wave):
                needed = [futures[name] for name in part.needs if name in futures]
                futures[part.name] = pool.submit(_after, needed, lambda part=part: start(part))
            wait(futures.values())
        except BaseException:
            site.cancelled.set()
            raise
    failures = [error for future in futures.values() if (error := future.exception())]
    for error in failures:
        if not isinstance(error, _NotReached):
            raise error
    return seconds


class _NotReached(StackError):
    """Something that this needed failed first."""


def _after(needed: Sequence[Future[None]], action: Callable[[], None]) -> None:
    wait(needed)
    if any(future.exception() for future in needed):
        raise _NotReached
    action()


def _stop_wave(site: Site, wave: int) -> list[str]:
    records = {name: record for name, record in site.state.parts.items() if record.wave == wave}
    alive = [name for name in records if name in running(site)]
    with ThreadPoolExecutor(max_workers=len(records)) as pool:
        for r in records.values():
            pool.submit(processes.stop, r.pid, r.create_time, r.stop_signal)
    for name in records:
        site.record(name, None)
    return alive


def _stack(site: Site, seconds: dict[str, float]) -> Stack:
    settings, environment = site.settings, site.environment()
    local_api = f"http://{site.address('api')}" if any(part.name == "api" for part in site.parts) else None
    return Stack(
        home=site.layout.home,
        seconds=seconds,
        pids={part.name: site.state.parts[part.name].pid for part in site.parts},
        api_url=settings.api_url or local_api,
        ui_url=environment.get("CONCLAVE_TEMPORAL_UI_URL"),
        _environment=environment,
    )
