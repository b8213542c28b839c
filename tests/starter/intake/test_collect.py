"""Collecting source on the client: folders, files, diffs, reports."""

import io
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from models.errors import InvalidInput
from models.intake import SourceUpload
from models.source import ArtifactKind, SkipReason
from starter.intake.collect import collect
from starter.intake.limits import IntakeLimits
from tests.starter.intake.building import a_diff, accepted, changed_lines, write_tree


def paths(upload: SourceUpload) -> list[str]:
    return [file.path for file in upload.files]


def skipped(upload: SourceUpload) -> dict[str, SkipReason]:
    return {entry.path: entry.reason for entry in upload.skipped}


def refusal(path: Path, **options: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        collect(path, **options)  # pyright: ignore[reportArgumentType]
    return caught.value


def test_a_folder_gives_its_text_files_in_order(tmp_path: Path) -> None:
    write_tree(tmp_path / "shop", {"b.py": "b\r\n", "a/z.py": "z\n", "a/README.md": "# A\n", "a.toml": "x = 1"})
    upload = collect(tmp_path / "shop")
    assert upload.label == "shop"
    assert paths(upload) == ["a.toml", "a/README.md", "a/z.py", "b.py"]
    assert upload.files[3].text == "b\r\n"
    assert upload.diff is None
    assert not any(file.fragment for file in upload.files)


def test_a_file_stands_alone(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.py": "x = 1\n", "b.py": "y = 1\n"})
    upload = collect(tmp_path / "a.py")
    assert (upload.label, paths(upload)) == ("a.py", ["a.py"])


def test_what_tools_leave_behind_is_left_out(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "pyproject.toml": "",
            "src/a.py": "x\n",
            "src/build/b.py": "a package that happens to be called build\n",
            "build/lib/a.py": "x\n",
            "node_modules/m/index.js": "x\n",
            "src/__pycache__/a.py": "x\n",
            ".git/config": "x\n",
            "env/pyvenv.cfg": "x\n",
            "env/lib/a.py": "x\n",
            "rust/Cargo.toml": "x\n",
            "rust/target/a.rs": "x\n",
            ".github/workflows/ci.yml": "x\n",
        },
    )
    assert paths(collect(tmp_path)) == [
        ".github/workflows/ci.yml",
        "pyproject.toml",
        "rust/Cargo.toml",
        "src/a.py",
        "src/build/b.py",
    ]


def test_gitignore_files_count_at_every_level_and_the_deeper_wins(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            ".gitignore": "*.log\n/generated/\n!keep.log\nsecret.txt\n\\\n",
            "a.log": "x",
            "keep.log": "x",
            "generated/a.py": "x",
            "deep/generated/a.py": "x",
            "deep/.gitignore": "!b.log\nlocal.py\n",
            "deep/b.log": "x",
            "deep/c.log": "x",
            "deep/local.py": "x",
            "deep/more/local.py": "x",
            "local.py": "x",
        },
    )
    assert paths(collect(tmp_path)) == [
        ".gitignore",
        "deep/.gitignore",
        "deep/b.log",
        "deep/generated/a.py",
        "keep.log",
        "local.py",
    ]


def test_gitignore_files_above_count_inside_a_repository_only(tmp_path: Path) -> None:
    write_tree(tmp_path, {".gitignore": "*.gen.py\n/part/x.py\n/scratch/\n", "part/x.py": "x", "part/a.gen.py": "x"})
    write_tree(tmp_path, {"part/a.py": "x", "scratch/a.py": "x", "scratch/b.gen.py": "x"})
    assert paths(collect(tmp_path / "part")) == ["a.gen.py", "a.py", "x.py"]
    (tmp_path / ".git").mkdir()
    assert paths(collect(tmp_path / "part")) == ["a.py"]
    # A folder that is ignored as a whole was named on purpose.
    assert paths(collect(tmp_path / "scratch")) == ["a.py", "b.gen.py"]


