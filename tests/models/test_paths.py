"""Paths that may name a file of a source."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.paths import colliding, display_path, fold_path, path_problem
from models.source import MAX_PATH_LENGTH


@pytest.mark.parametrize(
    "path",
    [
        "a.py",
        "src/a b.py",
        "src/né.py",
        "日本/語.java",
        ".github/workflows/ci.yml",
        "a..b/c",
        "console.py",
        "com10.c",
        "-x.py",
    ],
)
def test_a_plain_relative_path_is_fine(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("C:/x.py", "absolute"),
        ("c:x.py", "absolute"),
        ("../x.py", "'..'"),
        ("a/../x.py", "'..'"),
        ("./x.py", "'.'"),
        ("a//x.py", "empty segment"),
        ("a/", "empty segment"),
        ("a\\b.py", "backslash"),
        ("a\0.py", "control"),
        ("a\n.py", "control"),
        ("a\x1b[31m.py", "control"),
        ("a\u202egnp.py", "bidirectional"),
        ("a\u200b.py", "invisible"),
        ("a\ud800.py", "invisible"),
        ("CON", "device"),
        ("a/nul.py", "device"),
        ("Com1.txt", "device"),
        ("lpt9", "device"),
        ("a./b.py", "ends in a dot"),
        ("a.py ", "ends in a dot or a space"),
        ("x/" * 600 + "a.py", str(MAX_PATH_LENGTH)),
        ("é" * 128, "255 bytes"),
    ],
)
def test_a_path_that_could_lead_elsewhere_or_deceive_is_named(path: str, problem: str) -> None:
    found = path_problem(path)
    assert found is not None
    assert problem in found


@given(st.text(max_size=40))
def test_a_path_without_a_problem_stays_below_its_folder_and_is_shown_as_it_is(path: str) -> None:
    if path_problem(path) is None:
        segments = path.split("/")
        assert all(segments)
        assert not {".", ".."} & set(segments)
        assert display_path(path) == path


@given(st.text(max_size=2000))
def test_what_is_shown_never_holds_a_control_or_bidi_character(path: str) -> None:
    shown = display_path(path)
    assert 1 <= len(shown) <= MAX_PATH_LENGTH
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    "paths",
    [
        ["a.py", "A.py"],
        ["src/a.py", "SRC/a.py"],
        ["caf\u00e9.py", "cafe\u0301.py"],
        ["stra\u00dfe.py", "STRASSE.py"],
        ["\u03b1\u0345\u0300.py", "\u03b1\u0300\u0345.py"],
        ["a.py", "a.py"],
        ["a", "a/b.py"],
        ["x/A/b.py", "x/a"],
    ],
)
def test_paths_that_are_one_on_some_system_collide(paths: list[str]) -> None:
    assert len(colliding(paths)) == 1
    assert len(colliding(paths[::-1])) == 1


def test_a_file_does_not_collide_with_a_name_it_only_starts_with() -> None:
    assert colliding(["a", "a.py", "ab/c.py", "a-b"]) == []


names = st.text(alphabet="aAbÉé\u0301./", min_size=1, max_size=6)


@given(st.lists(names, max_size=8))
def test_leaving_out_what_collides_leaves_nothing_that_collides(paths: list[str]) -> None:
    out = set(colliding(paths))
    kept = [path for index, path in enumerate(paths) if index not in out]
    assert colliding(kept) == []
    assert {fold_path(path) for path in kept} <= {fold_path(path) for path in paths}
    assert bool(paths) <= bool(kept)


@given(
    st.lists(names, max_size=6, unique=True).flatmap(lambda paths: st.tuples(st.just(paths), st.permutations(paths)))
)
def test_which_paths_collide_does_not_hang_on_their_order(orders: tuple[list[str], list[str]]) -> None:
    paths, shuffled = orders
    assert {paths[index] for index in colliding(paths)} == {shuffled[index] for index in colliding(shuffled)}
