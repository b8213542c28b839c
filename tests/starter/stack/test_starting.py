"""Starting: ports, folders, secrets, failures, parts that run elsewhere, our own programs."""

import json
import os
import socket
import stat
import urllib.request
from collections.abc import Generator, Mapping
from pathlib import Path

import psutil
import pytest

from models.settings import Settings
from starter.stack import secret_files
from starter.stack.errors import PartFailed, SecretExposed, StackError
from starter.stack.launcher import SERVERS, Stack, down, up
from starter.stack.look import status
from starter.stack.parts.postgres import Postgres
from starter.stack.parts.redis import Redis
from tests.stack_fixture import running_stack, stack_settings
from tests.starter.stack.conftest import kill, marked
from tests.starter.stack.parts import PROGRAMS, Dies, IsKilled, NeverServes


def test_nothing_is_left_of_a_stack_that_was_stopped(folder: Path) -> None:
    home = folder / "home"
    with running_stack(home, (Redis(), Postgres())) as stack:
        pids = [*stack.pids.values()]
        helpers = psutil.Process(stack.pids["postgres"]).children()
        assert all(map(psutil.pid_exists, pids)) and helpers
    assert marked(home) == []
    assert not any(helper.is_running() for helper in helpers)
    assert not home.exists()


def test_down_stops_and_keeps_the_data_and_says_what_it_stopped(folder: Path) -> None:
    settings = stack_settings(folder / "home")
    assert down(settings) == []
    assert not settings.home.exists()
    up(settings, parts=(Redis(),), scatter_ports=True)
    try:
        assert down(settings) == ["redis"]
        assert (settings.home / "data" / "redis" / "appendonlydir").is_dir()
        assert down(settings) == []
    finally:
        down(settings)


def test_a_taken_port_is_left_to_its_owner(folder: Path) -> None:
    wanted = Redis().ports(stack_settings(folder))["redis"]
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", wanted))
            other.listen()
        except OSError:
            pass  # somebody else has it, which is just as good
        settings = stack_settings(folder / "home")
        try:
            first = up(settings, parts=(Redis(),))
            port = int(first.environment()["CONCLAVE_REDIS_URL"].rpartition(":")[2].partition("/")[0])
            assert port > wanted
        finally:
            down(settings)


