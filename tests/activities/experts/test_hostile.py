"""Repositories that try to run code in the reviewer, or to make it look away."""

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from activities.experts.panel import PANEL, PanelAnalyst
from activities.experts.sandbox import KernelSandbox, isolation_report
from activities.ports import SourceTree
from models.expert import CoverageStatus, ExpertName, StaticResult
from tests.activities.experts.trees import lay_out

JUDGES = (ExpertName.SECURITY, ExpertName.QUALITY, ExpertName.PERFORMANCE)
"""Experts who look at code alone. Others read manifests, and leave vendored code out on purpose."""
LEVEL, REASON = isolation_report()
FLAWED = {
    "app.py": "import subprocess\n\n\ndef run(name, seen=[]):\n    subprocess.call('ls ' + name, shell=True)\n"
    "    try:\n        return eval(name)\n    except:\n        pass\n",
    "web/page.js": "eval(location.hash);\n",
    "native/io.c": "int main(void) {\n  char b[8];\n  gets(b);\n}\n",
}
# Every hook writes its name into a file and connects back: whatever runs any of them is seen.
HOOK = """
import socket
open({marker!r}, "a").write({name!r} + chr(10))
socket.create_connection(("127.0.0.1", {port}), 2).close()
"""


def hostile_files(marker: Path, port: int) -> dict[str, str]:
    """Files that some tool somewhere runs, or that replace a module a tool imports."""

    def hook(name: str) -> str:
        return HOOK.format(marker=str(marker), port=port, name=name)

    one_line = f"open({str(marker)!r}, 'a').write('hook')"
    shell = f"sh -c 'echo hook >> {marker}'"
    files = {
        ".pylintrc": f'[MAIN]\ninit-hook="{one_line}"\nload-plugins=plugin\n',
        "mypy.ini": "[mypy]\nplugins = plugin.py\n",
        "setup.cfg": "[flake8:local-plugins]\nextension = X = plugin:X\n[tool:pytest]\naddopts = -p plugin\n",
        ".flake8": "[flake8:local-plugins]\nextension = X = plugin:X\n[flake8]\nrequire-plugins = plugin\n",
        "ruff.toml": 'extend = "/etc/passwd"\n',
        "pyproject.toml": '[tool.ruff]\nextend = "/etc/passwd"\n[tool.coverage.run]\nplugins = ["plugin"]\n',
        ".semgrep.yml": "rules: [{id: x, languages: [python], pattern: $X, message: m, severity: ERROR, fix: x}]\n",
        "sgconfig.yml": "ruleDirs: [/etc]\ncustomLanguages: {x: {libraryPath: plugin.so, extensions: [py]}}\n",
        ".bandit": "[bandit]\nplugins = plugin\n",
        "eslint.config.js": f"require('child_process').execSync({shell!r});\n",
        ".rubocop.yml": "require: ./plugin.rb\n",
        "plugin.rb": f"File.write({str(marker)!r}, 'hook')\n",
        ".git/config": f"[core]\n\tfsmonitor = {shell}\n\thooksPath = .\n",
        ".envrc": shell + "\n",
        "evil.pth": "import sitecustomize\n",
    }
    names = ("conftest", "sitecustomize", "usercustomize", "plugin", "json", "ast", "re", "typing", "lizard", "bandit")
    return files | {f"{name}.py": hook(name) for name in (*names, "vulture", "complexipy", "detect_secrets", "yaml")}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def sandboxes() -> list[KernelSandbox]:
    """Also without namespaces, where a hook that ran would get through."""
    fallback = KernelSandbox(report=lambda: ("limits-only", "as the test says"))
    return [KernelSandbox(), fallback] if LEVEL == "namespaces" else [fallback]


async def review(
    tree: SourceTree, sandbox: KernelSandbox, experts: Iterable[ExpertName] = JUDGES
) -> dict[ExpertName, StaticResult]:
    return {expert: await PanelAnalyst(sandbox).analyse(expert, tree) for expert in experts}


def findings_in(results: dict[ExpertName, StaticResult], paths: set[str]) -> set[tuple[object, ...]]:
    return {
        (it.expert, it.tool, it.rule, it.path, it.line_start, it.line_end, it.severity, it.confidence)
        for result in results.values()
        for it in result.findings
        if it.path in paths and it.kind != "suppression-comment" and it.expert in JUDGES
    }


@pytest.mark.parametrize("sandbox", sandboxes(), ids=lambda sandbox: sandbox.isolation)
async def test_no_hook_of_a_hostile_repository_runs(
    sandbox: KernelSandbox, tmp_path: Path, listener: socket.socket
) -> None:
    marker = tmp_path / "marker"
    hooks = hostile_files(marker, listener.getsockname()[1])
    exec(hooks["conftest.py"], {})  # the hook works if anybody runs it
    listener.accept()[0].close()
    assert marker.read_text() == "conftest\n"
    marker.unlink()

    clean = await review(lay_out(tmp_path / "clean", FLAWED), sandbox)
    hostile = await review(lay_out(tmp_path / "hostile", FLAWED | hooks), sandbox, PANEL)

    assert not marker.exists()
    with pytest.raises(TimeoutError):
        listener.accept()
    assert findings_in(hostile, set(FLAWED)) == findings_in(clean, set(FLAWED)) != set()
    assert not any(run.failure for result in hostile.values() for run in result.tools)
    for result in hostile.values():
        shown = result.model_dump_json()
        assert "root:x:0" not in shown, "a configuration file of the repository was read"


