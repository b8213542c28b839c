"""Splits, statistics, and what a reviewer sees of a sample."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dataset import SampleLine, Split
from models.dataset_samples import extra_of, group_of, hashed_split, splits_of, stats_of, upload_of
from models.source import Language
from tests.labelled import CODE, clean, label, row

NAMES = st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=3)


def line(**changes: object) -> SampleLine:
    return SampleLine.model_validate(row() | changes)


def test_groups_are_split_by_their_hash() -> None:
    # sha256("a") begins with ca978112: 0 modulo 5; that of "c" with 2e7d2c03: 3.
    assert (hashed_split("a"), hashed_split("c")) == (Split.DEV, Split.TEST)
    share = sum(hashed_split(f"group {n}") is Split.DEV for n in range(5_000)) / 5_000
    assert share == pytest.approx(0.6, abs=0.02)


@given(st.lists(st.tuples(NAMES, st.none() | NAMES), max_size=30), st.dictionaries(NAMES, st.sampled_from(Split)))
def test_samples_of_a_group_are_never_apart(names: list[tuple[str, str | None]], stated: dict[str, Split]) -> None:
    lines = [line(id=name, group=group) for name, group in names]
    # Every other sample says the split of its group.
    lines = [
        each.model_copy(update={"split": stated.get(group_of(each))}) if n % 2 else each for n, each in enumerate(lines)
    ]
    said = {group_of(each): each.split for each in lines if each.split}
    found: dict[str, Split] = {}
    for each, split in zip(lines, splits_of(lines), strict=True):
        assert found.setdefault(group_of(each), split) is split
        assert split is said.get(group_of(each), split)
        if group_of(each) not in said:
            assert split is hashed_split(group_of(each))


def test_what_is_in_a_dataset_is_counted() -> None:
    lines = [
        line(id="1", group="a", labels=[label(), label(type="xss")]),
        line(id="2", group="a"),
        SampleLine.model_validate(clean("c", language="c", filename="x.c", code="int x;\r\nint y;")),
    ]
    stats = stats_of(lines)
    assert (stats.samples, stats.clean, stats.labels, stats.groups, stats.lines) == (3, 1, 3, 2, 12)
    assert stats.by_language == {Language.PYTHON: 2, Language.C: 1}
    assert stats.by_split == {Split.DEV: 2, Split.TEST: 1}
    assert stats.by_type == {"command-injection": 2, "xss": 1}


def test_a_reviewer_sees_the_code_and_the_last_part_of_its_name_alone() -> None:
    secret = "giveaway"
    told = line(
        id=secret,
        filename=f"{secret}/cwe-78/app.py",
        labels=[label(type=secret, rule=secret)],
        source=secret,
        licence=secret,
        group=secret,
        scope={"rules": [secret]},
        note=secret,
    )
    seen = upload_of(told)
    assert secret not in seen.model_dump_json()
    assert [(file.path, file.text, file.fragment) for file in seen.files] == [("app.py", CODE, False)]
    assert upload_of(line(id="another", filename="C:\\src\\app.py")) == seen
    extra = extra_of(told)
    assert (extra.filename, extra.source, extra.licence, extra.other) == (
        f"{secret}/cwe-78/app.py",
        secret,
        secret,
        {"note": secret},
    )


def test_a_method_that_was_cut_out_is_moved_to_the_margin_and_keeps_its_lines() -> None:
    code = "    def run(self):\n\n        # why\n        return 1\n"
    (file,) = upload_of(line(code=code, labels=[label(line_start=4, line_end=4)])).files
    assert ast.parse(file.text)
    assert [each.strip() for each in file.text.split("\n")] == [each.strip() for each in code.split("\n")]


@pytest.mark.parametrize(
    ("language", "filename", "code"), [("java", "A.java", "  int x;\n"), ("python", "a.py", "x = 1\n  # why\n")]
)
def test_other_code_is_left_as_it_is(language: str, filename: str, code: str) -> None:
    made = SampleLine.model_validate(clean(language=language, filename=filename, code=code))
    assert upload_of(made).files[0].text == code
