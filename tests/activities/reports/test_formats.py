"""What holds for every format."""

import json

import pytest

from activities.reports.formats import FORMATS
from models.review import ReviewReport
from tests.activities.reports.hostile import CORPUS, hostile_report
from tests.activities.reports.samples import clean_report, report

HIDDEN = set("\x1b\x9b\x9d\x07\x00\x08\x7f\r\u202e\u2066\u2069\u200b\u200d\u2060\ufeff\u00ad\u2028\u2029\u3164\ufe0f")


def test_the_corpus_is_large() -> None:
    assert len(set(CORPUS)) >= 40


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", CORPUS)
def test_no_hidden_character_and_no_build_command_gets_out(name: str, text: str) -> None:
    rendered = FORMATS[name].render(hostile_report(text))
    assert not HIDDEN & set(rendered)
    lines = rendered.splitlines()
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert not any("##[" in line or "##vso[" in line or "##teamcity[" in line for line in lines)
    rendered.encode("utf-8")


@pytest.mark.parametrize("name", FORMATS)
def test_rendering_is_a_function_of_the_report(name: str) -> None:
    assert FORMATS[name].render(report()) == FORMATS[name].render(report())
    assert FORMATS[name].render(report()) != FORMATS[name].render(clean_report())


@pytest.mark.parametrize("reviewed", [report(), clean_report(), *map(hostile_report, CORPUS)])
def test_json_is_read_back_unchanged(reviewed: ReviewReport) -> None:
    rendered = FORMATS["json"].render(reviewed)
    assert ReviewReport.model_validate_json(rendered) == reviewed
    assert list(json.loads(rendered)) == sorted(json.loads(rendered))
    assert rendered.isascii()


def test_every_format_says_what_it_is() -> None:
    assert {name: (form.media_type.split(";")[0], form.suffix) for name, form in FORMATS.items()} == {
        "json": ("application/json", ".json"),
        "sarif": ("application/sarif+json", ".sarif"),
        "markdown": ("text/markdown", ".md"),
        "html": ("text/html", ".html"),
    }