def test_exclude_takes_patterns_like_gitignore(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.py": "x", "docs/b.py": "x", "src/c_test.py": "x", "src/d.py": "x", "src/gen/e.py": "x"})
    assert paths(collect(tmp_path, exclude=["docs/", "*_test.py", "src/**/e.py"])) == ["a.py", "src/d.py"]


def test_what_is_no_text_is_reported_with_the_reason(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "ok.py": "x\n",
            "logo.png": b"\x89PNG\0\0",
            "wide.py": "x = 1\n".encode("utf-16"),
            "latin.py": "# \xe9\n".encode("latin-1"),
            "large.py": b"x" * (512 * 1024 + 1),
            "largest.py": b"x" * (512 * 1024),
            "con.py": "x\n",
            "back\\slash.py": "x\n",
            "bidi\u202egnp.py": "x\n",
            "Twice.py": "x\n",
            "twice.py": "x\n",
        },
    )
    write_tree(tmp_path, {os.fsdecode(b"raw\xff.py"): "x\n"})
    upload = collect(tmp_path)
    assert paths(upload) == ["Twice.py", "largest.py", "ok.py"]
    assert skipped(upload) == {
        "logo.png": SkipReason.BINARY,
        "wide.py": SkipReason.UNSUPPORTED_ENCODING,
        "latin.py": SkipReason.UNSUPPORTED_ENCODING,
        "large.py": SkipReason.TOO_LARGE,
        "con.py": SkipReason.UNSUPPORTED_PATH,
        "back\\slash.py": SkipReason.UNSUPPORTED_PATH,
        "bidi\ufffdgnp.py": SkipReason.UNSUPPORTED_PATH,
        "raw\ufffd.py": SkipReason.UNSUPPORTED_PATH,
        "twice.py": SkipReason.UNSUPPORTED_PATH,
    }
    accepted(upload)


def test_a_byte_order_mark_is_removed_and_lines_stay(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.py": b"\xef\xbb\xbfx = 1\ny = 2\n"})
    assert collect(tmp_path).files[0].text == "x = 1\ny = 2\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_only_regular_files_are_opened_and_nothing_blocks(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "in", {"ok.py": "x\n", "sub/ok.py": "x\n", "module/.git": "gitdir: /x\n", "module/m.py": ""}
    )
    write_tree(tmp_path / "out", {"outside.py": "x\n"})
    (root / "file-link.py").symlink_to("/etc/passwd")
    (root / "environ.py").symlink_to("/proc/self/environ")
    (root / "zero.py").symlink_to("/dev/zero")
    (root / "dangling.py").symlink_to("nowhere")
    (root / "folder-link").symlink_to(tmp_path / "out")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.py")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(root)  # the path of a socket is limited to some 100 bytes
    try:
        listener.bind("socket.py")
    finally:
        os.chdir(here)
    start = time.perf_counter()
    upload = collect(root)
    assert time.perf_counter() - start < 1
    listener.close()
    assert paths(upload) == ["ok.py", "sub/ok.py"]
    names = [
        "dangling.py",
        "environ.py",
        "file-link.py",
        "folder-link",
        "loop",
        "module",
        "pipe.py",
        "socket.py",
        "zero.py",
    ]
    assert skipped(upload) == dict.fromkeys(names, SkipReason.UNSUPPORTED_ENTRY)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_cannot_be_read_is_reported(tmp_path: Path) -> None:
    write_tree(tmp_path, {"ok.py": "x\n", "closed.py": "x\n", "closed/a.py": "x\n"})
    (tmp_path / "closed.py").chmod(0)
    (tmp_path / "closed").chmod(0)
    upload = collect(tmp_path)
    (tmp_path / "closed").chmod(0o700)
    assert skipped(upload) == {"closed.py": SkipReason.UNREADABLE, "closed": SkipReason.UNREADABLE}


def test_limits_stop_the_walk(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"{number}.py": "12345678\n" for number in range(4)} | {"a.bin": b"\0", "b.bin": b"\0"})
    files = refusal(tmp_path, limits=IntakeLimits(max_files=3))
    size = refusal(tmp_path, limits=IntakeLimits(max_source_bytes=35))
    assert (files.problem.code, files.status, files.problem.details) == ("too_many_files", 413, {"max_files": 3})
    assert (size.problem.code, size.status, size.problem.details) == ("source_too_large", 413, {"max_bytes": 35})
    assert len(collect(tmp_path, limits=IntakeLimits(max_files=4, max_source_bytes=36)).files) == 4
    assert refusal(tmp_path, exclude=["*.py"], limits=IntakeLimits(max_files=1)).problem.code == "too_many_files"


