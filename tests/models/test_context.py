"""What a model sees fits, comes in the right order, and what it does not see is told."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.context import ContextPlan, OmitReason, plan_context, render_context
from models.expert import ExpertName
from models.listing import MAX_SHOWN
from models.source import LineRange
from models.tokens import context_budget, estimated_tokens
from tests.fakes import finding, manifest


def split(texts: Mapping[str, str]) -> dict[str, list[str]]:
    return {path: text.splitlines() for path, text in texts.items()}


def planned(
    texts: Mapping[str, str],
    budget: int,
    changed: Mapping[str, tuple[LineRange, ...]] | None = None,
    expert: ExpertName = ExpertName.SECURITY,
    **more: Any,
) -> ContextPlan:
    return plan_context(manifest(texts, changed), split(texts), budget, expert, **more)


def shown(plan: ContextPlan) -> list[tuple[str, int, int]]:
    return [(part.path, part.start, part.end) for part in plan.parts]


def function(name: str, body: int) -> str:
    return f"def {name}():\n" + "".join(f"    line_{n} = {n}\n" for n in range(body))


def test_everything_is_shown_where_it_fits() -> None:
    texts = {"b.py": function("b", 3), "a.py": function("a", 2), "empty.py": ""}
    plan = planned(texts, 1_000)
    assert shown(plan) == [("a.py", 1, 3), ("b.py", 1, 4)]
    assert (plan.omitted, plan.unseen) == ((), ())
    assert plan.shown["b.py"] == (LineRange(start=1, end=4),)


def test_a_change_is_shown_with_its_lines_marked() -> None:
    texts = {"a.py": function("a", 2)}
    plan = planned(texts, 1_000, {"a.py": (LineRange(start=2, end=2),)})
    text = render_context(plan, split(texts))
    assert text == 'file "a.py" lines 1-3 of 3\n1|def a():\n2+    line_0 = 0\n3|    line_1 = 1\n'


def test_of_a_change_the_definitions_around_changed_lines_come_before_the_rest() -> None:
    texts = {"big.py": function("one", 100) + function("two", 15) + function("three", 100), "new.py": function("n", 2)}
    changes = {"big.py": (LineRange(start=110, end=110),), "new.py": (LineRange(start=1, end=3),)}
    plan = planned(texts, 400, changes)
    assert shown(plan)[-1] == ("new.py", 1, 3)
    assert any(path == "big.py" and start <= 102 and end >= 117 for path, start, end in shown(plan))
    assert plan.unseen == ()
    omitted = [each for each in plan.omitted if each.path == "big.py"]
    assert [(each.whole, each.reason) for each in omitted] == [(False, OmitReason.NO_ROOM)]


def test_spans_can_be_given_and_unknown_ones_give_a_window() -> None:
    texts = {"a.py": "".join(f"x{n} = {n}\n" for n in range(1, 501))}
    changes = {"a.py": (LineRange(start=250, end=250),)}
    given_ = planned(texts, 800, changes, enclosing={"a.py": [(245, 290), (1, 500)]})
    assert (245, 290) in {(start, end) for _, start, end in shown(given_)}
    window = planned(texts, 700, changes, enclosing={})
    assert shown(window) == [("a.py", 230, 270)]
    assert [each.ranges for each in window.omitted] == [(LineRange(start=1, end=229), LineRange(start=271, end=500))]


def test_definitions_with_findings_come_first_the_strongest_of_them_before_all() -> None:
    texts = {"big.py": "".join(function(f"f{n}", 20) for n in range(30)), "small.py": function("s", 3)}
    weak = finding(path="big.py", line_start=70, line_end=70, severity="low")
    strong = finding(path="big.py", line_start=300, line_end=300, severity="critical")
    one = planned(texts, 320, focus_findings=[weak, strong])
    assert [(start, end) for path, start, end in shown(one) if path == "big.py"] == [(295, 315)]
    both = planned(texts, 720, focus_findings=[weak, strong])
    assert [(start, end) for path, start, end in shown(both) if path == "big.py"] == [(64, 84), (295, 315)]
    assert planned(texts, 720, focus_findings=[strong, weak]) == both
    few = [(start, end) for path, start, end in shown(planned(texts, 200, focus_findings=[strong])) if path == "big.py"]
    assert any(start <= 300 <= end for start, end in few)
    assert both.unseen == ("big.py",)


def test_what_is_left_out_is_told_whole_files_too() -> None:
    texts = {"a.py": function("a", 5), "b.py": function("b", 400), "docs/c.md": "text\n" * 10}
    plan = planned(texts, 150)
    assert shown(plan)[0] == ("a.py", 1, 6)
    left = {each.path: each for each in plan.omitted}
    assert left["b.py"].reason is OmitReason.NO_ROOM
    assert set(plan.unseen) >= {"b.py"}
    shown_lines = sum(end - start + 1 for _, start, end in shown(plan))
    told = sum(each.end - each.start + 1 for omitted in plan.omitted for each in omitted.ranges)
    assert shown_lines + told == 6 + 401 + 10


def test_code_does_not_wait_for_documents_nor_for_generated_files() -> None:
    texts = {"a.md": "word\n", "dist/x.py": "x = 1\n", "tests/test_a.py": function("t", 8), "z.py": function("z", 12)}
    assert {path for path, *_ in shown(planned(texts, 110))} == {"z.py"}
    assert {path for path, *_ in shown(planned(texts, 110, expert=ExpertName.TEST))} == {"tests/test_a.py"}


def test_long_lines_are_clipped_visibly_and_told() -> None:
    texts = {"a.js": "x" * (MAX_SHOWN + 7) + "\nlet y\n"}
    plan = planned(texts, 2_000)
    assert render_context(plan, split(texts)).split("\n")[1] == "1|" + "x" * MAX_SHOWN + " …[+7 characters]"
    assert [(each.reason, each.ranges) for each in plan.omitted] == [
        (OmitReason.LONG_LINE, (LineRange(start=1, end=1),))
    ]
    assert plan.unseen == ("a.js",)


def test_of_files_outside_a_change_little_is_added_and_nothing_called_unseen() -> None:
    texts = {"a.py": function("a", 2), "big.py": function("b", 5_000), "small.py": function("s", 2)}
    plan = planned(texts, 10**6, {"a.py": (LineRange(start=1, end=1),)})
    assert {path for path, *_ in shown(plan)} == {"a.py", "small.py"}
    assert [(each.path, each.whole, each.reason) for each in plan.omitted] == [
        ("big.py", True, OmitReason.OUTSIDE_CHANGE)
    ]
    assert plan.unseen == ()


def test_of_a_fragment_the_unknown_lines_are_not_shown() -> None:
    texts = {"a.py": "\n" * 999 + "x = 1\n\ny = 2\n" + "\n" * 500}
    source = manifest(texts)
    file = source.files[0].model_copy(update={"fragment": True, "changed": (LineRange(start=1000, end=1000),)})
    plan = plan_context(
        source.model_copy(update={"files": (file,)}), split(texts), 100, ExpertName.QUALITY, enclosing={}
    )
    assert shown(plan) == [("a.py", 1000, 1002)]
    assert (plan.omitted, plan.unseen) == ((), ())


@pytest.mark.parametrize("budget", [-5, 0, 3])
def test_without_room_nothing_is_shown_and_all_of_it_is_told(budget: int) -> None:
    plan = planned({"a.py": function("a", 5)}, budget)
    assert plan.parts == ()
    assert [(each.path, each.whole) for each in plan.omitted] == [("a.py", True)]
    assert plan.unseen == ("a.py",)


LINE = st.one_of(
    st.sampled_from(
        ["", "    x = 1", "def f():", "}", "\tif (a) {", "A" * 500, "0123456789" * 5, "安全なコード", "\u202e\x00\r"]
    ),
    st.text(max_size=60).map(lambda text: text.replace("\n", " ")),
)
FILES = st.dictionaries(
    st.sampled_from(["a.py", "b/c.js", "tests/test_a.py", "d.java", "e.md", "package.json", 'f "q".c', "ü.rs"]),
    st.lists(LINE, max_size=60),
    max_size=5,
)
RANGES = st.lists(st.tuples(st.integers(1, 70), st.integers(0, 20)), max_size=3)


@settings(max_examples=300, deadline=None)
@given(FILES, st.integers(0, 1_500), st.none() | RANGES, st.sampled_from(ExpertName), st.integers(1, 70), st.booleans())
def test_a_plan_never_exceeds_its_budget_and_accounts_for_every_line(
    lines: dict[str, list[str]],
    budget: int,
    ranges: list[tuple[int, int]] | None,
    expert: ExpertName,
    focus: int,
    fragment: bool,
) -> None:
    parts = None if ranges is None else tuple(LineRange(start=start, end=start + size) for start, size in ranges)
    source = manifest({path: "\n".join(text) for path, text in lines.items()})
    source = source.model_copy(
        update={"files": tuple(f.model_copy(update={"changed": parts, "fragment": fragment}) for f in source.files)}
    )
    findings = [finding(path=path, line_start=focus, line_end=focus) for path in lines]
    plan = plan_context(source, lines, budget, expert, findings)
    assert estimated_tokens(render_context(plan, lines)) <= budget
    assert plan == plan_context(source, lines, budget, expert, reversed(findings))
    seen: set[tuple[str, int]] = set()
    for part in plan.parts:
        assert 1 <= part.start <= part.end <= part.total == len(lines[part.path])
        new = {(part.path, number) for number in range(part.start, part.end + 1)}
        assert not new & seen
        seen |= new
    left = {
        (each.path, number)
        for each in plan.omitted
        if each.reason is not OmitReason.LONG_LINE
        for run in each.ranges
        for number in range(run.start, run.end + 1)
    }
    assert not seen & left
    assert all(lines[path][number - 1] == "" or fragment for path, number in everything(lines) - seen - left)


def everything(lines: Mapping[str, list[str]]) -> set[tuple[str, int]]:
    return {(path, number) for path, text in lines.items() for number in range(1, len(text) + 1)}


@given(st.lists(st.text(max_size=50).map(lambda text: text.replace("\n", " ")), max_size=10))
def test_the_estimate_of_lines_adds_up(lines: list[str]) -> None:
    assert estimated_tokens("".join(f"{line}\n" for line in lines)) == sum(estimated_tokens(f"{x}\n") for x in lines)


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("", 0),
        ("a", 1),
        ("return x", 2),
        ("0123456789", 10),
        ("qzxvkwjp" * 8, 64),
        ("{}();", 5),
        ("安全", 6),
        ("😀", 4),
    ],
)
def test_the_estimate_is_no_lower_than_tokenisers_are(text: str, least: int) -> None:
    assert estimated_tokens(text) >= least


def test_what_is_left_for_code() -> None:
    assert context_budget(1_000, 200, "word " * 100) < 800 - 100
    assert context_budget(1_000, 1_000) == 0
