"""Messages really leave, to the configured addresses and nowhere else, and nothing tells what those are."""

import logging
import socket

import pytest
from pydantic import SecretStr

from activities.alert_ports import NotSent
from activities.delivery.apprise import AlertUrlInvalid, AppriseNotifier
from models.alert_text import AlertText
from tests.activities.delivery.webhook import Webhook

MESSAGE = AlertText("Conclave: 80 % used", "80 % of the daily spending limit of <b>ann</b> is used.\nAlert: 1")


async def send(notifier: AppriseNotifier, urgent: bool = True, good_news: bool = False) -> None:
    for target in notifier.targets:
        await notifier.send(target, MESSAGE, urgent=urgent, good_news=good_news)


async def test_a_message_arrives_once_as_it_was_written() -> None:
    async with Webhook() as hook:
        await send(AppriseNotifier([SecretStr(hook.url)]))
    assert len(hook.taken) == 1
    body = hook.taken[0]
    assert (body["title"], body["message"], body["type"]) == (MESSAGE.title, MESSAGE.body, "failure")


@pytest.mark.parametrize(
    ("urgent", "good_news", "kind"), [(True, False, "failure"), (False, False, "warning"), (False, True, "success")]
)
async def test_people_see_how_bad_it_is(urgent: bool, good_news: bool, kind: str) -> None:
    async with Webhook() as hook:
        await send(AppriseNotifier([SecretStr(hook.url)]), urgent, good_news)
    assert hook.taken[0]["type"] == kind


async def test_a_target_that_fails_is_told_once_and_nothing_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Webhook() as hook:
        hook.statuses = [500]
        with pytest.raises(NotSent) as caught:
            await send(AppriseNotifier([SecretStr(hook.url)]))
        assert len(hook.taken) == 1, "trying again is the outbox's"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotSent):
        await send(AppriseNotifier([SecretStr(f"json://user:s3cret-canary@127.0.0.1:{port}")]))
    assert "s3cret" not in caplog.text + repr(caught.value) and "apprise" not in {each.name for each in caplog.records}


async def test_a_target_that_sends_us_elsewhere_is_not_followed() -> None:
    async with Webhook() as hook, Webhook() as elsewhere:
        hook.statuses, hook.location = [307], elsewhere.url.replace("json://user:s3cret-canary@", "http://")
        with pytest.raises(NotSent):
            await send(AppriseNotifier([SecretStr(hook.url)]))
    assert elsewhere.taken == []


@pytest.mark.parametrize(
    "url", ["", "nonsense://s3cret", "mailto://", "slack://s3cret", "file:///etc/passwd", "s3cret"]
)
def test_an_address_that_is_none_stops_the_start_and_is_not_told(url: str) -> None:
    """litellm-docs 1099: a documented e-mail setting silently did nothing."""
    with pytest.raises(AlertUrlInvalid) as caught:
        AppriseNotifier([SecretStr("json://127.0.0.1"), SecretStr(url)])
    assert caught.value.position == 2
    assert str(caught.value) == "config_invalid: CONCLAVE_ALERT_URLS, address 2: not an Apprise URL"


def test_the_forms_that_are_promised_are_known() -> None:
    urls = (
        "mailtos://user:password@example.org?to=oncall@example.org",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
        "pagerduty://A1BRTD4JD@TIiajkdnlazkcOXrIdevi7F",
        "jsons://example.org/hook",
    )
    targets = AppriseNotifier([SecretStr(url) for url in urls]).targets
    assert len(set(targets)) == 4 and all(len(each) == 16 for each in targets)
    assert targets == AppriseNotifier([SecretStr(f" {url} ") for url in urls]).targets, "the same after a restart"
