"""The system user that Postgres runs as when the launcher is root, and the way to its files.

Postgres refuses to run as root. Its user must be able to pass through the folders above its data and its binaries,
which in root's home others cannot. Only passing is granted, to that user alone where the file system has access
control lists, and never to anything with a secret in it: the secrets' folder keeps mode 0700.
"""

import errno
import os
import shutil
import stat
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from starter.stack.errors import StackError

NAME = "conclave-postgres"

_ACL = "system.posix_acl_access"
_ACL_HEADER = struct.pack("<I", 2)
_ACL_ENTRY = struct.Struct("<HHI")
_NOBODY_IN_PARTICULAR = 0xFFFFFFFF
_OWNER, _USER, _GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
_PASS = 0o1


@dataclass(frozen=True)
class SystemUser:
    """A user that a server runs as instead of root."""

    uid: int
    gid: int


def for_postgres() -> SystemUser | None:
    """The user of Postgres, made when it is missing; None when the launcher is an ordinary user itself.

    Raises:
        StackError: the user is missing and cannot be made.
    """
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        _create()
        entry = pwd.getpwnam(NAME)
    return SystemUser(entry.pw_uid, entry.pw_gid)


def _create() -> None:
    tool = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    arguments = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        if tool is None:
            raise FileNotFoundError("useradd")
        subprocess.run([tool, *arguments, "--shell", "/usr/sbin/nologin", NAME], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise StackError(
            f"Postgres does not run as root, and the system user `{NAME}` could not be made. Make it yourself, run "
            "Conclave as an ordinary user, or name a database in CONCLAVE_DATABASE_URL."
        ) from None


def open_way(target: Path, user: SystemUser) -> None:
    """Let a user pass through the folders above a path; what they hold stays as closed as it was."""
    for folder in reversed(target.resolve().parents):
        info = folder.stat()
        if info.st_uid != user.uid and not info.st_mode & stat.S_IXOTH:
            _let_pass(folder, user.uid)


def open_tree(root: Path, user: SystemUser) -> None:
    """Let everybody read an installed package that a strict umask closed; its content is public."""
    open_way(root, user)
    if root.stat().st_mode & 0o005 == 0o005:
        return
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & stat.S_IXUSR else 0o044))


def _let_pass(folder: Path, uid: int) -> None:
    try:
        os.setxattr(folder, _ACL, _with_passage(_access_list(folder), uid))
    except (OSError, AttributeError):
        # No access control lists here: then everybody may pass, which still shows nobody what is inside.
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)


def _access_list(folder: Path) -> dict[tuple[int, int], int]:
    try:
        raw = os.getxattr(folder, _ACL)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = folder.stat().st_mode
        classes = ((_OWNER, mode >> 6), (_GROUP, mode >> 3), (_OTHERS, mode))
        return {(tag, _NOBODY_IN_PARTICULAR): bits & 0o7 for tag, bits in classes}
    return {(tag, who): bits for tag, bits, who in _ACL_ENTRY.iter_unpack(raw[len(_ACL_HEADER) :])}


def _with_passage(entries: dict[tuple[int, int], int], uid: int) -> bytes:
    mask = (_MASK, _NOBODY_IN_PARTICULAR)
    group = entries[(_GROUP, _NOBODY_IN_PARTICULAR)]
    granted = {
        **entries,
        (_USER, uid): entries.get((_USER, uid), 0) | _PASS,
        mask: entries.get(mask, group) | _PASS,
    }
    return _ACL_HEADER + b"".join(_ACL_ENTRY.pack(tag, bits, who) for (tag, who), bits in sorted(granted.items()))