def test_a_diff_with_its_tree_limits_the_review_to_its_lines(tmp_path: Path) -> None:
    new = "import os\nx = 1\ny = 2\n"
    write_tree(tmp_path / "p", {"a.py": new, "b.py": "z = 1\n", "docs/c.py": "c = 2\n", "big.py": b"x" * 600_000})
    diff = (
        a_diff("a.py", "x = 1\ny = 1\n", new)
        + a_diff("docs/c.py", "c = 1\n", "c = 2\n")
        + a_diff("big.py", "x\n", "y\n")
        + "diff --git a/gone.py b/gone.py\ndeleted file mode 100644\n--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )
    write_tree(tmp_path, {"change.diff": diff})
    upload = collect(tmp_path / "p", diff=tmp_path / "change.diff", exclude=["docs/"])
    source = accepted(upload)
    assert paths(upload) == ["a.py", "b.py"]
    assert changed_lines(source, "a.py") == [1, 3]
    assert changed_lines(source, "b.py") == []
    assert source.manifest.is_change


def test_a_file_that_a_diff_names_is_reviewed_even_if_git_would_ignore_it(tmp_path: Path) -> None:
    write_tree(tmp_path, {".gitignore": "gen/\n", "gen/a.py": "x = 2\n", "gen/b.py": "x = 2\n"})
    write_tree(tmp_path / ".git", {"change.diff": a_diff("gen/a.py", "x = 1\n", "x = 2\n")})
    upload = collect(tmp_path, diff=tmp_path / ".git" / "change.diff")
    assert paths(upload) == [".gitignore", "gen/a.py"]


def test_a_diff_for_a_file_that_the_tree_lacks_is_not_quietly_cut_down(tmp_path: Path) -> None:
    write_tree(
        tmp_path, {"p/a.py": "x = 2\n", "c.diff": a_diff("a.py", "x\n", "x = 2\n") + a_diff("b.py", "x\n", "y\n")}
    )
    with pytest.raises(InvalidInput) as caught:
        accepted(collect(tmp_path / "p", diff=tmp_path / "c.diff"))
    assert caught.value.problem.code == "diff_file_missing"
    only = accepted(collect(tmp_path / "p" / "a.py", diff=tmp_path / "c.diff"))
    assert changed_lines(only, "a.py") == [1]


def test_removed_lines_and_preambles_in_another_encoding_do_no_harm(tmp_path: Path) -> None:
    diff = b"Author: Ren\xe9\n\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-# caf\xe9\n+# caf\xc3\xa9\n"
    write_tree(tmp_path, {"p/a.py": "# café\n", "c.diff": diff})
    for upload in (collect(tmp_path / "p", diff=tmp_path / "c.diff"), collect(tmp_path / "c.diff")):
        again = SourceUpload.model_validate_json(upload.model_dump_json())
        assert changed_lines(accepted(again), "a.py") == [1]


def test_a_diff_comes_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diff = a_diff("a.py", "x = 1\n", "x = 2\n")
    write_tree(tmp_path, {"a.py": "x = 2\n"})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(diff.encode())))
    assert changed_lines(accepted(collect(tmp_path, diff=Path("-"))), "a.py") == [1]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(diff.encode())))
    assert paths(collect(Path("-"))) == ["a.py"]


def test_a_closed_standard_input_is_said_to_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InvalidInput) as caught:
        collect(Path("-"))
    assert caught.value.problem.code == "diff_unreadable"


