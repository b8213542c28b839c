"""Providers, keys, limits, use, health and alerts on the command line, as their user runs it: real processes."""

import asyncio
import json
import os
import re
import socket
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from activities.storage.audit import PostgresAudit
from activities.storage.database import Database, engine_for
from models.audit import AuditAction, AuditEvent
from models.call import TokenUsage
from starter.cli import app
from starter.stack.launcher import ALL, Stack
from tests.providers.replies import Reply
from tests.providers.server import ScriptedProvider
from tests.stack_fixture import new_folder, running_stack
from tests.starter.test_model_reviews import CODE, Providers
from tests.starter.test_review_command import CONCLAVE

KEY, NEXT_KEY, BAD_KEY = "sk-canary-first-0001-abcd", "sk-canary-second-0002-wxyz", "sk-canary-typed-0003-argv"
"""No command ever prints one of these; `checked` looks."""
OF_A_CALL = TokenUsage(input=1_000, output=3_500)
COST = 7_000
"""Micro-USD of such a call: $2 per million tokens of output, nothing for input."""
SET_ASIDE = 8_000
"""Micro-USD held for it: the longest answer has 4,000 tokens."""
ONE_LINE = re.compile(r"conclave [a-z ]+: [^\n]+ \[[a-z_]+\]\n\Z")


def checked(code: int, out: str, errors: str, wanted: int) -> str:
    """The output, or what went wrong in one line; a key is in neither."""
    assert code == wanted, out + errors
    for secret in (KEY, NEXT_KEY, BAD_KEY):
        assert secret not in out + errors
    if code == 2:
        assert out == ""
        assert ONE_LINE.match(errors), errors
    return errors if code in (2, 4) else out


@dataclass(frozen=True)
class Desk:
    """A stack, and the command line in front of it."""

    stack: Stack
    providers: Providers

    def environment(self) -> dict[str, str]:
        home = str(self.stack.home)
        return {"PATH": os.environ["PATH"], "HOME": home, "CONCLAVE_HOME": home, "COLUMNS": "200"}

    def run(self, *arguments: str | Path, typed: str | bytes = "", code: int = 0) -> str:
        """What a command prints. The same code as a process runs, in this one: a start takes a second of processor."""
        done = CliRunner().invoke(app, [*map(str, arguments)], input=typed, env=self.environment())
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return checked(done.exit_code, done.stdout, done.stderr, code)

    def process(self, *arguments: str | Path, typed: str | bytes = "", code: int = 0, **extra: str) -> str:
        """What a command prints, as a process of its own."""
        done = subprocess.run(
            [str(CONCLAVE), *map(str, arguments)],
            env=self.environment() | extra,
            input=typed if isinstance(typed, bytes) else typed.encode(),
            capture_output=True,
            timeout=100,
        )
        return checked(done.returncode, done.stdout.decode(), done.stderr.decode(), code)

    def told(self, *arguments: str | Path, typed: str = "") -> Any:
        """What a command prints with `--json`."""
        return json.loads(self.run(*arguments, "--json", typed=typed))

    def server(self, name: str) -> ScriptedProvider:
        return self.providers.servers[name]

    def keys(self) -> dict[str, Any]:
        return {each["id"]: each for each in self.told("key", "list")}


@pytest.fixture(scope="module")
def desk() -> Generator[Desk]:
    """Two providers, added as a user adds them: `open` takes no key, `closed` does."""
    providers = Providers()
    with new_folder() as folder, running_stack(folder / "home", ALL, allow_loopback_providers=True) as stack:
        found = Desk(stack, providers)
        for name, options in (("open", ("--no-key",)), ("closed", ("--key",))):
            server = providers.start(name)
            server.usage = OF_A_CALL
            added = found.told("provider", "add", name, *_added(server), *options)
            assert (added["name"], added["endpoint"], added["is_active"]) == (name, f"{server.url}/v1", True)
        yield found
    providers.stop()


def _added(server: ScriptedProvider) -> tuple[str, ...]:
    sizes = ("--context", "100000", "--longest-answer", "4000", "--timeout", "5")
    prices = ("--price-input", "0", "--price-output", "2")
    return ("--kind", "compatible", "--model", "model-1", "--endpoint", f"{server.url}/v1", *sizes, *prices)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(CODE, encoding="utf-8")
    return tmp_path


def reviewed(desk: Desk, source: Path) -> int:
    """One expert's review by `open`; its cost in micro-USD."""
    options = ("--provider", "open", "--experts", "security")
    return json.loads(desk.run("review", source, "--json", *options, code=1))["cost_micro_usd"]


