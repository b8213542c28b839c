"""What a comparison looks like: on paper, as a page, as a table and in a terminal."""

import csv
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, cast
from xml.etree import ElementTree

import pytest
import typst
from rich.console import Console

from activities.reports.comparison_csv import COLUMNS, comparison_csv
from activities.reports.comparison_formats import MEDIA_TYPES, ComparisonFormat, render_comparison
from activities.reports.comparison_html import comparison_html
from activities.reports.comparison_pdf import comparison_pdf, typeset
from activities.reports.comparison_plots import plots
from models import comparison_text as say
from models.comparison import Compared, ComparisonReport
from starter.render.comparison import print_comparison
from tests.activities.reports.comparisons import HOSTILE, SAMPLES, promoted, rejected, unsure

Make = Callable[..., ComparisonReport]
every_report = pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
LOCATABLE = (
    b"#let grid(columns: auto, column-gutter: 0pt, row-gutter: 0pt, ..cells) = table(columns: columns, ..cells)\n"
)
"""Tables can be asked for, grids cannot."""
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Elements, attributes and text of a page, and whether its tags are balanced."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.unbalanced = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.unbalanced |= not self.open or self.open.pop() != tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def printed(report: ComparisonReport, monkeypatch: pytest.MonkeyPatch) -> str:
    """The text on the pages of the PDF, as the typesetter has it after it read the template."""
    found: list[str] = []

    def queried(source: bytes, **options: Any) -> bytes:
        del options["format"], options["timestamp"]
        for selector in ("heading", "table", "par"):
            found.extend(_texts(json.loads(cast("Any", typst).query(LOCATABLE + source, selector, **options))))
        return b""

    with monkeypatch.context() as patch:
        patch.setattr(typst, "compile", queried)
        typeset(report, "pdf")
    return " ".join(found).replace("\u200b", "")


def _texts(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for each in cast("list[Any]", node) for text in _texts(each)]
    if not isinstance(node, dict):
        return []
    fields = cast("dict[str, Any]", node)
    own = [fields["text"]] if isinstance(fields.get("text"), str) else []
    return own + [text for each in fields.values() for text in _texts(each)]


@every_report
@pytest.mark.parametrize("kind", ComparisonFormat)
def test_every_report_in_every_format_twice_alike(make: Make, kind: ComparisonFormat) -> None:
    made = render_comparison(make(), kind)
    assert made == render_comparison(make(), kind)
    assert kind in MEDIA_TYPES


def test_the_pdf_has_pages_and_says_what_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = comparison_pdf(rejected())
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert b"/Subtype/Image" not in pdf.replace(b" ", b"")
    assert len(typeset(rejected(), "png", ppi=20)) > 2
    text = printed(rejected(), monkeypatch)
    for part in (
        "Reject v2", "version 11 (stable)", "web-flaws v4", "Accuracy is lower by 7.2 pp", "< 0.001", "\u25bc worse",
        "language:javascript", "mcnemar-mid-p *", "cfg:v1:sha256:" + "9f" * 32, "5d" * 32, "statsmodels",
        "Recorded runs", "Prices changed", "attempt 7", "Slices are exploratory", "adjusted by Holm", "loss of $36.00",
    ):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert name in printed(unsure(), monkeypatch)
    page = Page(comparison_html(unsure()))
    assert name in page.text
    assert "script" not in page.tags


@every_report
def test_the_page_is_whole_and_loads_nothing(make: Make) -> None:
    html = comparison_html(make())
    page = Page(html)
    assert not page.unbalanced
    assert not page.open
    assert not {"script", "img", "image", "link", "iframe", "object", "form", "a"} & set(page.tags)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    links = [value for name, value in page.attributes if name in ("href", "xlink:href")]
    assert all(link.startswith("#") for link in links)
    assert all(found.startswith("#") for found in re.findall(r"url\(([^)]*)", html))
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links} <= set(ids)
    drawn = page.tags.count("svg")
    assert drawn == sum(plot.svg is not None for plot in plots(make()))
    assert page.attributes.count(("role", "img")) == drawn
    assert page.tags.count("caption") == page.tags.count("table")
    assert make().recommendation.value[:6] in page.text.lower()


