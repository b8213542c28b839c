"""Reviewing what changed since a git revision, in repositories that may be hostile."""

import os
import shutil
from pathlib import Path

import pytest

from models.errors import InvalidInput
from models.source import Evidence
from starter.intake import git_range as git_range_module
from starter.intake.collect import collect
from tests.starter.intake.building import accepted, changed_lines, commit_all, git, write_tree

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    write_tree(root, {"a.py": "one\ntwo\nthree\n", "sub/b.py": "b\n", "old.py": "1\n2\n3\n4\n", "gone.py": "x\n"})
    commit_all(root)
    return root


def changes(root: Path, base: str, **options: object) -> dict[str, list[int]]:
    source = accepted(collect(root, base=base, **options))  # pyright: ignore[reportArgumentType]
    return {
        file.path: lines for file in source.manifest.files if (lines := changed_lines(source, file.path))
    }  # fmt: skip


def refused(root: Path, base: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        collect(root, base=base)
    return caught.value.problem.code


def test_committed_staged_unstaged_and_new_files_count(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD").strip()
    write_tree(repository, {"a.py": "one\nTWO\nthree\n"})
    commit_all(repository)
    write_tree(repository, {"sub/b.py": "b\nstaged\n", "sub/né w.py": "new\nfile\n"})
    git(repository, "add", "sub/b.py")
    write_tree(repository, {"a.py": "one\nTWO\nthree\nunstaged\n"})
    (repository / "gone.py").unlink()
    assert changes(repository, base) == {"a.py": [2, 4], "sub/b.py": [2], "sub/né w.py": [1, 2]}
    assert changes(repository, "HEAD") == {"a.py": [4], "sub/b.py": [2], "sub/né w.py": [1, 2]}
    assert changes(repository, base, exclude=["sub/"]) == {"a.py": [2, 4]}


def test_the_comparison_starts_where_the_branch_left(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "feature")
    write_tree(repository, {"a.py": "one\ntwo\nthree\nmine\n"})
    commit_all(repository)
    git(repository, "checkout", "--quiet", "main")
    write_tree(repository, {"sub/b.py": "changed on main\n"})
    commit_all(repository)
    git(repository, "checkout", "--quiet", "feature")
    assert changes(repository, "main") == {"a.py": [4]}


def test_the_whole_folder_is_context_and_a_move_is_no_change(repository: Path) -> None:
    (repository / "old.py").rename(repository / "moved.py")
    write_tree(repository, {"moved.py": "1\n2\n3\n4\n5\n"})
    source = accepted(collect(repository, base="HEAD"))
    assert [file.path for file in source.manifest.files] == ["a.py", "gone.py", "moved.py", "sub/b.py"]
    assert changed_lines(source, "moved.py") == [5]
    assert source.manifest.is_change


def test_a_subfolder_or_one_file_can_be_compared(repository: Path) -> None:
    write_tree(repository, {"a.py": "ONE\ntwo\nthree\n", "sub/b.py": "B\n", "sub/c.py": "c\n"})
    assert changes(repository / "sub", "HEAD") == {"b.py": [1], "c.py": [1]}
    assert changes(repository / "a.py", "HEAD") == {"a.py": [1]}


def test_tracked_files_count_even_if_ignored_and_ignored_files_do_not(repository: Path) -> None:
    write_tree(repository, {".gitignore": "gen/\nold.py\n", "gen/tracked.py": "1\n"})
    git(repository, "add", "--force", "gen/tracked.py")
    commit_all(repository)
    write_tree(repository, {"gen/tracked.py": "2\n", "gen/untracked.py": "2\n", "old.py": "1\n"})
    assert set(changes(repository, "HEAD")) == {"gen/tracked.py", "old.py"}


def test_line_ends_alone_are_no_change(repository: Path) -> None:
    write_tree(repository, {"a.py": "one\r\ntwo\r\nTHREE\r\n"})
    assert changes(repository, "HEAD") == {"a.py": [3]}


def test_a_nested_clone_is_context_for_it_has_a_history_of_its_own(repository: Path) -> None:
    nested = write_tree(repository / "nested", {"n.py": "n\n"})
    git(nested, "init", "--quiet")
    commit_all(nested)
    write_tree(repository, {"a.py": "ONE\ntwo\nthree\n"})
    assert changes(repository, "HEAD") == {"a.py": [1]}
    assert "nested/n.py" in {file.path for file in collect(repository, base="HEAD").files}


def test_a_linked_worktree_works(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    write_tree(tmp_path / "tree", {"a.py": "one\ntwo\nTHREE\n"})
    assert changes(tmp_path / "tree", "main") == {"a.py": [3]}


def test_removed_security_code_is_evidence(repository: Path) -> None:
    write_tree(repository, {"a.py": "x = 1\nif hmac.compare_digest(a, b):\n    y = 1\n"})
    commit_all(repository)
    write_tree(repository, {"a.py": "x = 1\n    y = 1\n"})
    assert accepted(collect(repository, base="HEAD")).manifest.evidence == (Evidence.SECURITY_CONSTRUCTS,)


def test_reading_a_repository_leaves_it_as_it_was(repository: Path) -> None:
    write_tree(repository, {"a.py": "ONE\ntwo\nthree\n", "new.py": "x\n"})
    before = {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")}
    changes(repository, "HEAD")
    assert {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")} == before


@pytest.mark.parametrize(
    "settings",
    [
        {"core.fsmonitor": "{run}"},
        {"core.hooksPath": "{folder}"},
        {"diff.external": "{run}"},
        {"diff.evil.textconv": "{run}"},
        {"diff.evil.command": "{run}"},
        {"filter.evil.clean": "{run}", "filter.evil.required": "true"},
        {"filter.evil.process": "{run}", "filter.evil.required": "true"},
        {"core.pager": "{run}", "pager.diff": "{run}"},
        {"core.sshCommand": "{run}", "core.askPass": "{run}", "core.editor": "{run}"},
        {"alias.diff": "!{run}", "alias.rev-parse": "!{run}"},
        {"core.alternateRefsCommand": "{run}", "gpg.program": "{run}", "credential.helper": "!{run}"},
        {"extensions.partialClone": "origin", "remote.origin.promisor": "true", "remote.origin.url": "ext::{run}"},
    ],
    ids=lambda settings: "+".join(settings),
)
def test_nothing_that_a_repository_names_is_run(repository: Path, tmp_path: Path, settings: dict[str, str]) -> None:
    marker = tmp_path / "marker"
    folder = tmp_path / "hooks"
    run = folder / "post-index-change"
    write_tree(folder, {run.name: f"#!/bin/sh\ntouch {marker}\ncat\n"})
    run.chmod(0o755)
    write_tree(
        repository, {".gitattributes": "*.py diff=evil filter=evil\n", "a.py": "one\nTWO\nthree\n", "n.py": "n\n"}
    )
    for name, value in settings.items():
        git(repository, "config", name, value.format(run=run, folder=folder))
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "post-checkout", "pre-commit"):
        shutil.copy(run, hooks / hook)
    assert changes(repository, "HEAD") == {".gitattributes": [1], "a.py": [2], "n.py": [1]}
    assert not marker.exists()


def test_the_hostile_settings_would_have_run(repository: Path, tmp_path: Path) -> None:
    """The control: without our precautions the same repository runs its command."""
    marker = tmp_path / "marker"
    run = tmp_path / "run.sh"
    write_tree(tmp_path, {run.name: f"#!/bin/sh\ntouch {marker}\ncat\n"})
    run.chmod(0o755)
    write_tree(repository, {".gitattributes": "*.py filter=evil\n", "a.py": "one\nTWO\nthree\n"})
    git(repository, "config", "filter.evil.clean", str(run))
    git(repository, "diff", "HEAD")
    assert marker.exists()


@pytest.mark.parametrize(
    "attributes", ["* -diff\n", "* binary\n", "*.py -text -diff\n", "* working-tree-encoding=UTF-16\n"]
)
def test_attributes_hide_no_change(repository: Path, attributes: str) -> None:
    write_tree(repository, {".gitattributes": attributes, ".git/info/attributes": attributes})
    write_tree(repository, {"a.py": "one\nTWO\nthree\n", "new.py": "x\n"})
    assert changes(repository, "HEAD") == {".gitattributes": [1], "a.py": [2], "new.py": [1]}


def test_flags_in_the_index_hide_no_change(repository: Path) -> None:
    git(repository, "update-index", "--assume-unchanged", "a.py")
    git(repository, "update-index", "--skip-worktree", "sub/b.py")
    write_tree(repository, {"a.py": "one\nTWO\nthree\n", "sub/b.py": "B\n"})
    assert changes(repository, "HEAD") == {"a.py": [2], "sub/b.py": [1]}


def test_of_a_change_only_what_it_touches_is_reported_as_left_out(repository: Path) -> None:
    write_tree(repository, {"untouched.py": b"# caf\xe9\n", "touched.py": b"# \xe9\n"})
    commit_all(repository)
    write_tree(repository, {"a.py": "ONE\n", "touched.py": b"# \xe9\nx\n", "untracked.py": b"# \xe9\n"})
    assert {entry.path for entry in collect(repository, base="HEAD").skipped} == {"touched.py", "untracked.py"}


def test_links_and_submodules_are_reported_and_not_followed(repository: Path, tmp_path: Path) -> None:
    write_tree(tmp_path, {"secret.txt": "canary\n"})
    (repository / "link.py").symlink_to(tmp_path / "secret.txt")
    write_tree(repository, {"module/.git": "gitdir: ../nowhere\n", "module/m.py": "m\n", "a.py": "ONE\ntwo\nthree\n"})
    upload = collect(repository, base="HEAD")
    assert {entry.path for entry in upload.skipped} == {"link.py", "module"}
    assert "canary" not in upload.model_dump_json()
    assert [file.path for file in upload.files if "module" in file.path] == []


def test_variables_of_the_caller_do_not_redirect_git(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(repository, {"a.py": "one\nTWO\nthree\n"})
    marker = tmp_path / "marker"
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"touch {marker}")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_TRACE", str(marker))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "diff.noprefix")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    assert changes(repository, "HEAD") == {"a.py": [2]}
    assert not marker.exists()


@pytest.mark.parametrize(
    ("revision", "code"),
    [
        ("", "invalid_revision"),
        ("-x", "invalid_revision"),
        ("--output=/tmp/x", "invalid_revision"),
        ("--upload-pack=touch", "invalid_revision"),
        ("a\nb", "invalid_revision"),
        ("HEAD\0", "invalid_revision"),
        ("no-such-branch", "unknown_revision"),
        ("HEAD..HEAD", "unknown_revision"),
        ("HEAD:a.py", "unknown_revision"),
        ("ext::sh -c touch", "unknown_revision"),
        ("f" * 40, "unknown_revision"),
    ],
)
def test_a_revision_that_is_none_is_refused(repository: Path, revision: str, code: str) -> None:
    write_tree(repository, {"a.py": "ONE\n"})
    assert refused(repository, revision) == code


def test_what_is_missing_is_named(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = write_tree(tmp_path / "plain", {"a.py": "x\n"})
    assert refused(plain, "HEAD") == "not_a_repository"
    assert refused(repository, "HEAD") == "no_changes"
    git(repository, "checkout", "--quiet", "--orphan", "other")
    write_tree(repository, {"a.py": "ONE\n"})
    commit_all(repository)
    assert refused(repository, "main") == "no_merge_base"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(repository, "main") == "git_missing"


def test_a_broken_repository_or_a_giant_diff_ends_with_a_code(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(repository, {"a.py": "ONE\n" * 1000})
    monkeypatch.setattr(git_range_module, "MAX_DIFF_BYTES", 1000)
    assert refused(repository, "HEAD") == "diff_too_large"
    shutil.rmtree(repository / ".git" / "objects")
    os.makedirs(repository / ".git" / "objects")
    assert refused(repository, "HEAD") in {"unknown_revision", "git_failed"}
