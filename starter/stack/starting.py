"""Bringing one part into service, whatever state it was left in."""

import time
from pathlib import Path

from starter.stack import processes, secret_files
from starter.stack.errors import NotReady, PartFailed
from starter.stack.part import Part, Site
from starter.stack.ports import assign, is_free
from starter.stack.state import PartRecord

PAUSE_SECONDS = 0.03
"""Between two questions to a part that is starting."""

SECOND_CHANCE_SECONDS = 5.0
"""How long a part that already runs may take to answer before it is started anew."""

SHOWN_LOG_LINES = 8


def ensure(part: Part, site: Site, refresh: bool, scatter: bool) -> bool:
    """Bring a part into service.

    Args:
        part: what to start.
        site: the stack it belongs to.
        refresh: start it anew when its command or its settings are others than it was started with.
        scatter: take random ports when its own are taken.

    Returns:
        Whether a process was started; False when a running one serves.

    Raises:
        PartFailed: it ended, or did not come into service in time.
        StackError: something it needs is missing.
    """
    record = site.state.parts.get(part.name)
    if record and processes.is_alive(record.pid, record.create_time):
        if not refresh or record.fingerprint == part.command(site).fingerprint():
            try:
                _await_service(part, site, record, SECOND_CHANCE_SECONDS, 0)
                return False
            except PartFailed:
                pass
        processes.stop(record.pid, record.create_time, record.stop_signal)
    try:
        _start(part, site)
    except PartFailed:
        # Another stack may have taken the port between the choice and the start.
        wanted = part.ports(site.settings)
        lost = {name: port for name, port in wanted.items() if not is_free(site.state.ports[name])}
        if not lost:
            raise
        site.state.ports |= assign(lost, {}, set(), scatter)
        _start(part, site)
    return True


def _start(part: Part, site: Site) -> None:
    part.prepare(site)
    command = part.command(site)
    for path, text in command.files.items():
        secret_files.write(path, text)
    log = site.layout.log(part.name)
    written_before = log.stat().st_size if log.exists() else 0
    pid, create_time = processes.spawn(command, log, processes.mark(part.name, site.layout.home))
    record = PartRecord(
        pid=pid,
        create_time=create_time,
        fingerprint=command.fingerprint(),
        stop_signal=part.stop_signal,
        wave=part.wave,
    )
    # Before it is in service, so that a launcher that is killed now leaves no process that nobody knows.
    site.record(part.name, record)
    try:
        _await_service(part, site, record, part.patience, written_before)
    except BaseException:
        processes.stop(pid, create_time, part.stop_signal)
        site.record(part.name, None)
        raise


def _await_service(part: Part, site: Site, record: PartRecord, patience: float, written_before: int) -> None:
    deadline = time.monotonic() + patience
    log = site.layout.log(part.name)
    while True:
        if not processes.is_alive(record.pid, record.create_time):
            how = _ending(processes.exit_code(record.pid))
            raise PartFailed(part.name, f"{part.name} {how} while it was being started. {_end_of(log, written_before)}")
        try:
            part.advance(site)
            return
        except NotReady as missing:
            reason = str(missing)
        except OSError:
            reason = "it does not answer"
        if time.monotonic() > deadline:
            late = f"{part.name} runs but is not in service after {patience:.0f} s: {reason}."
            raise PartFailed(part.name, f"{late} {_end_of(log, written_before)}")
        if site.cancelled.wait(PAUSE_SECONDS):
            raise PartFailed(part.name, f"the start of {part.name} was cancelled")


def _ending(code: int | None) -> str:
    if code is None:
        return "ended"
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _end_of(log: Path, written_before: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(written_before)
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    if not lines:
        return f"Its log is empty: {log}"
    return "\n  ".join([f"The end of its log, {log}:", *lines[-SHOWN_LOG_LINES:]])