@every_report
def test_the_table_has_every_metric_and_test(make: Make) -> None:
    report = make()
    rows = list(csv.DictReader(io.StringIO(comparison_csv(report))))
    assert all(tuple(row) == COLUMNS and None not in row.values() for row in rows)
    assert {row["metric"] for row in rows if row["kind"] == "metric"} == set(report.metrics)
    tests = [(row["test"], row["metric"]) for row in rows if row["kind"] == "test"]
    assert tests == [(each.test_name, each.metric) for each in report.statistical_tests]
    accuracy = next(row for row in rows if row["kind"] == "metric" and row["metric"] == "accuracy")
    assert float(accuracy["v2"]) == report.metrics["accuracy"].v2
    assert accuracy["significant"] in ("true", "false")


def test_no_cell_is_a_formula() -> None:
    report = unsure(dataset="=cmd|' /C calc'!A1", comparison_id="\t @SUM(1)", dataset_hash="+1")
    for row in csv.reader(io.StringIO(comparison_csv(report))):
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "\r", "\n"))
            assert not cell.startswith("-") or float(cell) < 0
    assert "'=cmd|" in comparison_csv(report)


@every_report
def test_plots_are_vectors_or_left_out_with_a_sentence(make: Make) -> None:
    for plot in plots(make()):
        assert plot.missing.endswith(".")
        if plot.svg is not None:
            root = ElementTree.fromstring(plot.svg)
            assert root.tag.endswith("svg")
            assert not [each for each in root.iter() if each.tag.rpartition("}")[2] in ("image", "script", "metadata")]
            assert "2026" not in plot.svg


def test_what_cannot_be_drawn_is_said() -> None:
    drawn = {plot.key: plot.svg is not None for plot in plots(unsure())}
    assert drawn == {"forest": True, "agreement": False, "latency": False, "cost": False}
    assert "There is no plot of latency" in Page(comparison_html(unsure())).text
    assert all(plot.svg for plot in plots(promoted()))
    assert plots(unsure(metrics={}))[0].svg is None


@every_report
def test_the_terminal_shows_it_in_100_columns(make: Make) -> None:
    page = io.StringIO()
    print_comparison(make(), Console(file=page, width=100, force_terminal=False))
    lines = page.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    assert "Advice" in page.getvalue()
    assert "[bold]x[/bold]" in page.getvalue() or make is not unsure


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (say.p_value(0.00099), "< 0.001"), (say.p_value(0.0494), "0.049"), (say.p_value(1.0), "> 0.999"),
        (say.p_value(None), "\u2013"), (say.share(0.9335), "93.3%"), (say.usd(0.01123), "$0.0112"),
        (say.usd(1234.5), "$1,234.50"), (say.usd(-0.5), "\u2212$0.50"), (say.usd(0), "$0.00"),
        (say.usd(0.00042), "$0.00042"), (say.value_of(0.0421, "seconds"), "0.0421 s"),
        (say.value_of(123.4, "seconds"), "123 s"), (say.value_of(12.34, "seconds"), "12.3 s"),
        (say.value_of(1234567, "tokens"), "1,234,567"), (say.number(0), "0"),
        (say.change_of(-0.0001, Compared()), "0.0 pp"), (say.change_of(0.123, Compared()), "+12.3 pp"),
        (say.change_of(-0.25, Compared(scale="ratio")), "\u221225.0%"),
        (say.interval_of(Compared(low=-0.1, high=0.2)), "\u221210.0 to +20.0 pp"),
        (say.interval_of(Compared(high=0.2)), "at most +20.0 pp"),
        (say.title("some_new_metric"), "Some new metric"),
    ],
)  # fmt: skip
def test_numbers_are_for_people(told: str, expected: str) -> None:
    assert told == expected
