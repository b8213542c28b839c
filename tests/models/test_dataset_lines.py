"""What a dataset file may say, and what its author is told when it may not."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import dataset_lines
from models.dataset import content_hash
from models.dataset_lines import MOST_SHOWN, read_lines
from models.dataset_samples import upload_of
from models.errors import InvalidInput
from models.source import Language
from starter.intake.accept import accept
from tests.labelled import CODE, clean, jsonl, label, row

SECRET = "canary-5f2a"


def refusal(text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_lines(text)
    assert SECRET not in caught.value.problem.model_dump_json()
    return caught.value


def told(text: str) -> list[str]:
    """The problems of a file that cannot be imported."""
    error = refusal(text)
    assert (error.problem.code, error.status) == ("invalid_dataset", 422)
    lines = error.problem.details["lines"]
    assert isinstance(lines, list)
    return lines


def test_a_file_is_read_in_its_order_with_defaults() -> None:
    second = clean(
        "b/2", language="cpp", filename="x.c", code="int x;", group="g", split="test", scope={"cwes": ["CWE-1"]}
    )
    first, other = read_lines(jsonl(row(), second))
    assert (first.id, first.code, first.scope.open, first.group, first.split) == ("a", CODE, True, None, None)
    assert first.labels[0].rule is None
    assert (other.id, other.language, other.clean, other.group, other.split) == ("b/2", Language.CPP, True, "g", "test")


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n" + text.replace("\n", "\n \t\n"),
        lambda text: text.rstrip("\n"),
    ],
)
def test_marks_of_editors_and_blank_lines_change_nothing(changed: Any) -> None:
    text = jsonl(row("a"), clean("b"))
    assert content_hash(read_lines(changed(text))) == content_hash(read_lines(text))


def test_line_separators_in_strings_end_no_line() -> None:
    (only,) = read_lines(json.dumps(clean(source="a\u2028b\u0085c"), ensure_ascii=False))
    assert only.source == "a\u2028b\u0085c"


def test_unknown_fields_are_kept() -> None:
    told = {"note": {"seen": [1, 2.5, None]}, "model_extra": "x", "lines": 99, "position": 7}
    (only,) = read_lines(jsonl(row() | told))
    assert only.model_extra == told
    assert only.lines == 5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": f"../{SECRET}"}, "`id`: does not match"),
        ({"id": "x" * 121}, "`id`: is longer than 120"),
        ({"language": SECRET}, "`language`: is not one of 'python'"),
        ({"language": None}, "`language`: is not one of"),
        ({"language": "java"}, "the ending of `filename` is not one of `language`"),
        ({"filename": f"{SECRET}.md"}, "the ending of `filename`"),
        ({"filename": ""}, "`filename`: is empty"),
        ({"filename": "src/"}, "`filename` is empty"),
        ({"filename": f"{SECRET}/../.."}, "`filename` has a '.' or '..' segment"),
        ({"filename": "a\u202eb.py"}, "invisible"),
        ({"filename": "nul.py"}, "reserve"),
        ({"code": ""}, "`code`: is empty"),
        ({"code": " \n\t\n"}, "`code` is blank"),
        ({"code": "\ufeff", "labels": [], "clean": True}, "`code` is blank"),
        ({"code": "x" * 200_001}, "`code`: is longer than 200000 characters"),
        ({"code": "\N{SNOWMAN}" * 190_000}, "`code` is larger than 524288 bytes"),
        ({"code": 7}, "`code`: is not a string"),
        ({"clean": True}, "`clean` have no `labels`"),
        ({"labels": []}, "`clean` have no `labels`"),
        ({"clean": "false"}, "`clean`: is not true or false"),
        ({"labels": SECRET}, "`labels`: is not a list"),
        ({"labels": [label()] * 101}, "`labels`: has more than 100 entries"),
        ({"labels": [SECRET]}, "`labels.0`: is not an object"),
        ({"labels": [label(), label(cwe=SECRET)]}, "`labels.1.cwe`: does not match"),
        ({"labels": [label(type=f"{SECRET} x")]}, "`labels.0.type`: does not match"),
        ({"labels": [label(severity=SECRET)]}, "`labels.0.severity`: is not one of"),
        ({"labels": [label(line_start=0)]}, "`labels.0.line_start`: is less than 1"),
        ({"labels": [label(line_start="5")]}, "`labels.0.line_start`: is not a whole number"),
        ({"labels": [label(line_start=4, line_end=3)]}, "`labels.0`: line_end is before line_start"),
        ({"labels": [label(line_end=6)]}, "a label names a line after the last, which is 5"),
        ({"labels": [label() | {f"{SECRET} key": 1}]}, "`labels.0.?`: is not a field here"),
        ({"labels": [{"type": "x"}]}, "`labels.0.line_start`: is missing"),
        ({"scope": {"cwes": ["CWE-0"]}}, "`scope.cwes.0`: does not match"),
        ({"group": ""}, "`group`: is empty"),
        ({"split": SECRET}, "`split`: is not one of 'dev' or 'test'"),
        ({"note": 2**53 + 1}, "a number beyond 2^53"),
        ({"note": f"{SECRET}\0"}, "a NUL character"),
        ({"note": {"\ud800": 1}}, "half of a surrogate pair"),
    ],
)
def test_what_is_wrong_is_told_by_line_field_and_limit(changes: dict[str, Any], said: str) -> None:
    problems = told("\n" + jsonl(clean("before"), row() | changes))
    assert len([each for each in problems if said in each]) == 1
    assert {each.split(":")[0].split(",")[0] for each in problems} == {"line 3"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{{{SECRET}", "is not JSON from column 2"),
        (json.dumps(row()) + json.dumps(row("b")), "is not JSON from column"),
        ("[]", "is not a JSON object"),
        ("null", "is not a JSON object"),
        (json.dumps(row())[:-1] + ', "id": "b"}', "has one key twice"),
        (json.dumps(row(note={"x": 1})).replace('"x": 1', '"x": 1, "x": 1'), "has one key twice"),
        (json.dumps(row(note=float("nan"))), "has NaN or Infinity"),
        (json.dumps(row(note=0)).replace('"note": 0', '"note": 1e999'), "too large"),
        (json.dumps(row(note=0)).replace('"note": 0', f'"note": {"9" * 5000}'), "too many digits"),
        (json.dumps(row(note=0)).replace('"note": 0', f'"note": {"[" * 300}{"]" * 300}'), "nested too deeply"),
        (json.dumps(row(note=0)).replace('"note": 0', f'"note": {"[" * 99999}{"]" * 99999}'), "nested too deeply"),
        ('{"id": "a\0"}', "is not JSON"),
    ],
)
def test_lines_that_are_no_sample(line: str, said: str) -> None:
    assert [said in each for each in told(line)] == [True]


def test_what_only_the_whole_file_tells() -> None:
    assert told(jsonl(row("a"), row("b"), row("a"))) == ["line 3, `id`: is the same as in line 1"]
    parted = jsonl(row("a", group="g"), row("b", group="g", split="dev"), row("c", group="g", split="test"))
    assert told(parted) == ["line 3, `split`: is another than that of the same `group` in line 2"]
    # A sample without a group is a group of its own name.
    assert len(told(jsonl(row("g", split="dev"), row("c", group="g", split="test")))) == 1


def test_types_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_lines, "MAX_TYPES", 2)
    rows = [row(str(n), labels=[label(type=f"t{n}")]) for n in range(4)]
    assert len(read_lines(jsonl(*rows[:2]))) == 2
    assert told(jsonl(*rows)) == ["line 3, `labels`: the dataset has more than 2 types up to here"]


def test_all_is_counted_and_the_first_is_shown() -> None:
    error = refusal(jsonl(*(row(str(n), language="x", clean=0) for n in range(50)), row("good")))
    lines = error.problem.details["lines"]
    assert isinstance(lines, list)
    assert error.problem.details["problems"] == 100
    assert len(lines) == MOST_SHOWN + 1
    assert lines[0].startswith("line 1, ")
    assert lines[-1] == "and 80 more"
    assert "100 problems" in error.problem.message


@pytest.mark.parametrize("text", ["", "\n\r\n \n", "\ufeff"])
def test_an_empty_file_is_no_dataset(text: str) -> None:
    assert refusal(text).problem.code == "empty_dataset"


def test_too_many_samples_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_lines, "MAX_SAMPLES", 2)
    assert len(read_lines(jsonl(row("a"), row("b")))) == 2
    error = refusal("x\nx\nx")
    assert (error.problem.code, error.status, error.problem.details["limit"]) == ("too_many_samples", 413, 2)


@pytest.mark.parametrize(
    "changes", [{"note": 1}, {"source": "x"}, {"code": CODE + "#\n"}, {"labels": [label(cwe=None)]}]
)
def test_the_hash_names_everything_that_is_said(changes: dict[str, Any]) -> None:
    assert content_hash(read_lines(jsonl(row()))) != content_hash(read_lines(jsonl(row() | changes)))


def test_the_hash_passes_over_the_order_of_fields_and_told_defaults() -> None:
    plain = content_hash(read_lines(jsonl(row())))
    assert content_hash(read_lines(jsonl(dict(reversed(row().items()))))) == plain
    assert content_hash(read_lines(jsonl(row(source="", group=None, scope={}, labels=[label(rule=None)])))) == plain
    two = [row("a"), row("b")]
    assert content_hash(read_lines(jsonl(*two))) != content_hash(read_lines(jsonl(*reversed(two))))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


ROWS = st.lists(st.dictionaries(st.sampled_from(list(row())), JSON), max_size=5)


@given(st.text() | JSON.map(json.dumps) | ROWS.map(lambda rows: jsonl(*rows)))
@settings(max_examples=50)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_lines(text)
    except InvalidInput as error:
        assert error.problem.code in ("empty_dataset", "invalid_dataset")


@given(
    filename=st.text(min_size=1, max_size=40).map(lambda text: text + ".py"),
    code=st.text(st.sampled_from(" \t\r\n\f\0x\ufeff\u2028\ud800é"), min_size=1, max_size=30),
    extra=st.dictionaries(st.text(max_size=12), JSON, max_size=3),
)
@settings(max_examples=50)
def test_what_is_read_can_be_reviewed(filename: str, code: str, extra: dict[str, Any]) -> None:
    """A line that passes makes a source that the intake takes, with the lines that labels count."""
    try:
        (line,) = read_lines(jsonl(extra | clean(filename=filename, code=code)))
    except InvalidInput:
        return
    (file,) = accept(upload_of(line), source_id="0" * 32).manifest.files
    assert file.path == filename.replace("\\", "/").split("/")[-1]
    assert file.language is line.language
    assert file.lines == line.lines
