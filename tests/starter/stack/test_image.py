"""The image's build, without a container engine: the Dockerfile's own `uv sync`, of the files that it copies.

What comes out is started like the image: the API and a worker of one queue, on the servers of a stack.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from starter.stack import wire
from starter.stack.launcher import Stack
from starter.stack.ports import RANDOM_RANGE, is_free

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "temporal-dev" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def copied() -> list[str]:
    """What the first stage copies."""
    lines = [line for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line]
    return [word for line in lines for word in line.split()[1:-1]]


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied())


def test_the_image_is_nobody_with_a_number_and_says_whether_it_is_well() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9][0-9]{4,}:[1-9][0-9]{4,}$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final and "/healthz" in final
    assert not re.search(r"apt-get|gcc|uv sync|pip install", final)
    assert not re.search(r"TOKEN|PASSWORD|SECRET", DOCKERFILE)


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_what_the_build_installs_serves(stack: Stack, tmp_path: Path) -> None:
    source, venv = tmp_path / "conclave", tmp_path / "venv"
    source.mkdir()
    for name in copied():
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, source / name)
    (command,) = re.findall(r"^RUN (uv sync .*)$", DOCKERFILE, re.MULTILINE)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("CONCLAVE_", "VIRTUAL_ENV"))}
    build = {**plain, "UV_PROJECT_ENVIRONMENT": str(venv), "UV_PYTHON": sys.executable}
    subprocess.run(shlex.split(command), cwd=source, env=build, check=True)
    shutil.rmtree(source)
    # The servers of the local stack, and what builds things, are not in it.
    found = {path.name for path in (venv / "bin").iterdir()}
    assert "conclave" in found and not {"temporal", "bao", "pytest", "pyright", "uv"} & found
    port = next(port for port in RANDOM_RANGE if is_free(port))
    environment = {
        **plain,
        **stack.environment(),
        "CONCLAVE_HOME": str(tmp_path / "home"),
        "CONCLAVE_API_PORT": str(port),
        "CONCLAVE_API_TOKEN": "test-token-0123456789",
        "CONCLAVE_TASK_QUEUE": "image",
    }
    conclave = str(venv / "bin" / "conclave")
    subprocess.run([conclave, "migrate"], cwd=tmp_path, env=environment, check=True)
    worker = [conclave, "worker", "--queue", "models"]
    with (
        subprocess.Popen([conclave, "serve"], cwd=tmp_path, env=environment) as api,
        subprocess.Popen(worker, cwd=tmp_path, env=environment) as working,
    ):
        try:
            end = time.monotonic() + 120
            while not in_service(port):
                assert time.monotonic() < end and api.poll() is None and working.poll() is None
                time.sleep(0.5)
            for probe in ("live", "ready"):
                check = [conclave, "worker", "--check", probe]
                while subprocess.run(check, cwd=tmp_path, env=environment, check=False).returncode != 0:
                    assert time.monotonic() < end
        finally:
            api.terminate()
            working.terminate()
        # The API ends by the signal that it was sent, once it has closed everything; a worker ends by itself.
        assert (api.wait(30) in (0, -signal.SIGTERM), working.wait(30)) == (True, 0)


def in_service(port: int) -> bool:
    """Whether the API has all it needs and sees the worker."""
    try:
        answer = wire.call(f"127.0.0.1:{port}", "/readyz", timeout=5.0)
    except OSError:
        return False
    return answer.status == 200 and answer.body["parts"]["workers.models"]["status"] == "ok"
