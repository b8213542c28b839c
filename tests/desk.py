"""A desk at which the documents' commands are typed: a folder with all that they name, and a stack with a model."""

import asyncio
import cProfile
import json
import os
import re
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import typer
from sqlalchemy import text

from activities.policy.regopy_engine import RegopyEngine
from activities.storage.alerts import raise_alert
from activities.storage.database import Database, engine_for
from models.alert import AlertType
from models.gate import PolicyName
from models.provider import WireProtocol
from starter.cli import app
from starter.stack.launcher import ALL, Stack, up
from tests.activities.passed import passed
from tests.documented import words_of
from tests.providers.server import ScriptedProvider
from tests.service_fixture import EXAMPLES
from tests.stack_fixture import stack_settings
from tests.starter.test_review_command import CONCLAVE

REASON = {"reason": "an example"}
T = TypeVar("T")
PLACEHOLDER = re.compile(r"\b(EXPERIMENT|PROMOTION|COMPARISON|REVIEW|HASH|ID)\b")
VERDICT, FOUND = (0, 1, 3), (0, 1)
CODES = {"review": FOUND, "doctor": FOUND, "compare": VERDICT, "comparison": VERDICT, "experiment": VERDICT}
"""Ends that are an answer, where not only 0 is one."""
HELD = {"allow_loopback_providers": True}


