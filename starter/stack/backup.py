"""A copy of everything of the local stack that cannot be made again, and a stack made of such a copy.

What is in it, in the order in which it is taken:

1. the checkpoints of the audit chain. They are older than the entries that are copied after them, so the copy shows no
   checkpoint of an entry that it lacks, which would read as an end that was cut off;
2. the database, as one consistent moment (`pg_dump`);
3. OpenBao, by a snapshot of its storage: newer than the database, so that it has every key that a row was wrapped with;
4. the secrets, among them what unseals OpenBao.

Redis is left out: its counters are made anew from the ledger. So is Temporal: what the database holds as running is
started anew by the API (`starter/api/reconcile.py`), while histories of another moment would contradict the database.
"""

import hashlib
import json
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.settings import Settings
from models.wire import Wire
from starter.stack import binaries, secret_files, state, wire
from starter.stack.errors import StackError
from starter.stack.launcher import SERVERS, down, running, up
from starter.stack.layout import Layout
from starter.stack.part import Site
from starter.stack.parts.openbao import OpenBao
from starter.stack.parts.postgres import Postgres

MANIFEST = "manifest.json"
DATABASE = "database.dump"
KEYS = "openbao.snapshot"
CHECKPOINTS = "checkpoints.jsonl"
SECRETS = "secrets"
FORMAT = 1
NEEDED = ("postgres", "openbao")


class Manifest(Wire):
    """What a backup holds."""

    format: int = FORMAT
    conclave: str
    """Release that made it; a later one brings the database up to date."""
    taken_at: datetime
    files: dict[str, str]
    """SHA-256 of each file by its path."""


def back_up(settings: Settings, folder: Path) -> Manifest:
    """Copy a running stack into a new folder of mode 0700, or into none.

    Raises:
        StackError: the folder is there already, the stack does not run here, or a part of it refuses.
    """
    site = _site(settings)
    if folder.exists():
        raise StackError(f"{folder} is there already. Name a folder that is not.")
    if missing := [name for name in NEEDED if name not in running(site)]:
        raise StackError(f"{' and '.join(missing)} must run here for a backup. Run `conclave up` first.")
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        if settings.checkpoints_file.is_file():
            _keep(draft / CHECKPOINTS, settings.checkpoints_file.read_bytes())
        _dump(site, draft / DATABASE)
        _keep(draft / KEYS, _openbao(site, "GET", "snapshot"))
        for secret in sorted(site.layout.secrets.iterdir()):
            secret_files.check(secret)
            _keep(draft / SECRETS / secret.name, secret.read_bytes())
        manifest = Manifest(conclave=version("conclave"), taken_at=datetime.now(UTC), files=_digests(draft))
        _keep(draft / MANIFEST, manifest.model_dump_json(indent=2).encode())
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def restore(settings: Settings, folder: Path, *, scatter_ports: bool = False) -> Manifest:
    """Make the stack of a backup in a home that has none; it does not run afterwards.

    Raises:
        StackError: the backup is damaged or not whole, the home is in use, or a part refuses what it is given.
    """
    manifest = _checked(folder)
    layout = Layout(settings.home.expanduser().absolute())
    if layout.data.exists() and any(layout.data.iterdir()):
        raise StackError(f"{layout.home} has data already. Name a new CONCLAVE_HOME, or move its folder away.")
    layout.create()
    try:
        for secret in (folder / SECRETS).iterdir():
            # What unseals the restored storage comes last: until then the server is a new one with a key of its own.
            if secret.name not in (secret_files.OPENBAO_INIT, secret_files.OPENBAO_TOKEN):
                secret_files.write(layout.secrets / secret.name, secret.read_text(encoding="utf-8").strip())
        up(settings, parts=(Postgres(), OpenBao()), scatter_ports=scatter_ports)
        site = _site(settings)
        _load(site, folder / DATABASE)
        _openbao(site, "POST", "snapshot-force", (folder / KEYS).read_bytes())
        for name in (secret_files.OPENBAO_INIT, secret_files.OPENBAO_TOKEN):
            secret_files.write(layout.secrets / name, (folder / SECRETS / name).read_text(encoding="utf-8").strip())
        if (folder / CHECKPOINTS).is_file():
            settings.checkpoints_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _keep(settings.checkpoints_file, (folder / CHECKPOINTS).read_bytes())
    finally:
        down(settings)
    return manifest


def _site(settings: Settings) -> Site:
    layout = Layout(settings.home.expanduser().absolute())
    parts = tuple(part for part in SERVERS if part.outside(settings) is None)
    return Site(settings, layout, state.load(layout), parts)


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _checked(folder: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        raise StackError(f"{folder} is no backup: its {MANIFEST} is missing or cannot be read.") from None
    if manifest.format > FORMAT:
        raise StackError(f"{folder} was made by a newer release ({manifest.conclave}). Restore it with that one.")
    found = _digests(folder)
    wrong = sorted(name for name in {*found, *manifest.files} if found.get(name) != manifest.files.get(name))
    if wrong or not {DATABASE, KEYS} <= set(found):
        raise StackError(f"{folder} is not what was written: {', '.join(wrong) or DATABASE} differs or is missing.")
    return manifest


def _postgres(site: Site, program: str, *arguments: str) -> None:
    where = site.state.socket_dir or site.layout.run / "postgres"
    argv = [str(binaries.postgres(program)), "-h", str(where), "-U", "postgres", "-w", *arguments]
    done = subprocess.run(argv, check=False, capture_output=True)
    if done.returncode != 0:
        raise StackError(f"{program} failed (exit code {done.returncode}); see {site.layout.log('postgres')}.")


def _dump(site: Site, target: Path) -> None:
    target.touch(mode=0o600)
    _postgres(site, "pg_dump", "-d", "conclave", "--format=custom", f"--file={target}")


def _load(site: Site, source: Path) -> None:
    # One transaction: the whole of it or nothing.
    _postgres(site, "pg_restore", "-d", "conclave", "--single-transaction", "--exit-on-error", str(source))


def _openbao(site: Site, method: str, what: str, body: bytes | None = None) -> bytes:
    keys: dict[str, Any] = json.loads(secret_files.read(site.layout.secrets / secret_files.OPENBAO_INIT) or "{}")
    try:
        return wire.transfer(
            site.address("openbao"),
            f"/v1/sys/storage/raft/{what}",
            method=method,
            body=body,
            headers={"X-Vault-Token": str(keys.get("root_token", ""))},
        )
    except OSError as error:
        raise StackError(f"openbao refuses the {what} of its storage ({error}). `conclave status` says more.") from None
