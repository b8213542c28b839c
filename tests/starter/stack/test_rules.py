"""Small rules of the launcher: ports, settings handed on, passage to a folder."""

import os
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.settings import Settings
from starter.stack import ports, system_user
from starter.stack.settings_environment import settings_environment

NAMES = st.sampled_from(["a", "b", "c", "d"])
PORTS = st.integers(min_value=20_000, max_value=20_400)


@given(
    wanted=st.dictionaries(NAMES, PORTS, min_size=1),
    remembered=st.dictionaries(NAMES, PORTS),
    held=st.sets(NAMES),
    scatter=st.booleans(),
)
def test_ports_are_distinct_and_a_running_part_keeps_its_own(
    wanted: dict[str, int], remembered: dict[str, int], held: set[str], scatter: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ports, "is_free", lambda port: port % 3 != 0)
        patch.setattr(ports, "RELEASE_SECONDS", 0.0)
        chosen = ports.assign(wanted, remembered, held, scatter)
    assert set(chosen) == set(wanted)
    kept = {name for name in wanted if name in held and name in remembered}
    assert {name: chosen[name] for name in kept} == {name: remembered[name] for name in kept}
    fresh = [port for name, port in chosen.items() if name not in kept]
    assert len(set(fresh)) == len(fresh)
    assert not set(fresh) & {chosen[name] for name in kept}
    assert all(port % 3 != 0 for port in fresh)


def test_a_listening_port_is_not_free_and_a_just_closed_one_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(port)
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            client.recv(1)
    assert ports.is_free(port)


@pytest.mark.parametrize(
    "given_settings",
    [
        {},
        {"isolation": "required", "max_files": 7, "analyser_parallelism": 2},
        {"redis_url": "redis://:hidden@h/0", "api_token": "hidden"},
        {"TEMPORAL_ADDRESS": "cloud.example:7233", "TEMPORAL_API_KEY": "hidden", "TEMPORAL_TLS": True},
        {"identities": [{"name": "eve", "token_sha256": "0" * 64, "roles": ["approver"]}], "alert_urls": ["json://h"]},
        {"home": "/somewhere", "allowed_hosts": ["a.example", "b.example"], "migrate": True},
    ],
)
def test_settings_handed_on_are_read_as_they_were_given(
    given_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in os.environ:
        if name.startswith(("CONCLAVE_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    first = Settings.model_validate(given_settings)
    for name, text in settings_environment(first).items():
        monkeypatch.setenv(name, text)
    again = Settings()
    assert again.model_copy(update={"home": first.home}) == first
    assert again.model_fields_set == first.model_fields_set


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as another user")
@pytest.mark.parametrize("access_lists", [True, False])
def test_the_user_of_postgres_may_pass_through_but_not_look(
    folder: Path, monkeypatch: pytest.MonkeyPatch, access_lists: bool
) -> None:
    user = system_user.for_postgres()
    assert user is not None
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "data").write_text("known by name")
    (closed / "secret").write_text("hidden")
    (closed / "secret").chmod(0o600)

    def reads(*command: str) -> bool:
        return subprocess.run(command, user=user.uid, group=user.gid, capture_output=True, check=False).returncode == 0

    assert not reads("cat", str(closed / "data"))
    if not access_lists:
        monkeypatch.setattr(os, "setxattr", _unsupported)
    system_user.open_way(closed / "data", user)
    assert reads("cat", str(closed / "data"))
    assert not reads("ls", str(closed))
    assert not reads("cat", str(closed / "secret"))
    others = stat.S_IMODE(closed.stat().st_mode) & 0o007
    assert others == (0 if access_lists else 1)


def _unsupported(*_: object) -> None:
    raise OSError(95, "Operation not supported")