@pytest.mark.parametrize("name", ["change.diff", "change.PATCH", "change.txt", "change"])
def test_a_diff_alone_rebuilds_files_at_their_lines(tmp_path: Path, name: str) -> None:
    old = "".join(f"line{number} = {number}\n" for number in range(1, 41))
    new = old.replace("line30 = 30", "line30 = 'thirty'")
    diff = a_diff("src/a.py", old, new) + (
        "diff --git a/new.py b/new.py\nnew file mode 100644\n--- /dev/null\n+++ b/new.py\n"
        "@@ -0,0 +1,2 @@\n+x = 1\n+y = 2\n\\ No newline at end of file\n"
        "diff --git a/i.png b/i.png\nBinary files a/i.png and b/i.png differ\n"
        "diff --git a/l.py b/l.py\nnew file mode 120000\n--- /dev/null\n+++ b/l.py\n@@ -0,0 +1 @@\n+/etc/passwd\n"
        "diff --git a/gone.py b/gone.py\ndeleted file mode 100644\n--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )
    write_tree(tmp_path, {name: diff})
    upload = collect(tmp_path / name)
    by_path = {file.path: file for file in upload.files}
    assert sorted(by_path) == ["new.py", "src/a.py"]
    lines = by_path["src/a.py"].text.split("\n")
    assert lines[25:33] == ["", *new.split("\n")[26:33]]
    assert (by_path["src/a.py"].fragment, by_path["new.py"].fragment) == (True, False)
    assert by_path["new.py"].text == "x = 1\ny = 2"
    assert skipped(upload) == {"i.png": SkipReason.BINARY, "l.py": SkipReason.UNSUPPORTED_ENTRY}
    source = accepted(upload)
    assert changed_lines(source, "src/a.py") == [30]
    assert changed_lines(source, "new.py") == [1, 2]


def test_a_diff_alone_cannot_ask_for_a_giant_file_or_name_a_path_outside(tmp_path: Path) -> None:
    ok = a_diff("ok.py", "x\n", "y\n")
    far = "--- a/far.py\n+++ b/far.py\n@@ -999999999 +999999999 @@\n-x\n+y\n"
    outside = "--- a/../../out.py\n+++ b/../../out.py\n@@ -1 +1 @@\n-x\n+y\n"
    latin = b"--- a/latin.py\n+++ b/latin.py\n@@ -1 +1 @@\n-\xe8\n+\xe9\n"
    write_tree(tmp_path, {"c.diff": (ok + far + outside).encode() + latin})
    upload = collect(tmp_path / "c.diff")
    assert paths(upload) == ["ok.py"]
    assert skipped(upload) == {
        "../../out.py": SkipReason.UNSUPPORTED_PATH,
        "far.py": SkipReason.TOO_LARGE,
        "latin.py": SkipReason.UNSUPPORTED_ENCODING,
    }
    accepted(upload)


def test_a_text_file_that_only_quotes_a_diff_is_reviewed_as_it_is(tmp_path: Path) -> None:
    write_tree(tmp_path, {"notes.md": "A change:\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n+y\n", "a.py": "--- a\n"})
    assert paths(collect(tmp_path / "notes.md")) == ["notes.md"]
    assert paths(collect(tmp_path / "a.py")) == ["a.py"]


@pytest.mark.parametrize(
    ("option", "content", "kind"),
    [
        (
            "coverage",
            b'{"meta": {"version": "7"}, "files": {"a.py": {"executed_lines": []}}}',
            ArtifactKind.COVERAGE_JSON,
        ),
        ("coverage", b'<?xml version="1.0"?>\n<coverage version="5" line-rate="1">', ArtifactKind.COBERTURA_XML),
        ("coverage", b"TN:\nSF:a.py\nDA:1,1\nend_of_record\n", ArtifactKind.LCOV),
        ("profile", b"\xfb\xa9\x03\xfa\x01~\xe9", ArtifactKind.PSTATS),
        ("profile", b'{"$schema": "x", "shared": {"frames": []}, "profiles": []}', ArtifactKind.SPEEDSCOPE),
    ],
)
def test_reports_are_told_apart_by_content(tmp_path: Path, option: str, content: bytes, kind: ArtifactKind) -> None:
    write_tree(tmp_path, {"p/a.py": "x\n", "report": content})
    report = tmp_path / "report"
    upload = (
        collect(tmp_path / "p", coverage=report) if option == "coverage" else collect(tmp_path / "p", profile=report)
    )
    assert [(artifact.kind, artifact.content) for artifact in upload.artifacts] == [(kind, content)]
    again = SourceUpload.model_validate_json(upload.model_dump_json())
    assert again == upload
    assert accepted(again).artifacts == {kind: content}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"coverage": "profile"}, "unsupported_coverage"),
        ({"coverage": "clover.xml"}, "unsupported_coverage"),
        ({"profile": "coverage"}, "unsupported_profile"),
        ({"profile": "p/a.py"}, "unsupported_profile"),
        ({"coverage": "missing"}, "coverage_unreadable"),
        ({"profile": "p"}, "profile_unreadable"),
        ({"diff": "missing"}, "path_not_found"),
        ({"diff": "p"}, "diff_unreadable"),
        ({"diff": "wide.diff"}, "unsupported_encoding"),
        ({"diff": "p/a.py"}, "no_changes"),
    ],
)
def test_options_that_cannot_be_used_say_so(tmp_path: Path, options: dict[str, str], code: str) -> None:
    write_tree(
        tmp_path,
        {
            "p/a.py": "x\n",
            "profile": b"\xfb\xa9\x03\xfa\x01~\xe9",
            "coverage": "SF:a.py\nend_of_record\n",
            "clover.xml": '<coverage generated="1" clover="4"><project>',
            "wide.diff": "--- a\n".encode("utf-16"),
        },
    )
    error = refusal(tmp_path / "p", **{name: tmp_path / value for name, value in options.items()})
    assert error.problem.code == code
    assert str(tmp_path) not in error.problem.model_dump_json()


def test_diff_and_base_exclude_each_other(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.py": "x\n"})
    assert refusal(tmp_path, diff=tmp_path / "x.diff", base="main").problem.code == "conflicting_options"


def test_an_exclude_pattern_that_is_none_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.py": "x\n"})
    assert refusal(tmp_path, exclude=["a", "\\"]).problem.code == "invalid_exclude"
