"""A job of the CI guide, from its wheel to its report, on a machine that has nothing of ours."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.desk import laid_out
from tests.documented import ROOT, commands
from tests.stack_fixture import new_folder

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(600)]


def test_a_wheel_is_all_that_a_job_needs() -> None:
    [line] = [each for each in commands(ROOT / "docs" / "guides" / "ci.md") if "--format sarif" in each]
    with new_folder() as folder:
        project = folder / "project"
        laid_out(project)
        environment = os.environ | {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "CONCLAVE_HOME": str(folder / "home"),
            "UV_TOOL_DIR": str(folder / "tools"),
            "UV_TOOL_BIN_DIR": str(folder / "bin"),
            "BASE": "main",
        }

        def run(command: str, cwd: Path = project) -> subprocess.CompletedProcess[str]:
            return subprocess.run(["bash", "-c", command], cwd=cwd, env=environment, capture_output=True, text=True)

        built = run(f"uv build -q --wheel -o {folder}/dist && uv tool install -q {folder}/dist/*.whl", ROOT)
        assert built.returncode == 0, built.stderr
        try:
            done = run(line)
            assert done.returncode == 1, done.stderr
        finally:
            run("conclave down")
        [ran] = json.loads((project / "conclave.sarif").read_text(encoding="utf-8"))["runs"]
        places = {
            each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].rsplit("/", 1)[1]
            for each in ran["results"]
        }
        assert places == {"orders.py"}, "the change, and nothing else"