def test_the_catalogue_is_listed_shown_and_changed(desk: Desk) -> None:
    assert {"open", "closed"} <= {each["name"] for each in desk.told("provider", "list")}
    line = next(line for line in desk.process("provider", "list").splitlines() if "closed" in line)
    assert "model-1" in line
    assert "no key" in line
    assert "0 / 2" in line
    shown = desk.run("provider", "show", "open")
    assert desk.server("open").url in shown
    changed = desk.told("provider", "update", "open", "--tier", "powerful", "--at-once", "3")
    assert (changed["tier"], changed["max_concurrency"], changed["model"]) == ("powerful", 3, "model-1")
    assert desk.told("provider", "show", changed["id"]) == changed


def test_a_provider_is_switched_off_and_on(desk: Desk) -> None:
    desk.told("provider", "add", "brief", *_added(desk.server("open")), "--no-key")
    assert "--active" in desk.run("provider", "disable", "brief")
    assert "brief" not in desk.run("provider", "list")
    assert "brief (off)" in desk.run("provider", "list", "--all")
    assert desk.told("provider", "update", "brief", "--active")["is_active"]
    desk.run("provider", "disable", "brief")


def test_a_provider_is_tested(desk: Desk) -> None:
    assert re.match(r"open answers in [\d,]+ ms\.\n\Z", desk.run("provider", "test", "open"))
    desk.server("open").always("/v1/models", Reply(status=500))
    seen = desk.told("provider", "test", "open")
    assert not seen["good"]
    assert seen["http_status"] == 500
    desk.server("open").reset()
    assert "no_usable_key" in desk.run("provider", "test", "closed", code=2)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("add", "other", "--kind", "novel", "--model", "m"), "--kind"),
        (("add", "other", "--kind", "openai", "--model", "m", "--price-input", "1"), "--price-output"),
        (("add", "other", "--kind", "openai", "--model", "m", "--price-input", "-1", "--price-output", "1"), "price"),
        (("add", "other", "--kind", "openai", "--model", "m", "--price-input", "x", "--price-output", "1"), "price"),
        (("add", "other", "--kind", "openai", "--model", "m", "--price-input", "nan", "--price-output", "1"), "price"),
        (("add", "other", "--kind", "openai", "--model", "m", "--timeout", "0"), "--timeout"),
        (("add", "Other Name", "--kind", "openai", "--model", "m"), "name"),
        (("add", "other", "--kind", "vllm", "--model", "m"), "endpoint"),
        (("add", "other", "--kind", "vllm", "--model", "m", "--endpoint", "http://10.0.0.1/v1"), "endpoint"),
        (
            ("add", "open", "--kind", "vllm", "--model", "m", "--endpoint", "http://127.0.0.1:8999/v1"),
            "provider_exists",
        ),
        (("update", "open"), "nothing_to_change"),
        (("update", "open", "--tier", "best"), "--tier"),
        (("show", "nobody"), "conclave provider list"),
        (("test", "nobody"), "provider_unknown"),
        (("disable", ".."), "provider_unknown"),
    ],
)
def test_providers_that_cannot_be(desk: Desk, arguments: tuple[str, ...], word: str) -> None:
    before = desk.told("provider", "list", "--all")
    assert word in desk.run("provider", *arguments, code=2)
    assert desk.told("provider", "list", "--all") == before


def sent_to(server: ScriptedProvider) -> set[str]:
    return {each.headers.get("authorization", "") for each in server.requests}


def test_a_key_comes_from_standard_input_and_is_never_shown(desk: Desk) -> None:
    desk.process("key", "add", "closed", typed=f"{KEY}\n")
    own = next(each for each in desk.keys().values() if not each["platform"])
    assert (own["provider"], own["last_four"], own["version"], own["state"]) == ("closed", KEY[-4:], 1, "active")
    assert desk.told("provider", "show", "closed")["access"] == "own_key"

    platform = desk.told("key", "add", "closed", "--platform", typed=KEY)
    listed = desk.run("key", "list")
    assert [own["id"] in listed, platform["id"] in listed, "everybody" in listed] == [True] * 3

    assert desk.told("provider", "test", "closed")["good"]
    assert f"Bearer {KEY}" in sent_to(desk.server("closed"))

    rotated = json.loads(desk.process("key", "rotate", own["id"], "--json", typed=f"{NEXT_KEY}\r\n"))
    assert (rotated["id"], rotated["version"], rotated["last_four"]) == (own["id"], 2, NEXT_KEY[-4:])
    assert desk.told("provider", "test", "closed")["good"]
    assert f"Bearer {NEXT_KEY}" in sent_to(desk.server("closed"))

    for each in (own["id"], platform["id"]):
        assert "removed" in desk.run("key", "remove", each)
    assert desk.keys() == {}
    assert "conclave key add" in desk.run("key", "list")
    assert "key_unknown" in desk.run("key", "remove", own["id"], code=2)