def test_everything_listens_on_the_loopback_only(own_stack: Stack) -> None:
    for part, pid in own_stack.pids.items():
        listeners = [c for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert {c.laddr.ip for c in listeners} <= {"127.0.0.1"}, part
        assert bool(listeners) == (part != "postgres")


def test_others_can_read_nothing(own_stack: Stack) -> None:
    for place, _, files in os.walk(own_stack.home):
        # Passing through is granted to the user of Postgres where the launcher is root; reading is not.
        assert stat.S_IMODE(os.lstat(place).st_mode) & 0o066 == 0, place
        for file in files:
            mode = os.lstat(os.path.join(place, file)).st_mode
            assert stat.S_ISSOCK(mode) or stat.S_IMODE(mode) & 0o077 == 0, file
    assert stat.S_IMODE((own_stack.home / "secrets").stat().st_mode) == 0o700


def test_no_secret_is_in_a_command_line_or_in_a_servers_environment(own_stack: Stack) -> None:
    secrets = [path.read_text() for path in (own_stack.home / "secrets").iterdir()]
    assert len(secrets) >= 4
    for pid in own_stack.pids.values():
        process = psutil.Process(pid)
        shown = "\n".join([*process.cmdline(), *process.environ().values()])
        assert not any(secret in shown for secret in secrets)


@pytest.mark.parametrize("name", [secret_files.API_TOKEN, secret_files.REDIS_PASSWORD, secret_files.OPENBAO_TOKEN])
def test_a_secret_that_others_can_read_is_refused(settings: Settings, name: str) -> None:
    path = settings.home / "secrets" / name
    path.chmod(0o644)
    try:
        with pytest.raises(SecretExposed, match=f"{name} can be read by other users .mode 0644.. Run `chmod 600") as e:
            up(settings, parts=SERVERS, scatter_ports=True)
        assert path.read_text() not in str(e.value)
    finally:
        path.chmod(0o600)
    up(settings, parts=SERVERS, scatter_ports=True)


def test_a_secret_may_not_be_a_link(folder: Path) -> None:
    (folder / "other").write_text("known to somebody")
    (folder / "other").chmod(0o600)
    (folder / "link").symlink_to(folder / "other")
    with pytest.raises(SecretExposed, match="must be a plain file"):
        secret_files.read_or_create(folder / "link")


def test_a_part_that_dies_is_named_with_its_end_and_its_log(folder: Path) -> None:
    home = folder / "home"
    with pytest.raises(PartFailed) as caught, running_stack(home, (Dies(), *PROGRAMS)):
        pass
    assert caught.value.part == "redis"
    message = str(caught.value)
    assert "redis ended with exit code 3 while it was being started" in message
    assert str(home / "logs" / "redis.log") in message
    assert "the disk is on fire" in message
    assert marked(home) == []


def test_a_part_that_is_killed_is_named_with_the_signal(folder: Path) -> None:
    with pytest.raises(PartFailed, match="redis was killed by signal 9"), running_stack(folder / "h", (IsKilled(),)):
        pass


def test_a_part_that_never_serves_is_given_up_and_stopped(folder: Path) -> None:
    with pytest.raises(PartFailed, match="redis runs but is not in service"):
        up(stack_settings(folder / "home"), parts=(NeverServes(),), scatter_ports=True)
    assert marked(folder / "home") == []


def test_a_part_that_the_settings_name_elsewhere_is_not_started(folder: Path) -> None:
    settings = stack_settings(
        folder / "home",
        redis_url="redis://:hidden@redis.example:6379/0",
        TEMPORAL_ADDRESS="temporal.example:7233",
        database_url="postgresql://user:hidden@db.example/conclave?sslmode=require",
        vault_address="https://vault.example",
    )
    stack = up(settings, parts=SERVERS, scatter_ports=True)
    assert stack.pids == {} and stack.seconds == {}
    environment = stack.environment()
    assert environment["CONCLAVE_REDIS_URL"] == "redis://:hidden@redis.example:6379/0"
    assert environment["TEMPORAL_ADDRESS"] == "temporal.example:7233"
    shown = {part.name: (part.state, part.address) for part in status(settings, parts=SERVERS)}
    assert shown == {
        "temporal": ("outside", "temporal.example:7233"),
        "postgres": ("outside", "db.example/conclave"),
        "redis": ("outside", "redis.example:6379/0"),
        "openbao": ("outside", "https://vault.example"),
    }


def test_a_home_that_cannot_be_made_is_named(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(StackError, match="CONCLAVE_HOME cannot be used"):
        up(stack_settings(folder / "file" / "home"), parts=())


def test_a_deep_home_gets_a_short_socket_that_goes_away(folder: Path) -> None:
    settings = stack_settings(folder / ("d" * 60) / ("e" * 60))
    try:
        stack = up(settings, parts=(Postgres(),), scatter_ports=True)
        sockets = Path(stack.environment()["CONCLAVE_DATABASE_URL"].partition("host=")[2])
        assert len(str(sockets)) < 60
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert up(settings, parts=(Postgres(),), scatter_ports=True).pids == stack.pids
    finally:
        down(settings)
    assert not sockets.exists()


@pytest.fixture
def stopped_afterwards(settings: Settings) -> Generator[Settings]:
    yield settings
    down(settings)


def test_our_programs_start_last_with_everything_they_need(stopped_afterwards: Settings) -> None:
    settings = stopped_afterwards
    order: list[str] = []

    def migrate(environment: Mapping[str, str]) -> None:
        order.append(environment["CONCLAVE_DATABASE_URL"])

    parts = (*SERVERS, *PROGRAMS)
    stack = up(settings, parts=parts, migrate=migrate, scatter_ports=True)
    assert order == [stack.environment()["CONCLAVE_DATABASE_URL"]]
    assert stack.api_url is not None
    with urllib.request.urlopen(f"{stack.api_url}/readyz") as answer:
        seen = json.loads(answer.read())
    expected = stack.environment()
    assert {name: seen.get(name) for name in expected} == expected
    assert set(expected) >= {
        *("CONCLAVE_HOME", "CONCLAVE_DATABASE_URL", "CONCLAVE_REDIS_URL", "TEMPORAL_ADDRESS"),
        *("CONCLAVE_VAULT_ADDRESS", "CONCLAVE_VAULT_TOKEN", "CONCLAVE_TEMPORAL_UI_URL"),
        *("CONCLAVE_API_HOST", "CONCLAVE_API_PORT", "CONCLAVE_API_TOKEN", "CONCLAVE_CODEC_TOKEN"),
    }
    assert {part.state for part in status(settings)} == {"running"}
    kill(stack.pids["worker"])
    assert {part.name: part.state for part in status(settings)}["worker"] == "stopped"
    again = up(settings, parts=parts, scatter_ports=True)
    assert set(again.seconds) == {"worker"}


def test_other_settings_restart_our_programs_unless_told_not_to(stopped_afterwards: Settings) -> None:
    settings, parts = stopped_afterwards, (*SERVERS, *PROGRAMS)
    before = up(settings, parts=parts, scatter_ports=True)
    stricter = stack_settings(settings.home, isolation="required")
    assert up(stricter, parts=parts, scatter_ports=True, refresh=False).pids == before.pids
    after = up(stricter, parts=parts, scatter_ports=True)
    assert set(after.seconds) == {"api", "worker"}
    assert {name: after.pids[name] for name in after.pids if name not in ("api", "worker")} == {
        name: before.pids[name] for name in before.pids if name not in ("api", "worker")
    }
