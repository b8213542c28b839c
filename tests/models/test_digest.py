"""A report in few words."""

import pytest

from models.digest import (
    LANGUAGES,
    REASONS,
    counted,
    experts_of,
    gaps,
    headline,
    ledger,
    models_used,
    not_shown,
    place_of,
    title,
    usd,
    why,
    words,
)
from models.expert import CoverageReason, ExpertName, Severity
from models.opinion import Rejection
from models.source import Language, SkipReason
from tests.activities.reports.samples import clean_report, finding, report, sighting


def test_every_reason_and_language_has_words() -> None:
    assert {*CoverageReason, *SkipReason, *Rejection, "last_resort"} == set(REASONS)
    assert set(Language) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sql-injection", "SQL injection"),
        ("xss", "XSS"),
        ("n-plus-one_query", "N plus one query"),
        ("www.evil.example", "Www evil example"),
    ],
)
def test_kinds_become_headings(kind: str, expected: str) -> None:
    assert title(kind) == expected


def test_slugs_and_counts_become_words() -> None:
    assert why("parse_error") == "could not be parsed"
    assert why("model_not_routed") == words("model-not.routed") == "model not routed"
    assert [counted(n, "file") for n in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]


def test_the_headline_counts_shown_and_suppressed_the_worst_first() -> None:
    assert (
        headline(report(totals={Severity.LOW: 1000, Severity.HIGH: 0, Severity.CRITICAL: 2})) == "2 critical, 1,000 low"
    )
    assert headline(clean_report()) == "no findings"


def test_what_is_not_listed_is_told() -> None:
    assert not_shown(clean_report()) == ()
    assert not_shown(report(outside_change=1)) == (
        "10 findings beyond the first 4",
        "1 finding on lines the change does not touch",
        "3 findings dropped (1 outvoted, 2 quote not found)",
    )


def test_places_and_experts() -> None:
    assert place_of(finding(line_end=41)) == "shop/db.py:41"
    assert place_of(finding()) == "shop/db.py:41-42"
    seen = (sighting(ExpertName.META), sighting(ExpertName.SECURITY), sighting(ExpertName.SECURITY))
    assert experts_of(finding(sightings=seen)) == (ExpertName.SECURITY, ExpertName.META)


def test_gaps_are_grouped_by_reason_and_who_missed_them() -> None:
    found = {(gap.reason, gap.experts, gap.tools): gap.paths for gap in gaps(report())}
    assert found == {
        ("binary", (), ()): ("assets/logo 100%.png",),
        ("file_too_large", (), ()): ("shop/bundle.min.js",),
        ("parse_error", (ExpertName.SECURITY,), ("bandit",)): ("shop/legacy.py",),
        ("timeout", (ExpertName.PERFORMANCE,), ()): (
            "shop/app.py",
            "shop/db.py",
            "shop/legacy.py",
            "tests/test_shop.py",
        ),
    }
    assert gaps(clean_report()) == ()


def test_the_ledger_counts_every_file_once_per_expert() -> None:
    reviewed = report()
    rows = {row.expert: row for row in ledger(reviewed)}
    assert list(rows) == [expert for expert in ExpertName if expert is not ExpertName.DOCUMENTATION]
    assert (rows[ExpertName.SECURITY].analysed, rows[ExpertName.SECURITY].partly) == (2, 1)
    assert rows[ExpertName.PERFORMANCE].failed == {"timeout": 4}
    assert rows[ExpertName.TEST].skipped == {"no_input": 4}
    counts = [row.analysed + row.partly + sum(row.failed.values()) + sum(row.skipped.values()) for row in rows.values()]
    assert sum(counts) == len(reviewed.coverage)


@pytest.mark.parametrize(
    ("micro", "expected"),
    [(0, "$0.00"), (500_000, "$0.50"), (1_234, "$0.001234"), (12_300_000, "$12.30"), (1_234_567_890, "$1,234.56789")],
)
def test_money_is_exact(micro: int, expected: str) -> None:
    assert usd(micro) == expected


def test_models_are_named_with_what_they_cost_and_did_not_see() -> None:
    plain = clean_report()
    assert models_used(plain) is None
    experts = tuple(
        each.model_copy(update={"provider": "gpt", "unseen": ("a.py",)})
        for each in plain.experts
        if each.expert != "meta"
    )
    told = models_used(plain.model_copy(update={"experts": experts, "cost_micro_usd": 12_000}))
    assert told == "gpt (security); $0.012; 1 file did not fit whole"
