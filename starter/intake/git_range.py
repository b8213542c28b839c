"""The lines of a folder that differ from a git revision, without running anything the repository asks for.

A repository is untrusted: its configuration can name commands that git would run for a diff (fsmonitor, hooks, filters,
external diff and textconv drivers). Only `rev-parse` and `merge-base`, which run none of them, see that configuration.
The diff is made with a configuration, an index and attributes of our own in a temporary git directory that borrows the
repository's objects; nothing is written into the repository.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.errors import InvalidInput
from starter.intake.limits import MAX_DIFF_BYTES, diff_too_large

_TIMEOUT_SECONDS = 60
_ATTRIBUTES = "* !diff !filter !ident !working-tree-encoding\n"
"""Takes precedence over every `.gitattributes` file: none can hide a file from the diff or name a driver."""
_HARDENING = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.quotePath=true",
    "diff.external=",
    "protocol.allow=never",
)
_DIFF_OPTIONS = (
    "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--find-renames", "--unified=0",
    "--ignore-cr-at-eol", "--src-prefix=a/", "--dst-prefix=b/", "--relative",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GitRange:
    """A folder of a working tree against the merge base of a revision and HEAD."""

    folder: Path
    git_dir: Path
    """The temporary one."""
    top: Path
    base: str
    tracked: tuple[str, ...]
    """Files that git knows at the base or at HEAD, relative to the folder."""

    def diff(self, paths: Iterable[str]) -> str:
        """Unified diff without context from the base to the working tree, files new since then included.

        Args:
            paths: files under review; those that the base does not have count as new.
        """
        names = "".join(f"{path}\0" for path in paths)
        add = ("add", "--intent-to-add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul")
        if names:
            _git(self._place, *add, stdin=os.fsencode(names), cwd=self.folder)
        output = _git(self._place, "diff", *_DIFF_OPTIONS, self.base, "--", ".", cwd=self.folder)
        return output.decode("utf-8", "surrogateescape")

    @property
    def _place(self) -> tuple[str, ...]:
        return (f"--git-dir={self.git_dir}", f"--work-tree={self.top}")


@contextmanager
def git_range(folder: Path, revision: str) -> Generator[GitRange]:
    """Prepare a comparison of a folder with a revision.

    Raises:
        InvalidInput: `invalid_revision`, `git_missing`, `not_a_repository`, `unknown_revision`, `no_merge_base` or
            `git_failed`.
    """
    if not revision or revision.startswith("-") or not revision.isprintable():
        message = "--base takes a commit, branch or tag; it cannot be empty, start with '-' or hold control characters."
        raise InvalidInput("invalid_revision", message)
    top = _repository_top(folder)
    original = (f"--git-dir={top / '.git'}",)
    head = _resolve(original, "HEAD", top)
    base = _merge_base(original, _resolve(original, revision, top), head, top)
    objects = Path(_line(_git(original, "rev-parse", "--git-path", "objects", cwd=top)))
    hash_name = _line(_git(original, "rev-parse", "--show-object-format", cwd=top))
    with tempfile.TemporaryDirectory(prefix="conclave-git-") as scratch:
        git_dir = Path(scratch)
        _create_git_dir(git_dir, top / objects, hash_name)
        place = (f"--git-dir={git_dir}", f"--work-tree={top}")
        _git(place, "read-tree", base, cwd=top)
        tracked = {
            os.fsdecode(name)
            for commit in (base, head)
            for name in _git(place, "ls-tree", "-r", "-z", "--name-only", commit, cwd=folder).split(b"\0")
            if name
        }
        yield GitRange(folder, git_dir, top, base, tuple(sorted(tracked)))


def _repository_top(folder: Path) -> Path:
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    message = "--base needs a folder inside a git repository. Without one, review the folder as it is, or use --diff."
    raise InvalidInput("not_a_repository", message)


def _resolve(place: tuple[str, ...], revision: str, top: Path) -> str:
    try:
        return _line(_git(place, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", cwd=top))
    except InvalidInput as error:
        if error.problem.code != "git_failed":
            raise
        message = (
            "--base (or HEAD) names no commit of this repository."
            " Check the spelling, and fetch the commit if this is a shallow clone."
        )
        raise InvalidInput("unknown_revision", message) from None


def _merge_base(place: tuple[str, ...], base: str, head: str, top: Path) -> str:
    try:
        return _line(_git(place, "merge-base", base, head, cwd=top))
    except InvalidInput as error:
        if error.problem.code != "git_failed":
            raise
        message = "--base and HEAD have no common ancestor here. Fetch more history if this is a shallow clone."
        raise InvalidInput("no_merge_base", message) from None


def _create_git_dir(git_dir: Path, objects: Path, hash_name: str) -> None:
    (git_dir / "refs").mkdir()
    (git_dir / "info").mkdir()
    (git_dir / "objects" / "info").mkdir(parents=True)
    (git_dir / "objects" / "info" / "alternates").write_bytes(os.fsencode(objects) + b"\n")
    (git_dir / "info" / "attributes").write_text(_ATTRIBUTES)
    (git_dir / "HEAD").write_text("ref: refs/heads/none\n")
    version = "0\n" if hash_name == "sha1" else f"1\n[extensions]\nobjectFormat = {hash_name}\n"
    (git_dir / "config").write_text(f"[core]\nrepositoryformatversion = {version}")


def _line(output: bytes) -> str:
    return os.fsdecode(output).removesuffix("\n")


def _git(place: tuple[str, ...], *arguments: str, cwd: Path, stdin: bytes = b"") -> bytes:
    """Run git with its own environment; what it prints on failure stays here, for it quotes names."""
    program = shutil.which("git")
    if program is None:
        message = "--base needs git on the PATH. Install git, or make a diff elsewhere and use --diff."
        raise InvalidInput("git_missing", message)
    settings = [part for setting in _HARDENING for part in ("-c", setting)]
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                [program, *place, *settings, "--no-pager", *arguments],
                input=stdin,
                stdout=output,
                stderr=subprocess.DEVNULL,
                cwd=cwd,
                env=_environment(),
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            raise _git_failed() from None
        if done.returncode != 0:
            raise _git_failed()
        size = output.tell()
        if size > MAX_DIFF_BYTES:
            raise diff_too_large()
        output.seek(0)
        return output.read()


def _git_failed() -> InvalidInput:
    message = f"git could not read the repository within {_TIMEOUT_SECONDS} s. Check it with `git fsck`, or use --diff."
    return InvalidInput("git_failed", message)


def _environment() -> dict[str, str]:
    """Nothing of the caller's GIT_* variables and configuration: they redirect git to other places and programs."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP") if name in os.environ}
    return kept | {
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
