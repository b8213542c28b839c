"""The manifests for Kubernetes: whole, closed, and in step with the settings and the queues."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.ids import Queue, queue_name
from models.settings import Settings
from starter.read_settings import unknown_variables
from starter.stack.settings_environment import settings_environment

FOLDER = Path(__file__).parents[3] / "temporal-dev" / "kubernetes"
BASE = FOLDER / "base"
OVERLAYS = ["local", "production", "temporal-cloud"]
KUBECTL = shutil.which("kubectl")


class Strict(yaml.SafeLoader):
    """Refuses a key that comes twice: kubectl would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        plain = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(plain) == len(set(plain)), f"a key comes twice: {plain}"
        return super().construct_mapping(node, deep)


def read(path: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.load_all(path.read_text(encoding="utf-8"), Strict) if each]


@pytest.fixture(scope="module")
def things() -> list[dict[str, Any]]:
    named = read(BASE / "kustomization.yaml")[0]["resources"]
    assert {path.name for path in BASE.glob("*.yaml")} == {*named, "kustomization.yaml"}
    return [each for name in named for each in read(BASE / name)]


def of_kind(things: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in things if each["kind"] == kind}


def pods(things: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod of every Deployment and Job."""
    return {
        each["metadata"]["name"]: each["spec"]["template"] for each in things if each["kind"] in ("Deployment", "Job")
    }


def known_variables() -> set[str]:
    return set(settings_environment(Settings.model_construct(**dict.fromkeys(Settings.model_fields, "x"))))


def environment(pod: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each for each in pod["spec"]["containers"][0]["env"]}


def base_settings() -> dict[str, str]:
    lines = (BASE / "settings.env").read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and line[0] != "#"]
    return {name: value for name, _, value in pairs}


def selects(selector: dict[str, Any], pod: dict[str, Any]) -> bool:
    return selector.get("matchLabels", {}).items() <= pod["metadata"]["labels"].items()


def test_there_is_an_api_a_migration_and_workers_for_every_queue(things: list[dict[str, Any]]) -> None:
    assert set(pods(things)) == {"conclave-api", "conclave-migrate", *(f"conclave-worker-{queue}" for queue in Queue)}
    for queue in Queue:
        container = pods(things)[f"conclave-worker-{queue}"]["spec"]["containers"][0]
        assert container["args"] == ["conclave", "worker", "--queue", queue.value]


def test_nothing_runs_as_root_or_writes_beside_its_volumes_or_without_limits(things: list[dict[str, Any]]) -> None:
    for name, pod in pods(things).items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] >= 10_000, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        (container,) = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory"}, name
        mounted = {each["name"] for each in container["volumeMounts"]}
        assert mounted == {each["name"] for each in spec["volumes"]} and "tmp" in mounted, name


def test_every_process_that_stays_has_probes(things: list[dict[str, Any]]) -> None:
    for name in of_kind(things, "Deployment"):
        container = pods(things)[name]["spec"]["containers"][0]
        live, ready = container["livenessProbe"], container["readinessProbe"]
        if name == "conclave-api":
            # Liveness asks no other part: what is down elsewhere does not come back by starting the API anew.
            assert (live["httpGet"]["path"], ready["httpGet"]["path"]) == ("/healthz", "/readyz")
        else:
            assert live["exec"]["command"][-2:] == ["--check", "live"]
            assert ready["exec"]["command"][-2:] == ["--check", "ready"]
        assert container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] >= 60


def test_a_worker_is_given_longer_to_end_than_it_takes(things: list[dict[str, Any]]) -> None:
    usual = base_settings()["CONCLAVE_WORKER_GRACE_SECONDS"]
    for queue in Queue:
        pod = pods(things)[f"conclave-worker-{queue}"]
        own = environment(pod).get("CONCLAVE_WORKER_GRACE_SECONDS", {"value": usual})["value"]
        assert pod["spec"]["terminationGracePeriodSeconds"] >= int(own) + 20


def test_every_variable_is_a_setting_and_every_secret_a_reference(things: list[dict[str, Any]]) -> None:
    given = set(base_settings())
    for name, pod in pods(things).items():
        for variable, entry in environment(pod).items():
            given.add(variable)
            secret = re.search(r"TOKEN|KEY|_URL$", variable) is not None
            assert (set(entry) == {"name", "valueFrom"}) is secret, (name, variable)
            if secret:
                assert set(entry["valueFrom"]) == {"secretKeyRef"}, (name, variable)
    assert given <= known_variables()
    assert not of_kind(things, "Secret")
    assert not [name for name in base_settings() if re.search(r"TOKEN|_KEY$|DATABASE|REDIS", name)]
    # The owner of the tables is told to the migration alone.
    told = {name for name, pod in pods(things).items() if "CONCLAVE_DATABASE_OWNER_URL" in environment(pod)}
    assert told == {"conclave-migrate"}


def test_the_settings_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in base_settings().items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.allowed_hosts == ("conclave-api", "127.0.0.1")
    assert unknown_variables(set(base_settings())) == []


def test_selectors_match_what_they_are_for(things: list[dict[str, Any]]) -> None:
    deployments = of_kind(things, "Deployment")
    for name, each in deployments.items():
        assert selects(each["spec"]["selector"], each["spec"]["template"]), name
    templates = pods(things)
    service = of_kind(things, "Service")["conclave-api"]["spec"]
    chosen = [name for name, pod in templates.items() if selects({"matchLabels": service["selector"]}, pod)]
    assert chosen == ["conclave-api"]
    ports = {port["name"] for port in templates["conclave-api"]["spec"]["containers"][0]["ports"]}
    assert {each["targetPort"] for each in service["ports"]} <= ports
    for policy in of_kind(things, "NetworkPolicy").values():
        assert any(selects(policy["spec"]["podSelector"], pod) for pod in templates.values()), policy["metadata"]
    for kind in ("HorizontalPodAutoscaler", "ScaledObject"):
        for each in of_kind(things, kind).values():
            assert each["spec"]["scaleTargetRef"]["name"] in deployments
    claims = set(of_kind(things, "PersistentVolumeClaim"))
    for pod in templates.values():
        for volume in pod["spec"]["volumes"]:
            assert volume.get("persistentVolumeClaim", {}).get("claimName", "conclave-audit") in claims


def test_workers_follow_the_backlog_of_their_own_queue(things: list[dict[str, Any]]) -> None:
    scaled = of_kind(things, "ScaledObject")
    prefix = Settings.model_fields["task_queue"].default
    for queue in Queue:
        (trigger,) = scaled[f"conclave-worker-{queue}"]["spec"]["triggers"]
        assert (trigger["type"], trigger["metadata"]["taskQueue"]) == ("temporal", queue_name(prefix, queue))
        assert trigger["metadata"]["endpoint"] == base_settings()["TEMPORAL_ADDRESS"]
    # Nothing starts a workflow's first task but a worker that is there.
    assert scaled["conclave-worker-orchestration"]["spec"]["minReplicaCount"] >= 1


def egress(things: list[dict[str, Any]], pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Every way out of a pod."""
    policies = [p["spec"] for p in of_kind(things, "NetworkPolicy").values() if selects(p["spec"]["podSelector"], pod)]
    assert any(not p["podSelector"] and set(p["policyTypes"]) == {"Ingress", "Egress"} for p in policies)
    return [target for policy in policies for rule in policy.get("egress", []) for target in rule["to"]]


def test_the_internet_is_for_models_and_orchestration_alone(things: list[dict[str, Any]]) -> None:
    out = {name for name, pod in pods(things).items() if any("ipBlock" in each for each in egress(things, pod))}
    assert out == {"conclave-worker-models", "conclave-worker-orchestration"}


def test_only_the_api_and_the_metrics_are_let_in_on(things: list[dict[str, Any]]) -> None:
    policies = [each["spec"] for each in of_kind(things, "NetworkPolicy").values()]
    for name, pod in pods(things).items():
        let_in = [
            port["port"]
            for policy in policies
            if selects(policy["podSelector"], pod)
            for rule in policy.get("ingress", [])
            for port in rule["ports"]
        ]
        assert let_in == ([8300] if name == "conclave-api" else [8310] if "worker" in name else []), name


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.skipif(KUBECTL is None, reason="needs a program: kubectl on the PATH")
def test_overlays_build(overlay: str) -> None:
    command = [str(KUBECTL), "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = list(yaml.load_all(done.stdout, Strict))
    images = {pod["spec"]["containers"][0]["image"] for pod in pods(built).values()}
    assert len(images) == 1 and ":" in images.pop()
    (settings,) = [each["data"] for name, each in of_kind(built, "ConfigMap").items() if "conclave-settings" in name]
    given = set(settings) | {name for pod in pods(built).values() for name in environment(pod)}
    assert given <= known_variables()
    endpoints = {
        each["spec"]["triggers"][0]["metadata"]["endpoint"] for each in of_kind(built, "ScaledObject").values()
    }
    assert endpoints == (set() if overlay == "local" else {settings["TEMPORAL_ADDRESS"]})
    with_key = {name for name, pod in pods(built).items() if "TEMPORAL_API_KEY" in environment(pod)}
    assert with_key == (set(of_kind(built, "Deployment")) if overlay == "temporal-cloud" else set())
