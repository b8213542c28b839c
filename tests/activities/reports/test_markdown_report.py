"""The comment on a pull request."""

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from activities.reports.markdown_report import MAX_LENGTH, render
from models.source import SkippedFile, SkipReason
from tests.activities.reports.hostile import CORPUS, hostile_report
from tests.activities.reports.samples import clean_report, finding, report

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def flat(text: str) -> list[Token]:
    tokens = MARKDOWN.parse(text)
    return [token for block in tokens for token in (block, *(block.children or []))]


def cells(text: str) -> list[int]:
    """How many cells each table row has."""
    counts: list[int] = []
    for token in flat(text):
        if token.type == "tr_open":
            counts.append(0)
        if token.type in {"td_open", "th_open"}:
            counts[-1] += 1
    return counts


@pytest.mark.parametrize("text", CORPUS)
def test_hostile_text_does_nothing(text: str) -> None:
    rendered = render(hostile_report(text))
    tokens = flat(rendered)
    assert not {"html_block", "html_inline", "image", "code_block", "blockquote_open", "hr", "s_open"} & {
        token.type for token in tokens
    }
    links = {str(token.attrs["href"]) for token in tokens if token.type == "link_open"}
    assert links <= {"https://cwe.mitre.org/data/definitions/89.html"}
    prose = "\n".join(token.content for token in tokens if token.type == "text")
    assert "@" not in prose
    assert "evil.example" not in prose
    assert cells(rendered) == cells(render(hostile_report("plain")))
    headings = [token.tag for token in tokens if token.type == "heading_open"]
    assert headings == ["h2", *["h3"] * 5]


def test_the_code_in_a_fence_is_the_code_of_the_finding() -> None:
    code = ("```", "    ````x", "</code>")
    rendered = render(report(findings=(finding(excerpt=code, excerpt_start=40),)))
    fences = [token.content for token in flat(rendered) if token.type == "fence"]
    assert fences == ["| 40 | ```\n> 41 |     ````x\n> 42 | </code>\n"]


def test_a_reader_sees_what_where_and_how_sure() -> None:
    rendered = render(report())
    assert "**1 critical, 1 high, 3 medium, 9 low** in 5 files, 432 lines (Python, Other). **Partial**" in rendered
    row = next(line for line in rendered.splitlines() if line.startswith("| 1 |"))
    for part in ("critical", "`shop/db.py:41-42`", "SQL text is built", "92%", "security"):
        assert part in row
    assert "10 findings beyond the first 4" in rendered
    assert "kept by the specialist lane" in rendered
    assert "`cursor.execute(sql, (name,))`" in rendered
    assert "0.71 (krippendorff alpha nominal, 3 places)" in rendered


def test_what_was_not_analysed_is_named() -> None:
    rendered = render(report())
    assert "- 1 file, could not be parsed (security: bandit): `shop/legacy.py`" in rendered
    assert "- 1 file, binary: `assets/logo 100%.png`" in rendered
    assert "- 4 files, the analyser ran out of time (performance)" in rendered
    assert "### Not analysed" not in render(clean_report())


def test_a_clean_report_says_so() -> None:
    assert "**No findings** in 5 files, 432 lines (Python, Other). Complete." in render(clean_report())


def test_a_long_list_of_files_is_counted() -> None:
    skipped = tuple(SkippedFile(path=f"{n:04}.png", reason=SkipReason.BINARY) for n in range(1000))
    assert "`0019.png` and 980 more" in render(report(skipped=skipped))


def test_a_comment_that_would_be_too_long_leaves_its_excerpts_out_and_says_so() -> None:
    long = tuple(
        finding(rank, excerpt=("x" * 400,) * 20, message="word " * 99, recommendation="word " * 199)
        for rank in range(1, 16)
    )
    rendered = render(report(findings=long))
    assert len(rendered) <= MAX_LENGTH
    assert "excerpts are left out" in rendered
    assert "excerpts are left out" not in render(report())
