"""`conclave key rewrap`: what it says and how it ends, whatever the service tells it."""

from collections.abc import Callable
from typing import Any

import pytest

from models.errors import InvalidInput
from models.key_rotation import Ring, RingReport, RotationReport, RotationRequest, RotationStatus, RotationView
from starter.commands import rewrap


class Service:
    """Tells one view after another, the last one for ever."""

    def __init__(self, *views: RotationView) -> None:
        self._views = list(views)
        self.looks = 0

    def start_rotation(self, request: RotationRequest) -> RotationView:
        return self.rotation()

    def rotation(self) -> RotationView:
        self.looks += 1
        return self._views.pop(0) if len(self._views) > 1 else self._views[0]


def view(*rings: RingReport, status: RotationStatus = RotationStatus.DONE, **more: Any) -> RotationView:
    report = RotationReport(rings=rings) if status is RotationStatus.DONE else None
    values = {"workflow_id": "key-rotation-x", "status": status, "started_at": "2026-11-26T00:00:00+00:00"}
    return RotationView.model_validate(values | {"report": report} | more)


def ring(**values: Any) -> RingReport:
    return RingReport.model_validate({"ring": Ring.PROVIDER_KEYS, "mark": "vault:v2:"} | values)


RUNNING = view(status=RotationStatus.RUNNING)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def started(service: Service, *, rotate: bool = False, retire: bool = False) -> int:
        monkeypatch.setattr(rewrap, "ask", lambda _name, work: work(service))
        monkeypatch.setattr(rewrap.time, "sleep", lambda _seconds: None)
        return rewrap.rewrap_keys(rotate, retire, as_json=False)

    return started


Run = Callable[..., int]


def test_it_waits_until_all_is_done(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    service = Service(RUNNING, RUNNING, RUNNING, view(ring(rewrapped=1234)))
    assert run(service) == 0
    out, errors = capsys.readouterr()
    assert "1,234" in out
    assert "vault:v2" in out
    assert errors == ""


def test_it_waits_no_longer_than_it_may_and_says_how_to_follow(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrap, "WAIT_SECONDS", 0.0)
    assert run(Service(RUNNING.model_copy(update={"workflow_url": "http://127.0.0.1/ui/w"}))) == 3
    assert "http://127.0.0.1/ui/w" in capsys.readouterr().err


def test_a_run_that_retires_is_waited_for_longer(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrap, "WAIT_SECONDS", 0.0)
    running = view(status=RotationStatus.RUNNING, retire=True)
    assert run(Service(running, running, view(ring(retired=True), retire=True)), retire=True) == 0
    out, errors = capsys.readouterr()
    assert "retired" in out
    assert errors == ""


@pytest.mark.parametrize("wish", ["rotate", "retire"])
def test_wishes_that_took_an_operators_token_are_spoken_of(
    run: Run, capsys: pytest.CaptureFixture[str], wish: str
) -> None:
    assert run(Service(view(ring(), **{wish: True})), **{wish: True}) == 0
    assert "CONCLAVE_VAULT_OPERATOR_TOKEN" in capsys.readouterr().err
    run(Service(view(ring(rotated=True, retired=True), **{wish: True})), **{wish: True})
    assert capsys.readouterr().err == ""


def test_a_run_that_was_under_way_without_the_wishes_is_told_apart(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run(Service(view(ring())), rotate=True)
    errors = capsys.readouterr().err
    assert "Another rotation was under way" in errors
    assert "CONCLAVE_VAULT_OPERATOR_TOKEN" not in errors


def test_keys_that_are_behind_end_it_with_three(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Service(view(ring(behind=3, refused=2)))) == 3
    out, errors = capsys.readouterr()
    assert "Behind" in out
    assert "3 of provider-keys" in errors
    assert "2 of them" in errors


def test_a_failure_is_an_error_with_its_code(run: Run) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(Service(view(status=RotationStatus.FAILED, failure="kek_refused")))
    assert caught.value.problem.code == "kek_refused"
    assert "key-rotation-x" in caught.value.problem.message