@pytest.mark.parametrize(
    ("arguments", "typed", "word"),
    [
        (("add", "closed", BAD_KEY), "", "key_in_argv"),
        (("rotate", "0" * 32, BAD_KEY), "", "key_in_argv"),
        (("add", BAD_KEY), "", "provider_unknown"),
        (("add", "open"), KEY, "no_key_needed"),
        (("add", "closed"), "", "key"),
        (("add", "closed"), "two words", "key"),
        (("add", "closed"), b"\xff\xfe\x00", "key"),
        (("add", "closed"), "k" * 20_000, "key"),
        (("rotate", "0" * 32), KEY, "key_unknown"),
        (("rotate", ".."), KEY, "invalid_id"),
        (("remove", "../providers/" + "0" * 32), "", "invalid_id"),
        (("remove", "a key"), "", "key_unknown"),
        (("remove", ""), "", "invalid_id"),
    ],
)
def test_keys_that_are_refused_are_not_stored(
    desk: Desk, arguments: tuple[str, ...], typed: str | bytes, word: str
) -> None:
    before = desk.keys()
    assert word in desk.run("key", *arguments, typed=typed, code=2)
    assert desk.keys() == before


def test_a_key_on_the_command_line_of_a_process_is_refused_with_the_way_out(desk: Desk) -> None:
    told = desk.process("key", "add", "closed", BAD_KEY, code=2)
    assert "< file" in told
    assert "replace it at the provider" in told


def test_stored_keys_are_wrapped_anew_and_still_open(desk: Desk) -> None:
    key = desk.told("key", "add", "closed", typed=KEY)
    try:
        seen = json.loads(desk.process("key", "rewrap", "--json"))
        assert (seen["status"], seen["failure"], seen["rotate"], seen["retire"]) == ("done", None, False, False)
        rings = {each["ring"]: each for each in seen["report"]["rings"]}
        assert set(rings) == {"provider-keys", "payload-keys"}
        assert {(each["refused"], each["behind"]) for each in rings.values()} == {(0, 0)}
        table = desk.run("key", "rewrap")
        assert [word in table for word in ("provider-keys", "payload-keys", "Refused", "Behind")] == [True] * 4
        assert desk.told("provider", "test", "closed")["good"]
    finally:
        desk.run("key", "remove", key["id"])


def test_without_an_operators_token_no_new_version_is_made_and_it_is_said(desk: Desk) -> None:
    done = CliRunner().invoke(app, ["key", "rewrap", "--rotate"], env=desk.environment())
    assert done.exit_code == 0
    assert "CONCLAVE_VAULT_OPERATOR_TOKEN" in done.stderr
    assert "provider-keys" in done.stdout


def test_limits_are_shown_and_set_one_by_one(desk: Desk) -> None:
    fresh = desk.told("quota", "show")[0]
    defaults = {
        "daily_micro_usd": 10_000_000,
        "monthly_micro_usd": 100_000_000,
        "daily_requests": None,
        "monthly_requests": None,
    }
    assert (fresh["user"], fresh["limits"]) == ("local", defaults)
    assert [word in desk.run("quota", "show") for word in ("local", "$10.00", "$100.00")] == [True] * 3
    set_once = desk.told("quota", "set", "somebody", "--daily", "2.5", "--monthly-calls", "7")
    assert set_once["limits"] == defaults | {"daily_micro_usd": 2_500_000, "monthly_requests": 7}
    again = desk.told("quota", "set", "somebody", "--monthly", "none", "--daily-calls", "3")
    assert again["limits"] == set_once["limits"] | {"monthly_micro_usd": None, "daily_requests": 3}
    assert "somebody" in desk.run("quota", "show")


@pytest.mark.parametrize(
    "arguments",
    [
        ("somebody",),
        ("somebody", "--daily", "-1"),
        ("somebody", "--daily", "much"),
        ("somebody", "--daily", "nan"),
        ("somebody", "--daily", "inf"),
        ("somebody", "--daily", "1e999999"),
        ("somebody", "--daily", "0.0000001"),
        ("somebody", "--monthly-calls", "1.5"),
        ("somebody", "--monthly-calls", "10000000000000"),
        ("some body", "--daily", "1"),
        ("..", "--daily", "1"),
    ],
)
def test_limits_that_are_none(desk: Desk, arguments: tuple[str, ...]) -> None:
    desk.run("quota", "set", *arguments, code=2)


def cost_alerts(desk: Desk) -> list[Any]:
    """A look at the providers' health may come between, with alerts of its own."""
    return [each for each in desk.told("alerts", "list") if each["alert_type"] == "daily_cost"]