class Desk:
    """Types commands in a shell of its own, and keeps what they print."""

    def __init__(self, stack: Stack, folder: Path, model: ScriptedProvider) -> None:
        self.stack, self.folder, self._model = stack, folder, model
        self.printed = self.token = ""
        laid_out(folder)
        self.with_database(self._a_model_that_answers)
        self.type("conclave dataset import examples/dataset/conclave-demo.jsonl")

    def cleared(self) -> None:
        """Nothing printed, and no model in the panel: experiments on a page shall not ask what another page added."""
        self.printed = self.token = ""
        for key in self._get("/user-providers")["items"]:
            self._call("DELETE", f"/user-providers/{key['id']}")
        self.with_database(self._nobody_without_a_key)

    def type(self, line: str, refusal: str | None = None) -> str:
        """What one command prints; its end must be an answer, or the refusal with this code."""
        line = self._readied(line)
        # By hand it would be answered at a terminal, reach a real provider, and write to the machine.
        line = f"{line} --yes" if asks(line) else line
        line = line.replace("/srv/", f"{self.folder}/srv/")
        line = line.replace("127.0.0.1:8080", f"127.0.0.1:{self._model.port}")
        line = line.replace("http://127.0.0.1:8300", self.stack.api_url or "")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            **{"cwd": self.folder, "env": self._environment(refusal), "stdin": subprocess.DEVNULL, "timeout": 300},
            **{"capture_output": True, "text": True},
        )
        words = words_of(line)
        shown = f"{line}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        assert done.returncode in ((2,) if refusal else CODES.get(words[0], (0,))), shown
        assert refusal is None or refusal in done.stderr, shown
        if words[0] == "down":
            self.stack = up(stack_settings(self.stack.home, **HELD), parts=ALL, scatter_ports=True)
        if words[:2] == ["token", "create"]:
            self.token = done.stdout.strip()
        self.printed += done.stdout
        return done.stdout

    def _environment(self, refusal: str | None = None) -> dict[str, str]:
        """Refused for want of a right is whoever has the token that the page made."""
        other = {"CONCLAVE_API_URL": self.stack.api_url or "", "CONCLAVE_API_TOKEN": self.token}
        return (other if refusal in ("forbidden", "scope_missing") else {}) | {
            "PATH": f"{CONCLAVE.parent}:{os.environ['PATH']}",
            "HOME": str(self.stack.home),
            "CONCLAVE_HOME": str(self.stack.home),
            "CONCLAVE_ALLOW_LOOPBACK_PROVIDERS": "true",
            "COLUMNS": "120",
            # What the forges set in a job.
            "BASE": "main",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": "main",
        }

    def _readied(self, line: str) -> str:
        """The command with real names, when all that it needs is there."""
        words = words_of(line)
        if words[0] == "rollback" or words[:3] == ["compare", "stable", "2"]:
            self._second_version()
        if "--checkpoints" in words:
            self._checkpoints_apart()
        return PLACEHOLDER.sub(lambda found: self._meant(found[0], words), line)

    def _meant(self, placeholder: str, words: list[str]) -> str:
        group, verb = words[0], words[1]
        if placeholder == "EXPERIMENT" or (placeholder == "ID" and group == "audit"):
            running = group == "experiment" and verb in ("pause", "resume", "cancel")
            return self._running() if running else self._passed()
        makers: dict[str, Callable[[], str]] = {
            "PROMOTION": self._awaiting,
            "HASH": self._quarantined,
            "COMPARISON": lambda: self._get("/comparisons")["items"][0]["id"],
            "REVIEW": lambda: self._get("/reviews")["items"][0]["id"],
            "key": lambda: self._get("/user-providers")["items"][0]["id"],
            "alerts": self._alert,
        }
        return makers[group if placeholder == "ID" else placeholder]()

    def _call(self, method: str, path: str, body: object = None, token: str = "CONCLAVE_API_TOKEN") -> Any:
        headers = {"Authorization": f"Bearer {self.stack.environment()[token]}"}
        answer = httpx.request(method, f"{self.stack.api_url}{path}", headers=headers, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _get(self, path: str) -> Any:
        found = self._call("GET", path)
        return found if "items" in found else {"items": next(each for each in found.values() if isinstance(each, list))}

    def _passed(self) -> str:
        policy = RegopyEngine().hash_of(PolicyName.DEFAULT)
        return self.with_database(lambda database: passed(database, author="local", policy_hash=policy))

    def _running(self) -> str:
        """The newest experiment, if it runs, else one that has just begun."""
        newest = self._get("/experiments")["items"][0]
        if newest["status"] in ("running", "paused"):
            return newest["id"]
        dataset = self._get("/datasets")["items"][-1]["id"]
        config = self._call("GET", "/versions/stable")["config"]
        return self._call("POST", "/experiments", {"name": "held", "dataset_id": dataset, "config": config})["id"]

    def _awaiting(self) -> str:
        """The promotion that waits, else one that is asked for."""
        for each in self._get("/promotions")["items"]:
            if each["status"] == "awaiting":
                return each["id"]
        return self._call("POST", f"/experiments/{self._passed()}/promote", REASON)["id"]

    def _second_version(self) -> None:
        if self._call("GET", "/versions/stable")["number"] > 1:
            return
        asked = self._call("GET", f"/promotions/{self._awaiting()}")
        body = {"evidence": asked["evidence"]}
        self._call("POST", f"/promotions/{asked['id']}/approve", body, "CONCLAVE_SECOND_TOKEN")

    def _quarantined(self) -> str:
        """A hash that is on the blacklist, by somebody else than who releases it."""
        return self._call("POST", f"/experiments/{self._passed()}/quarantine", REASON)["config_hash"]

    def _alert(self) -> str:
        async def told(database: Database) -> None:
            async with database.transaction() as session:
                await raise_alert(session, AlertType.PROVIDER_UNHEALTHY, "local", "2026-11-26T12:00:00Z")

        self.with_database(told)
        return self._get("/alerts")["items"][0]["id"]

    def _checkpoints_apart(self) -> None:
        """The file of checkpoints and the key, as a keeper has them."""
        subprocess.run(["conclave", "audit", "checkpoint"], env=self._environment(), check=True, capture_output=True)
        kept = self.stack.home / "audit" / "checkpoints.jsonl"
        lines = kept.read_text(encoding="utf-8").splitlines()
        (self.folder / "checkpoints.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (self.folder / "key.pem").write_text(json.loads(lines[-1])["public_key"], encoding="utf-8")

    async def _nobody_without_a_key(self, database: Database) -> None:
        async with database.transaction() as session:
            await session.execute(text("UPDATE providers SET is_active = false, name = id WHERE name = 'local'"))

    async def _a_model_that_answers(self, database: Database) -> None:
        """The catalogue's provider at our address instead of its own."""
        endpoint = self._model.endpoint(WireProtocol.ANTHROPIC_MESSAGES)
        async with database.transaction() as session:
            await session.execute(
                text("UPDATE providers SET api_endpoint = :endpoint WHERE name = 'claude-sonnet-5-5'"),
                {"endpoint": endpoint},
            )

    def with_database(self, work: Callable[[Database], Awaitable[T]]) -> T:
        """What comes of some work in the stack's database."""

        async def done() -> T:
            engine = engine_for(self.stack.environment()["CONCLAVE_DATABASE_URL"])
            try:
                return await work(Database(engine))
            finally:
                await engine.dispose()

        return asyncio.run(done())


def asks(line: str) -> bool:
    """Whether a command asks before it acts."""
    command: Any = typer.main.get_command(app)
    for word in words_of(line):
        command = getattr(command, "commands", {}).get(word, command)
    return any("--yes" in each.opts for each in command.params)


def laid_out(folder: Path) -> None:
    """A project under git with a change on a branch, and the files that commands read."""
    for name in ("python-shop", "dataset"):
        shutil.copytree(EXAMPLES / name, folder / "examples" / name)
    (folder / "srv").mkdir()
    git = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    for line in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "shop"], ["switch", "-qc", "fix"]):
        subprocess.run([*git, *line], cwd=folder, check=True)
    changed = folder / "examples" / "python-shop" / "shop" / "orders.py"
    changed.write_text(
        changed.read_text(encoding="utf-8") + "\n\ndef total(a):\n    return eval(a)\n", encoding="utf-8"
    )
    subprocess.run([*git, "commit", "-qam", "total"], cwd=folder, check=True)
    diff = subprocess.run([*git, "diff", "main"], cwd=folder, check=True, capture_output=True).stdout
    (folder / "fix.diff").write_bytes(diff)
    counted = {"executed_lines": [1], "missing_lines": [14, 15, 16]}
    coverage = {"meta": {"version": "7.17"}, "files": {"examples/python-shop/shop/orders.py": counted}}
    (folder / "coverage.json").write_text(json.dumps(coverage), encoding="utf-8")
    profile = cProfile.Profile()
    profile.runcall(sorted, [3, 1, 2])
    profile.dump_stats(folder / "out.pstats")
    for name in ("key.txt", "new-key.txt"):
        (folder / name).write_text(f"sk-example-{name[:3]}-0123456789abcdef\n", encoding="utf-8")
