"""The compose file of a team: whole, closed to the network, and in step with the launcher."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.ids import Queue
from models.settings import Settings
from starter.stack.parts.openbao import policy
from starter.stack.parts.programs import Api
from starter.stack.parts.temporal import dynamic_config, search_attributes
from starter.stack.settings_environment import settings_environment

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "temporal-dev"
SERVER = ROOT / "starter" / "stack" / "server"

WORKERS = tuple(f"worker-{queue}" for queue in Queue)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


def mounts(service: dict[str, Any]) -> list[str]:
    return [entry.split(":")[0] for entry in service.get("volumes", [])]


def test_every_part_is_there(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) >= {
        *("temporal", "temporal-ui", "postgres", "redis", "openbao", "opa", "prometheus", "grafana", "api", "migrate")
    }
    for service in compose["services"].values():
        for needed in service.get("depends_on", []):
            assert needed in compose["services"]


def test_ports_are_published_on_the_loopback_only(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len(published) >= 9
    for port in published:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port
    assert not any(service.get("network_mode") == "host" for service in compose["services"].values())


def test_every_mounted_file_and_every_volume_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for source in mounts(service):
            if source.startswith("."):
                assert (FOLDER / source).resolve().exists(), f"{name}: {source}"
            else:
                assert source in compose["volumes"], f"{name}: {source}"


def test_every_variable_has_a_line_in_the_example_and_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", yaml.safe_dump(compose)))
    lines = [line for line in (FOLDER / ".env.example").read_text().splitlines() if line and line[0] != "#"]
    assert asked == {line.partition("=")[0] for line in lines}
    assert all(line.endswith("=") for line in lines)
    assert not re.findall(r"\$\{[A-Z_]+:?-[^}]+\}", yaml.safe_dump(compose))


def test_temporal_uses_the_launchers_search_attributes_and_options(compose: dict[str, Any]) -> None:
    used = {
        (FOLDER / m).resolve() for name in ("temporal", "temporal-setup") for m in mounts(compose["services"][name])
    }
    assert used >= {SERVER / "search-attributes.json", SERVER / "dynamic-config.json"}
    # The script reads the file with sed: what it sees must be what the launcher sees.
    script = (FOLDER / "temporal-setup.sh").read_text()
    expression = next(line for line in script.splitlines() if "sed -n" in line).split("'")[1]
    seen = subprocess.check_output(["sed", "-n", expression, str(SERVER / "search-attributes.json")], text=True)
    assert dict(line.split() for line in seen.splitlines()) == search_attributes()
    assert set(search_attributes()) == {"ConclaveStatus", "ConclaveMode", "ConclaveLanguage", "ConclaveTier"}


def test_server_options_have_the_servers_own_shape() -> None:
    raw = yaml.safe_load((SERVER / "dynamic-config.json").read_text())
    assert raw == json.loads((SERVER / "dynamic-config.json").read_text())
    for values in raw.values():
        assert [set(value) for value in values] == [{"value", "constraints"}]
    assert set(dynamic_config()) == set(raw)


def test_the_application_has_the_rights_that_the_launcher_grants() -> None:
    lines = (FOLDER / "conclave-policy.hcl").read_text().splitlines()
    defaults = Settings.model_fields
    names = ("vault_transit_mount", "vault_payload_key", "vault_provider_key")
    granted = policy(*(defaults[name].default for name in names), signing=defaults["vault_audit_key"].default)
    assert [line for line in lines if not line.startswith("#")] == granted.splitlines()


def test_api_and_worker_are_given_settings_that_exist(compose: dict[str, Any]) -> None:
    known = set(settings_environment(Settings.model_construct(**dict.fromkeys(Settings.model_fields, "x"))))
    for name in ("api", *WORKERS):
        environment = compose["services"][name]["environment"]
        assert set(environment) <= known
        assert {"TEMPORAL_ADDRESS", "CONCLAVE_DATABASE_URL", "CONCLAVE_VAULT_TOKEN"} <= set(environment)
    port = Api().ports(Settings.model_construct(api_port=Settings.model_fields["api_port"].default))["api"]
    assert compose["services"]["api"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_the_image_is_built_from_files_that_exist() -> None:
    lines = (FOLDER / "Dockerfile").read_text().splitlines()
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    ]
    assert {"pyproject.toml", "uv.lock", "starter", "worker.py"} <= set(copied)
    assert all((ROOT / word).exists() for word in copied)
    assert any(line.startswith("USER ") for line in lines)


@pytest.mark.parametrize("name", ["prometheus.yaml", "grafana-datasource.yaml"])
def test_metrics_point_at_services_that_exist(compose: dict[str, Any], name: str) -> None:
    text = (FOLDER / name).read_text()
    assert yaml.safe_load(text)
    targets = re.findall(r"(?:\"|http://)([a-z]+):\d+", text)
    assert targets and set(targets) <= {*compose["services"], "localhost"}


def test_only_migrations_know_the_owner_of_the_tables(compose: dict[str, Any]) -> None:
    told = {name for name, each in compose["services"].items() if "OWNER" in json.dumps(each.get("environment"))}
    assert told == {"postgres", "migrate"}
    script = (FOLDER / "postgres-init.sh").read_text()
    assert "CREATE DATABASE conclave OWNER conclave;" in script and "CREATE ROLE conclave_app LOGIN" in script


@pytest.mark.parametrize("script", ["temporal-setup.sh", "postgres-init.sh"])
def test_scripts_are_valid_shell(script: str) -> None:
    subprocess.run(["sh", "-n", str(FOLDER / script)], check=True)


def test_every_queue_has_workers_that_are_asked_how_they_are(compose: dict[str, Any]) -> None:
    for queue, name in zip(Queue, WORKERS, strict=True):
        service = compose["services"][name]
        assert service["command"] == ["conclave", "worker", "--queue", queue.value]
        assert service["healthcheck"]["test"] == ["CMD", "conclave", "worker", "--check", "ready"]
        grace = int(service["environment"]["CONCLAVE_WORKER_GRACE_SECONDS"])
        assert int(service["stop_grace_period"].removesuffix("s")) >= grace + 20
        # By this name Prometheus finds all of them.
        assert service["networks"]["default"]["aliases"] == ["worker"]
    for name in ("api", *WORKERS):
        limits = compose["services"][name]["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory"}