def test_use_is_told_and_a_crossed_limit_raises_alerts(desk: Desk, source: Path) -> None:
    assert reviewed(desk, source) == COST
    day = desk.told("usage")
    heading = day["until"]
    for by, name in (("day", heading), ("provider", "open"), ("expert", "security")):
        report = desk.told("usage", "--by", by)
        spent = [(each["heading"], each["requests"], each["spent_micro_usd"]) for each in report["rows"]]
        assert spent == [(name, 1, COST)]
        assert report["total"]["tokens"] == OF_A_CALL.total
    assert [word in desk.run("usage", "--by", "provider") for word in ("open", "$0.007")] == [True] * 2
    assert "No model was asked" in desk.run("usage", "--since", "2020-01-01", "--until", "2020-01-02")

    assert cost_alerts(desk) == []
    limit = COST + SET_ASIDE
    desk.run("quota", "set", "local", "--daily", str(limit / 1_000_000))
    (source / "app.py").write_text(CODE + "\n# another\n", encoding="utf-8")
    assert reviewed(desk, source) == COST
    raised = cost_alerts(desk)
    assert {(each["alert_type"], each["threshold_percentage"]) for each in raised} == {
        ("daily_cost", 80),
        ("daily_cost", 90),
    }
    assert len(desk.told("alerts", "list", "--most", "1")) == 1

    first = raised[0]["id"]
    assert desk.told("alerts", "acknowledge", first)["acknowledged_by"] == "local"
    assert "by local" in desk.run("alerts", "acknowledge", first)
    assert "by local" in desk.run("alerts", "list")
    assert {each["id"]: each["acknowledged"] for each in cost_alerts(desk)} == {
        first: True,
        raised[1]["id"]: False,
    }


def test_the_audit_chain_is_signed_listed_exported_and_verified(desk: Desk, tmp_path: Path) -> None:
    event = AuditEvent(action=AuditAction.DATASET_IMPORTED, actor="anna", subject="demo", data={"samples": 3})

    async def append() -> None:
        engine = engine_for(desk.stack.environment()["CONCLAVE_DATABASE_URL"])
        await PostgresAudit(Database(engine)).append(event)
        await engine.dispose()

    asyncio.run(append())
    [entry] = desk.told("audit", "list", "--action", "dataset_imported", "--subject", "demo")
    assert (entry["actor"], entry["data"]) == ("anna", {"samples": 3})
    assert "samples 3" in desk.run("audit", "list")
    assert "is signed, and with it every entry before" in desk.run("audit", "checkpoint")
    assert desk.run("audit", "checkpoint") == "Every entry is vouched for already.\n"
    verdict = desk.told("audit", "verify")
    assert verdict["intact"] and verdict["checkpoint_seq"] == verdict["total"] and verdict["checkpoint_signature_ok"]
    export, checkpoints = tmp_path / "audit.jsonl", desk.stack.home / "audit" / "checkpoints.jsonl"
    assert desk.told("audit", "export", export) == {"file": str(export), "entries": verdict["total"]}
    key = tmp_path / "key.pem"
    key.write_text(json.loads(checkpoints.read_text().splitlines()[0])["public_key"])
    offline = desk.run("audit", "verify", export, "--checkpoints", checkpoints, "--public-key", key)
    assert f"up to entry {verdict['total']} (signatures verified)" in offline
    assert "[file_unwritable]" in desk.run("audit", "export", tmp_path / "no" / "such.jsonl", code=2)


def test_health_has_every_provider_that_is_switched_on(desk: Desk) -> None:
    overview = desk.told("health")
    on = {each["name"] for each in desk.told("provider", "list")}
    assert {each["name"] for each in overview["providers"]} == on
    assert [word in desk.run("health") for word in ("open", "closed")] == [True] * 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("usage", "--by", "hour"),
        ("usage", "--since", "yesterday"),
        ("usage", "--since", "2026-11-02", "--until", "2026-11-01"),
        ("alerts", "acknowledge", "0" * 32),
        ("alerts", "acknowledge", ".."),
    ],
)
def test_questions_that_have_no_answer(desk: Desk, arguments: tuple[str, ...]) -> None:
    desk.run(*arguments, code=2)


def test_a_service_that_is_not_there_is_told_apart_from_bad_usage(desk: Desk) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = {"CONCLAVE_API_URL": f"http://127.0.0.1:{closed.getsockname()[1]}", "CONCLAVE_API_TOKEN": "t" * 32}
        told = desk.process("key", "list", code=4, **address)
        assert told.count("\n") == 1
        assert "does not answer" in told
        for arguments in (("provider", "list"), ("quota", "show"), ("usage",), ("health",), ("alerts", "list")):
            done = CliRunner().invoke(app, arguments, env=desk.environment() | address)
            assert done.exit_code == 4, arguments
        done = CliRunner().invoke(app, ["key", "add", "closed"], input=KEY, env=desk.environment() | address)
        assert done.exit_code == 4
        assert KEY not in done.output
