"""After reviews, disturbed ones too, code is in Postgres and the reports alone, and secrets are in their files."""

import json
import os
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from models.review import ReviewReport
from starter.client import Client
from starter.stack import scratch
from starter.stack.launcher import Stack, up
from starter.stack.layout import Layout
from tests.durability.test_kills import kill, start, wait
from tests.security.canary import found_in, fresh, leaks, planted
from tests.service_fixture import client_of, settings_of

CODE = {name: fresh(name) for name in ("text", "name", "label", "broken", "refused")}
SECRET_FILES = ("secrets", "run/redis.conf")
"""Files that hold secrets; all of mode 0600."""
EMPTY = ("1", "4", "5")
"""Databases that every Postgres has and nobody writes to."""
OWN_PROGRAMS = ("api", "worker")
"""The processes that have secrets in their environment."""


@dataclass
class Seen:
    """What processes showed while reviews ran."""

    argv: dict[int, str] = field(default_factory=dict)
    environ: dict[int, str] = field(default_factory=dict)


@dataclass
class Used:
    """A stack after use."""

    stack: Stack
    report: ReviewReport
    seen: Seen


def source(folder: Path) -> Path:
    """Code that gives findings, fails in parsers, and has a canary wherever code can have one."""
    root = folder / f"project-{CODE['label']}"
    root.mkdir()
    (root / f"app_{CODE['name']}.py").write_text(
        f'import os\n\n\ndef run(name):\n    os.system("echo {CODE["text"]} " + name)\n', encoding="utf-8"
    )
    (root / "broken.py").write_text(f"def {CODE['broken']}(:\n" + "x = (" * 5000, encoding="utf-8")
    (root / "app.js").write_text(f"eval(location.hash + '{CODE['text']}');\n", encoding="utf-8")
    return root


def watch(stack: Stack, seen: Seen, stop: threading.Event) -> None:
    """Note what the worker's descendants can be seen with."""
    worker = psutil.Process(stack.pids["worker"])
    while not stop.wait(0.02):
        for child in worker.children(recursive=True):
            try:
                seen.argv[child.pid] = "\0".join(child.cmdline())
                seen.environ[child.pid] = json.dumps(child.environ())
            except psutil.Error:
                continue


def refused_requests(stack: Stack) -> None:
    """Requests that hold code and are refused, each in another way."""
    environment = stack.environment()
    header = {"Authorization": f"Bearer {environment['CONCLAVE_API_TOKEN']}", "Content-Type": "application/json"}
    canary = CODE["refused"]
    with httpx.Client(base_url=stack.api_url or "", trust_env=False) as api:
        for body in (f'{{"label": {canary}', json.dumps({"label": canary, canary: 1}), json.dumps([canary])):
            assert api.post("/sources", content=body, headers=header).is_client_error
        assert api.get("/reviews", headers={"Authorization": f"Bearer {canary}"}).status_code == 401
        assert api.get(f"/reviews/{canary}", headers=header).status_code == 404
        assert api.get("/reviews", params={"cursor": canary}, headers=header).status_code == 400
        codec = {"Authorization": f"Bearer {environment['CONCLAVE_CODEC_TOKEN']}"}
        content = json.dumps({"payloads": [{"metadata": {"encoding": canary}, "data": canary}]})
        assert api.post("/codec/decode", content=content, headers={**header, **codec}).status_code < 500


@pytest.fixture(scope="module")
def used(service: Stack, tmp_path_factory: pytest.TempPathFactory) -> Generator[Used]:
    client, root = client_of(service), source(tmp_path_factory.mktemp("code"))
    seen, stop = Seen(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch, service, seen, stop)
        report = wait(client, start(client, root))
        stop.set()
        watching.result()
    refused_requests(service)
    stack = disturbed(service, client, root)
    yield Used(stack, report, seen)


