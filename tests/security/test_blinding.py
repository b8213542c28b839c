"""What a repository says to analysers changes nothing of what a review says about the repository, end to end."""

from pathlib import Path

import pytest

from models.review import PanelFinding, ReviewReport
from starter.client import Client
from starter.stack.launcher import Stack
from tests.durability.test_kills import start, wait
from tests.service_fixture import client_of

PROJECT = '[project]\nname = "shop"\nversion = "1"\ndependencies = []\n'
CODE = {
    "pyproject.toml": PROJECT,
    "app.py": '"""Runs things."""\nimport os\n\n\ndef run(name):\n    """Run a thing."""\n'
    "    os.system('ls ' + name){}\n    return eval(name){}\n",
    "web/page.js": "eval(location.hash);{}\n",
    "native/io.c": "int main(void) {\n  char b[8];\n  gets(b);{}\n}\n",
    "core/a.py": '"""A."""\nimport core.b{}\n\nX = core.b\n',
    "core/b.py": '"""B."""\nimport core.a{}\n\nX = core.a\n',
    "core/__init__.py": "",
}
MARKS = {
    ".py": "  # noqa # nosec # ast-grep-ignore # pragma: allowlist secret # pylint: skip-file # nosemgrep",
    ".js": " // ast-grep-ignore eslint-disable-line nosemgrep NOSONAR #lizard forgives GENERATED CODE",
    ".c": " // ast-grep-ignore NOLINT nosemgrep #lizard forgives GENERATED CODE",
}
BLINDFOLDS = {
    "pyproject.toml": PROJECT
    + "[tool.ruff]\nexclude = ['*']\nforce-exclude = true\n[tool.ruff.lint]\nselect = []\nignore = ['ALL']\n"
    + "[tool.bandit]\nexclude_dirs = ['.']\nskips = ['B605', 'B307']\n[tool.vulture]\nexclude = ['*']\n"
    + "[tool.complexipy]\nexclude = ['*']\n[tool.deptry]\nexclude = ['.*']\n"
    + "[tool.importlinter]\nroot_package = 'nothing'\n[tool.coverage.run]\nomit = ['*']\n",
    "ruff.toml": "exclude = ['*']\nlint.select = []\n",
    ".ruff.toml": "exclude = ['*']\n",
    ".bandit": "[bandit]\nskips = B605,B307\nexclude = /\n",
    "bandit.yaml": "skips: [B605, B307]\n",
    "setup.cfg": "[bandit]\nskips = B605,B307\n[flake8]\nexclude = *\n",
    "tox.ini": "[flake8]\nexclude = *\n[bandit]\nskips = B605\n",
    ".flake8": "[flake8]\nexclude = *\n",
    ".pylintrc": "[MAIN]\nignore-patterns=.*\n",
    ".ignore": "*\n",
    ".rgignore": "*\n",
    ".fdignore": "*\n",
    ".semgrepignore": "*\n",
    ".eslintignore": "*\n",
    ".npmignore": "*\n",
    ".dockerignore": "*\n",
    ".gitattributes": "* linguist-generated linguist-vendored -diff binary\n",
    ".editorconfig": "[*]\ngenerated_code = true\n",
    ".secrets.baseline": '{"version": "1.5.0", "plugins_used": [], "filters_used": [], "results": {}}\n',
    ".coveragerc": "[run]\nomit = *\n",
    "complexipy.toml": "exclude = ['*']\n",
    ".complexipy.toml": "exclude = ['*']\n",
    "sgconfig.yml": "ruleDirs: []\n",
    ".ast-grep/sgconfig.yml": "ruleDirs: []\n",
    "whitelizer.txt": "run\nmain\n",
    "whitelist.py": "run  # unused function\n",
    ".conclave.toml": "exclude = ['*']\n",
    ".conclaveignore": "*\n",
    ".env": "CONCLAVE_MAX_FILES=1\nCONCLAVE_ISOLATION=auto\n",
}


def laid_out(root: Path, files: dict[str, str], marked: bool) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{}", MARKS.get(path.suffix, "") if marked else ""), encoding="utf-8")
    return root


def essence(report: ReviewReport) -> set[tuple[object, ...]]:
    """The findings about the code both trees have, without what hangs on the text of a line."""
    assert not report.suppressed, "a report that is cut cannot be compared"

    def told(each: PanelFinding) -> tuple[object, ...]:
        seen = frozenset((by.expert, by.tool, by.rule, by.confidence) for by in each.sightings)
        return each.path, each.line_start, each.kind, each.cwe, each.severity, each.confidence, seen

    return {told(each) for each in report.findings if each.path in CODE and each.kind != "suppression-comment"}


def reviewed(client: Client, root: Path) -> ReviewReport:
    return wait(client, start(client, root))


@pytest.fixture(scope="module")
def plain(service: Stack, tmp_path_factory: pytest.TempPathFactory) -> ReviewReport:
    return reviewed(client_of(service), laid_out(tmp_path_factory.mktemp("plain") / "shop", CODE, marked=False))


def test_the_flaws_are_found_without_any_blindfold(plain: ReviewReport) -> None:
    found = {each.path for each in plain.findings if each.severity in ("critical", "high", "medium")}
    assert {"app.py", "web/page.js", "native/io.c"} <= found
    assert "import-cycle" in {each.kind for each in plain.findings}
    assert not plain.partial


def test_no_file_changes_a_finding(service: Stack, plain: ReviewReport, tmp_path: Path) -> None:
    root = laid_out(tmp_path / "shop", CODE | BLINDFOLDS, marked=False)
    blinded = reviewed(client_of(service), root)
    assert {entry.path for entry in blinded.coverage} >= BLINDFOLDS.keys()
    assert essence(blinded) == essence(plain)
    assert not blinded.partial


def test_no_comment_changes_a_finding(service: Stack, plain: ReviewReport, tmp_path: Path) -> None:
    marked = reviewed(client_of(service), laid_out(tmp_path / "shop", CODE, marked=True))
    assert essence(marked) == essence(plain)
    assert "suppression-comment" in {each.kind for each in marked.findings}
