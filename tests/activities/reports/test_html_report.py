"""The page."""

from html.parser import HTMLParser

import pytest

from activities.reports.html_report import render
from models.review import ReviewReport
from models.text import clean
from tests.activities.reports.hostile import CORPUS, hostile_report
from tests.activities.reports.samples import clean_report, finding, report

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements, attributes and text of a page, and whether its tags are balanced."""

    def __init__(self, reviewed: ReviewReport) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.unbalanced = False
        self.feed(render(reviewed))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.unbalanced |= not self.open or self.open.pop() != tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.mark.parametrize("text", CORPUS)
def test_hostile_text_is_only_text(text: str) -> None:
    page = Page(hostile_report(text))
    # Text between backticks becomes code: the one thing that text may change.
    assert page.tags == Page(hostile_report("x" if clean(text, 9) else "")).tags or "`" in text
    assert not {"script", "img", "svg", "iframe", "link", "object", "form"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name in {"src", "style"}]
    links = {value for _, name, value in page.attributes if name == "href"}
    assert all(link.startswith(("#", "https://cwe.mitre.org/data/definitions/")) for link in links)
    assert not page.unbalanced
    assert not page.open
    assert clean(text, 100).split("\N{HORIZONTAL ELLIPSIS}")[0].replace("`", "") in page.text.replace("`", "")


def test_the_policy_forbids_everything_but_the_inline_style() -> None:
    page = Page(report())
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    style = render(report()).split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_a_reader_sees_everything_about_a_finding() -> None:
    text = Page(report()).text
    for part in (
        "python-shop", "partial", "SQL injection", "shop/db.py:41-42", "CWE-89", "92% confident",
        "SQL text is built from a value", "query = f\"SELECT * FROM items WHERE name = '{name}'\"",
        "Pass the value as a parameter", "support 100%", "Borda 13.5", "kept by the specialist lane", "detect-secrets",
        "10 findings beyond the first 4", "Python", "could not be parsed", "assets/logo 100%.png", "0.71",
    ):  # fmt: skip
        assert part in text


def test_the_flagged_lines_are_those_of_the_finding() -> None:
    page = render(report(findings=(finding(),)))
    rows = [row for row in page.split("<tr") if 'class="number"' in row]
    assert [row.startswith(' class="flagged"') for row in rows] == [False, False, True, True]


def test_a_clean_report_is_not_called_partial() -> None:
    text = Page(clean_report()).text
    assert "complete" in text
    assert "No findings." in text
    assert "Not everything was analysed" not in text
    assert "No findings, in what was analysed." in Page(report(findings=(), totals={})).text


def test_code_in_a_message_is_shown_as_code() -> None:
    assert "<code>cursor.execute(sql, (name,))</code>" in render(report())