BLINDING = {
    "pyproject.toml": "[tool.ruff]\nexclude = ['*']\n[tool.ruff.lint]\nselect = []\n[tool.bandit]\n"
    "exclude_dirs = ['.']\n[tool.vulture]\nexclude = ['*']\n[tool.complexipy]\nexclude = ['*']\n",
    "ruff.toml": "exclude = ['*']\n",
    ".ruff.toml": "lint.select = []\nlint.per-file-ignores = {'*' = ['ALL']}\n",
    ".bandit": "[bandit]\nskips = B102,B307,B602\nexclude = /\n",
    "setup.cfg": "[bandit]\nskips = B102,B307,B602\n",
    ".gitignore": "*\n",
    ".ignore": "*\n",
    ".rgignore": "*\n",
    ".git/info/exclude": "*\n",
    ".semgrepignore": "*\n",
    ".eslintignore": "*\n",
    ".secrets.baseline": '{"version": "1.5.0", "plugins_used": [], "filters_used": [], "results": {}}\n',
    "complexipy.toml": "exclude = ['*']\n",
    "sgconfig.yml": "ruleDirs: []\n",
    "whitelizer.txt": "run\n",
    "web/.gitignore": "*\n",
}


async def test_no_file_of_the_repository_makes_the_review_look_away(tmp_path: Path) -> None:
    sandbox = KernelSandbox()
    clean = await review(lay_out(tmp_path / "clean", FLAWED), sandbox)
    blinded = await review(lay_out(tmp_path / "blinded", FLAWED | BLINDING), sandbox)
    assert findings_in(blinded, set(FLAWED)) == findings_in(clean, set(FLAWED)) != set()
    for result in blinded.values():
        assert {row.path: row for row in result.coverage}.keys() >= FLAWED.keys()
        assert not any(row.status is CoverageStatus.FAILED for row in result.coverage)


def in_folder(results: dict[ExpertName, StaticResult], folder: str) -> set[tuple[object, ...]]:
    """What was found in one folder, by paths inside it."""
    prefix = f"{folder}/"
    paths = {row.path for result in results.values() for row in result.coverage if row.path.startswith(prefix)}
    return {(*row[:3], str(row[3]).removeprefix(prefix), *row[4:]) for row in findings_in(results, paths)}


async def test_hidden_and_vendored_folders_are_looked_at_too(tmp_path: Path) -> None:
    folders = ("lib", ".hidden", "node_modules", ".venv", ".git", "__pycache__", ".tox", "build", "x.egg", "vendor")
    tree = lay_out(tmp_path / "tree", {f"{folder}/app.py": FLAWED["app.py"] for folder in folders})
    results = await review(tree, KernelSandbox())
    for folder in folders:
        assert in_folder(results, folder) == in_folder(results, "lib") != set(), folder


COMPLEX = "\n".join(f"  if (x == {number}) return {number};" for number in range(17))
QUIET = {
    "app.py": (
        "# {}\nimport os  # {}\n\n\ndef run(name, seen=[]):  # {}\n    # {}\n    os.system('ls ' + name)  # {}\n"
        "    key = 'AKIAQWERTYUIOPASDFGH'  # {}\n    return key\n    print(1)  # {}\n",
        [
            "noqa",
            "ruff: noqa",
            "flake8: noqa",
            "nosec",
            "nosec B605",
            "pragma: allowlist secret",
            "pragma: allowlist nextline secret",
            "ast-grep-ignore",
            "ruff: disable[S605]",
            "lizard forgives",
            "complexipy: ignore",
        ],
    ),
    "page.js": (
        f"// {{}}\neval(location.hash); // {{}}\nfunction busy(x) {{{{ // {{}}\n{COMPLEX}\n}}}}\n",
        ["ast-grep-ignore", "#lizard forgives", "GENERATED CODE", "#lizard forgive global"],
    ),
    "io.c": (
        f"// {{}}\nint busy(int x) {{{{ // {{}}\n char b[8];\n // {{}}\n gets(b);\n{COMPLEX}\n}}}}\n",
        ["ast-grep-ignore", "#lizard forgives", "GENERATED CODE", "#lizard forgive global"],
    ),
}


async def test_no_comment_makes_the_review_look_away(tmp_path: Path) -> None:
    files: dict[str, str] = {}
    for path, (template, markers) in QUIET.items():
        for number, marker in enumerate(["an ordinary remark", *markers]):
            files[f"{number}/{path}"] = template.format(*[marker] * template.count("{}"))
    results = await review(lay_out(tmp_path / "tree", files), KernelSandbox())
    told = [it.path for it in results[ExpertName.QUALITY].findings if it.kind == "suppression-comment"]
    for path, (template, markers) in QUIET.items():
        expected = {row for row in in_folder(results, "0") if row[3] == path and row[2] != "ERA001"}
        assert expected
        for number, marker in enumerate(markers, start=1):
            found = {row for row in in_folder(results, str(number)) if row[3] == path and row[2] != "ERA001"}
            assert found == expected, marker
            assert told.count(f"{number}/{path}") == template.count("{}"), "every such comment is reported"
    for it in (it for result in results.values() for it in result.findings):
        assert it.quote == files[it.path].split("\n")[it.line_start - 1].strip()