def disturbed(service: Stack, client: Client, root: Path) -> Stack:
    """A review during which the database is killed, so that steps fail; then a worker that leaves files behind."""
    (root / "more.py").write_text(f"exec(input('{CODE['text']}'))\n", encoding="utf-8")
    review_id = start(client, root)
    while not any(each.status == "running" for each in client.review(review_id).experts.values()):
        time.sleep(0.02)
    kill(service, "postgres")
    time.sleep(0.5)  # long enough for a step to fail
    service = up(settings_of(service))
    wait(client, review_id)
    (scratch.place(Layout(service.home)) / "left.py").write_text(CODE["text"], encoding="utf-8")
    kill(service, "worker")
    return up(settings_of(service))


def secrets_of(stack: Stack) -> dict[str, str]:
    """Every secret of the stack, each with its name in place of a canary's."""
    folder = stack.home / "secrets"
    found = {path.name: path.read_text().strip() for path in folder.iterdir()}
    opened = json.loads(found.pop("openbao-init.json"))
    flat = {f"openbao-{name}": value if isinstance(value, str) else value[0] for name, value in opened.items()}
    every = {name: str(value) for name, value in (found | flat).items()}
    assert len(every) >= 5
    assert all(len(value) >= 20 for value in every.values())
    return every


def test_the_reviews_were_real(used: Used) -> None:
    assert {"command-injection"} <= {each.kind for each in used.report.findings}
    assert any(CODE["text"] in each.quote for each in used.report.findings)
    assert any(each.status == "failed" and each.path == "broken.py" for each in used.report.coverage)
    stored = b"".join(path.read_bytes() for path in (used.stack.home / "data").glob("temporal.db*"))
    assert f"review-{used.report.review_id}".encode() in stored


def test_code_is_nowhere_but_in_the_database(used: Used) -> None:
    assert leaks(used.stack.home, CODE.values(), allowed=["data/postgres"]) == []


def test_the_search_would_have_found_it(used: Used) -> None:
    folder = used.stack.home / "logs"
    for form, content in planted(CODE["text"]).items():
        plant = folder / f"planted-{form}.log"
        plant.write_bytes(content)
        found = leaks(folder, [CODE["text"]])
        plant.unlink()
        assert [each for each in found if each.startswith(plant.name)], form


def test_secrets_are_in_their_files_alone(used: Used) -> None:
    secrets = secrets_of(used.stack)
    skipped = [used.stack.home / "cache", *(used.stack.home / "data" / "postgres" / "base" / each for each in EMPTY)]
    for path in used.stack.home.rglob("*"):
        if not path.is_file() or any(each in path.parents for each in skipped):
            continue
        name = str(path.relative_to(used.stack.home))
        held = {secret for secret, _ in found_in(path.read_bytes(), secrets.values())}
        if name.startswith(SECRET_FILES):
            assert path.stat().st_mode & 0o777 == 0o600, name
        else:
            assert not held, (name, [each for each, value in secrets.items() if value in held])


def test_processes_show_neither(used: Used) -> None:
    secrets = secrets_of(used.stack)
    unseen = [*secrets.values(), *CODE.values()]
    for part, pid in used.stack.pids.items():
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            assert not found_in("\0".join(each.cmdline()).encode(), unseen), part
            hidden = CODE.values() if part in OWN_PROGRAMS else unseen
            assert not found_in(json.dumps(each.environ()).encode(), hidden), part


def test_analysers_are_given_no_secret_and_no_code_on_their_command_line(used: Used) -> None:
    assert any("ruff" in argv for argv in used.seen.argv.values())
    assert len(used.seen.argv) >= 5
    unseen = [*secrets_of(used.stack).values(), CODE["text"], CODE["broken"]]
    assert not found_in("\0".join(used.seen.argv.values()).encode(), unseen)
    sandboxed = [value for value in used.seen.environ.values() if "CONCLAVE_" not in value]
    assert sandboxed
    assert not found_in("\0".join(sandboxed).encode(), [*unseen, *CODE.values()])


def test_nothing_stays_in_folders_for_temporary_files(used: Used) -> None:
    folder = scratch.place(Layout(used.stack.home))
    assert leaks(folder, CODE.values()) == []
    assert not (folder / "left.py").exists()
    assert os.stat(folder).st_mode & 0o777 == 0o700
