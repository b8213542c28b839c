"""`conclave experiment`: configurations from files and options, what is shown, and how commands end."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from models.errors import InvalidInput
from models.experiment import Evaluation, ExperimentRequest, ExperimentStatus, ExperimentView, Progress
from models.expert import ExpertName
from models.gate import Denial, Outcome
from models.reviewer_config import ReviewerConfig, config_hash
from models.verdict import AiVerdict, Verdict
from starter.client import Unreachable
from starter.commands import experiment as commands
from starter.commands import following
from starter.commands.experiment import Wish
from starter.commands.reviewer_config import config_from
from starter.render.experiment import print_experiment
from starter.render.experiment_progress import ExperimentProgress
from tests.workflows.experiment_rig import decision, metrics

ID = "e" * 32
BASE = ReviewerConfig(experts=(ExpertName.SECURITY,))
"""In production: not what is shipped."""


def view(status: ExperimentStatus = ExperimentStatus.RUNNING, done: int = 0, **changes: Any) -> ExperimentView:
    base: dict[str, Any] = {
        "id": ID,
        "name": "trial",
        "status": status,
        "config": BASE,
        "config_hash": config_hash(BASE),
        "dataset_id": "d" * 32,
        "dataset": "demo v1",
        "progress": Progress(samples=20, done=done),
        "workflow_id": f"experiment-{ID}",
        "created_by": "local",
        "created_at": datetime(2026, 11, 26, tzinfo=UTC),
    }
    return ExperimentView.model_validate(base | changes)


def evaluated(outcome: Outcome = Outcome.INCONCLUSIVE) -> Evaluation:
    denial = Denial(id="too_few_samples", metric="n", observed=20, bound=100, limit="ge", conclusive=False)
    return Evaluation(
        metrics=metrics(20),
        ai=AiVerdict(verdict=Verdict.MANUAL_REVIEW, confidence=0.5, reasons=("Only 20 samples.",), judged_by="rules"),
        decision=decision(outcome).model_copy(update={"denials": (denial,), "further_samples": 80}),
        report_hash="report:v1:sha256:" + "0" * 64,
        evaluated_at=datetime(2026, 11, 26, tzinfo=UTC),
    )


class Service:
    """Tells one view after another, the last for ever; keeps what it is asked for."""

    def __init__(self, *views: ExperimentView | Unreachable) -> None:
        self._views = list(views)
        self.asked: list[str] = []
        self.created: list[ExperimentRequest] = []

    def _next(self) -> ExperimentView:
        found = self._views.pop(0) if len(self._views) > 1 else self._views[0]
        if isinstance(found, Unreachable):
            raise found
        return found

    def experiment(self, experiment_id: str) -> ExperimentView:
        return self._next()

    def start(self, experiment_id: str) -> ExperimentView:
        self.asked.append("start")
        return self._next()

    def cancel(self, experiment_id: str) -> ExperimentView:
        self.asked.append("cancel")
        return self._next()

    pause = resume = cancel

    def create(self, request: ExperimentRequest) -> ExperimentView:
        self.created.append(request)
        return self._next()

    def dataset(self, name: str) -> Any:
        return type("Found", (), {"id": "d" * 32, "name": name})

    def stable_config(self) -> ReviewerConfig:
        return BASE


@pytest.fixture
def using(monkeypatch: pytest.MonkeyPatch) -> Callable[[Service], None]:
    def use(service: Service) -> None:
        monkeypatch.setattr(commands, "ask_experiments", lambda _name, work: work(service) or 0)
        monkeypatch.setattr(following.time, "sleep", lambda _seconds: None)

    return use


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ExperimentStatus.PASSED, 0),
        (ExperimentStatus.QUARANTINED, 1),
        (ExperimentStatus.REJECTED, 1),
        (ExperimentStatus.INCONCLUSIVE, 3),
        (ExperimentStatus.FAILED, 3),
        (ExperimentStatus.CANCELLED, 3),
    ],
)
def test_the_exit_code_tells_how_it_ended(
    using: Callable[[Service], None], status: ExperimentStatus, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(view(), view(done=5), Unreachable("away"), view(status, 20))
    using(service)
    assert commands.run_experiment(ID, Wish(), as_json=True) == code
    printed = capsys.readouterr()
    assert json.loads(printed.out)["status"] == status
    assert "running: 5 of 20 samples" in printed.err
    assert service.asked == [], "one that runs is joined, not started"


def test_a_created_or_failed_one_is_started(using: Callable[[Service], None]) -> None:
    for status in (ExperimentStatus.CREATED, ExperimentStatus.FAILED):
        service = Service(view(status), view(ExperimentStatus.PASSED, 20))
        using(service)
        assert commands.run_experiment(ID, Wish(), as_json=True) == 0
        assert service.asked == ["start"]


def test_options_make_a_new_experiment_of_the_configuration_in_production(using: Callable[[Service], None]) -> None:
    service = Service(view(ExperimentStatus.PASSED, 20))
    using(service)
    wish = Wish(dataset="demo", sets=("models.enabled=false",), split="dev", limit=20, policy="strict")
    assert commands.run_experiment(None, wish, as_json=True) == 0
    (request,) = service.created
    assert request.start and request.limit == 20 and request.name.startswith("demo 20")
    assert (request.config.experts, request.config.models.enabled) == ((ExpertName.SECURITY,), False)
    assert commands.create_experiment(wish, as_json=True) == 0
    assert not service.created[1].start


@pytest.mark.parametrize(
    "wish",
    [Wish(), Wish("demo", split="train"), Wish("demo", policy="lax"), Wish("demo", name="a/b"), Wish("demo", name="")],
    ids=["no dataset", "split", "policy", "name", "empty name"],
)
def test_wrong_options_are_named(using: Callable[[Service], None], wish: Wish) -> None:
    using(Service(view()))
    if wish.name == "":
        assert commands.create_experiment(wish, as_json=True) == 0, "an empty name is none"
        return
    with pytest.raises(InvalidInput) as caught:
        commands.run_experiment(None, wish, as_json=True)
    assert caught.value.problem.code == "invalid_option"
    with pytest.raises(InvalidInput):
        commands.run_experiment(ID, Wish("demo"), as_json=True)


def test_a_configuration_is_shipped_file_or_production_with_changes(tmp_path: Path) -> None:
    assert config_from(None, BASE, ()) == BASE
    changed = config_from(
        None,
        BASE,
        ('experts=["quality", "security"]', "mode=pipeline", "orchestrator.consensus.min_support = 0.5"),
    )
    assert changed.experts == (ExpertName.SECURITY, ExpertName.QUALITY)
    assert changed.mode == "pipeline" and changed.orchestrator.consensus.min_support == 0.5
    toml, plain = tmp_path / "c.toml", tmp_path / "c.json"
    toml.write_text('experts = "all"\n[models]\nenabled = false\n', encoding="utf-8")
    plain.write_text(config_from(toml, BASE, ()).model_dump_json(), encoding="utf-8")
    assert config_from(plain, BASE, ()) == config_from(toml, BASE, ()) != BASE


@pytest.mark.parametrize(
    ("text", "sets", "told"),
    [
        ("{", (), "JSON"),
        ("[1]", (), "object"),
        ('{"experts": "most"}', (), "experts"),
        ('{"secret-name": 1}', (), "secret-name"),
        ("{}", ("models.enabled",), "KEY=VALUE"),
        ("{}", ("=1",), "KEY=VALUE"),
        ("{}", ("a..b=1",), "KEY=VALUE"),
        ("{}", ("mode=fast",), "mode"),
        ("{}", ("mode=pipeline", "mode.x=1"), "no fields"),
        ("{}", ("orchestrator.consensus.min_support=NaN",), "min_support"),
    ],
)
def test_what_is_no_configuration_is_named_with_its_place(
    tmp_path: Path, text: str, sets: tuple[str, ...], told: str
) -> None:
    file = tmp_path / "c.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        config_from(file, BASE, sets)
    assert told in caught.value.problem.message
    with pytest.raises(InvalidInput):
        config_from(tmp_path / "none.json", BASE, ())


def shown(what: ExperimentView) -> str:
    stream = StringIO()
    print_experiment(what, Console(file=stream, width=100))
    return stream.getvalue()


def test_every_number_is_shown_with_what_it_was_counted_over() -> None:
    text = shown(view(ExperimentStatus.INCONCLUSIVE, 20, evaluation=evaluated()))
    for part in ("Accuracy", "False-positive rate", "Latency p99", "95 % interval", "manual_review by rules"):
        assert part in text
    assert "too_few_samples: n is 20, wanted at least 100 (more samples may change it)" in text
    assert "about 80 more samples" in text


def test_one_under_way_shows_how_far_it_is() -> None:
    progress = Progress(samples=20, done=7, errors=2, seconds_left=190)
    text = shown(view(done=7, progress=progress))
    assert "running, 7 of 20 samples done, 2 errors, about 3 min 10 s left" in text
    assert "policy_unavailable" in shown(view(ExperimentStatus.FAILED, 20, failure="policy_unavailable"))


def test_control_characters_of_a_name_do_not_reach_the_terminal() -> None:
    hostile = view().model_copy(update={"name": "a\x1b[2Jb"})
    assert "\x1b" not in shown(hostile)


def test_a_terminal_gets_a_bar_and_a_log_gets_lines() -> None:
    stream = StringIO()
    with ExperimentProgress(Console(file=stream, width=80)) as progress:
        for done in range(21):
            progress.show(view(done=done))
    assert stream.getvalue().count("\n") == 11
    screen = StringIO()
    with ExperimentProgress(Console(file=screen, width=80, force_terminal=True)) as progress:
        progress.show(view(done=7, progress=Progress(samples=20, done=7, seconds_left=42)))
    assert "7/20" in screen.getvalue() and "about 42 s left" in screen.getvalue()
