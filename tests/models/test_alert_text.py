"""What people read when something needs them."""

import pytest

from models.alert import Alert, AlertType
from models.alert_text import is_good_news, is_urgent, text_of


def alert(kind: AlertType, threshold: int = 0, subject: str = "ann", period: str = "2026-11-26") -> Alert:
    return Alert(
        id="a" * 32,
        alert_type=kind,
        subject=subject,
        period=period,
        threshold_percentage=threshold,
        triggered_at="2026-11-26T10:00:00+00:00",
    )


def test_a_quota_alert_says_how_much_is_used_of_what_by_whom_and_when() -> None:
    """LiteLLM PR 39102: "15% Threshold Crossed" meant that 15 % were left."""
    said = text_of(alert(AlertType.DAILY_COST, 80))
    assert said.title == "Conclave: 80 % of the daily spending limit of ann used"
    assert "80 % of the daily spending limit of ann is used in 2026-11-26 (UTC)." in said.body


@pytest.mark.parametrize("kind", list(AlertType))
def test_every_alert_tells_its_subject_and_its_id(kind: AlertType) -> None:
    said = text_of(alert(kind, 90, subject="b" * 32), "gpt-9")
    assert "gpt-9" in said.title and "b" * 32 in said.body and "a" * 32 in said.body


def test_a_subject_cannot_forge_lines() -> None:
    said = text_of(alert(AlertType.DAILY_COST, 80, subject="ann\r\nSubject: you have won\x1b[2J\u202e"))
    assert "\n" not in said.title and "\u202e" not in said.title and "\x1b" not in said.body
    assert len(said.body.splitlines()) == 3


def test_what_has_stopped_is_urgent_and_what_works_again_is_not() -> None:
    assert is_urgent(alert(AlertType.PROVIDER_UNHEALTHY)) and is_urgent(alert(AlertType.MONTHLY_COST, 100))
    assert not is_urgent(alert(AlertType.MONTHLY_COST, 90))
    assert is_good_news(alert(AlertType.PROVIDER_RECOVERED)) and not is_urgent(alert(AlertType.PROVIDER_RECOVERED))
