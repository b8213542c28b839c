"""Each analyser finds the flaw in a small file of each language it is for, at the right line and with its own words."""

from dataclasses import replace
from pathlib import Path

import pytest

from activities.experts.analyser import Analyser, Analysis
from activities.experts.analysers.astgrep import AstGrepAnalyser
from activities.experts.analysers.bandit import BanditAnalyser
from activities.experts.analysers.complexipy import ComplexipyAnalyser
from activities.experts.analysers.detect_secrets import SecretsAnalyser
from activities.experts.analysers.lizard import LizardAnalyser
from activities.experts.analysers.ruff import RuffAnalyser
from activities.experts.analysers.suppression_comments import SuppressionAnalyser
from activities.experts.analysers.vulture import VultureAnalyser
from activities.experts.sandbox import KernelSandbox
from models.expert import ExpertName
from tests.activities.experts.trees import lay_out

SECURITY, QUALITY, PERFORMANCE = ExpertName.SECURITY, ExpertName.QUALITY, ExpertName.PERFORMANCE


def branches(line: str, count: int = 16) -> str:
    return "\n".join(line.replace("N", str(number)) for number in range(count))


PYTHON_BRANCHES = f"import os\n\n\ndef busy(x):\n{branches('    if x == N: return N')}\n"
PARAMETERS = ", ".join("abcdefghi")
COMPLEX = {
    "a.py": PYTHON_BRANCHES,
    "a.js": f"\n\n\nfunction busy(x) {{\n{branches('  if (x == N) return N;')}\n}}\n",
    "a.jsx": f"\n\n\nfunction busy(x) {{\n{branches('  if (x == N) return N;')}\n}}\n",
    "a.cjs": f"\n\n\nfunction busy(x) {{\n{branches('  if (x == N) return N;')}\n}}\n",
    "a.ts": f"\n\n\nfunction busy(x: number): number {{\n{branches('  if (x == N) return N;')}\n  return 0;\n}}\n",
    "a.tsx": f"\n\n\nfunction busy(x: number): number {{\n{branches('  if (x == N) return N;')}\n  return 0;\n}}\n",
    "a.mts": f"\n\n\nfunction busy(x: number): number {{\n{branches('  if (x == N) return N;')}\n  return 0;\n}}\n",
    "A.java": f"\n\nclass A {{\n int busy(int x) {{\n{branches('  if (x == N) return N;')}\n  return 0;\n }}\n}}\n",
    "a.rs": f"\n\n\nfn busy(x: i32) -> i32 {{\n{branches('    if x == N {{ return N; }}')}\n    0\n}}\n",
    "a.c": f"\n\n\nint busy(int x) {{\n{branches('  if (x == N) return N;')}\n  return 0;\n}}\n",
    "a.h": f"\n\n\ninline int busy(int x) {{\n{branches('  if (x == N) return N;')}\n  return 0;\n}}\n",
    "a.cpp": f"\n\n\nint busy(int x) {{\n{branches('  if (x == N) return N;')}\n  return 0;\n}}\n",
    "A.HH": f"\n\n\ninline int busy(int x) {{\n{branches('  if (x == N) return N;')}\n  return 0;\n}}\n",
}


async def run(analyser: Analyser, root: Path, files: dict[str, str]) -> Analysis:
    tree = lay_out(root / "tree", files)
    result = await analyser.run(tree, KernelSandbox())
    assert result.run.failure is None
    assert result.run.version != "missing"
    assert result.analysed | result.failed.keys() == set(analyser.wants(tree))
    return result


def places(result: Analysis) -> set[tuple[str, int, str]]:
    return {(it.path, it.line_start, it.kind) for it in result.findings}


@pytest.mark.parametrize("name", COMPLEX)
async def test_lizard_finds_the_complex_function_in_every_language(name: str, tmp_path: Path) -> None:
    result = await run(LizardAnalyser(), tmp_path, {name: COMPLEX[name]})
    assert places(result) == {(name, 4, "complex-function")}
    assert "busy" in result.findings[0].quote


async def test_lizard_finds_long_functions_and_many_parameters(tmp_path: Path) -> None:
    long = "int f(void) {\n" + "  g();\n" * 101 + "}\n"
    many = f"int f({', '.join('int ' + name for name in 'abcdefghi')}) {{ return a; }}\n"
    result = await run(LizardAnalyser(), tmp_path, {"long.c": long, "many.c": many, "fine.c": "int f(void) {}\n"})
    assert places(result) == {("long.c", 1, "long-function"), ("many.c", 1, "many-parameters")}


async def test_lizard_measures_no_function_whose_end_is_unknown(tmp_path: Path) -> None:
    many = f"int g({', '.join('int ' + name for name in 'abcdefghi')}) {{ return a; }}\n"
    tree = lay_out(tmp_path, {"a.c": "int f(void) {\n" + "  g();\n" * 101 + "}\n" + many})
    files = tuple(file.model_copy(update={"fragment": True}) for file in tree.manifest.files)
    tree = replace(tree, manifest=tree.manifest.model_copy(update={"files": files}))
    result = await LizardAnalyser().run(tree, KernelSandbox())
    assert [finding.kind for finding in result.findings] == ["many-parameters"]


async def test_complexipy_finds_what_is_hard_to_follow(tmp_path: Path) -> None:
    nested = "def deep(x):\n" + "".join("    " * n + f"if x > {n}:\n" for n in range(1, 7)) + "    " * 7 + "return x\n"
    result = await run(ComplexipyAnalyser(), tmp_path, {"a.py": "\n" + nested, "b.py": "def flat(x):\n    return x\n"})
    assert places(result) == {("a.py", 2, "complex-function")}


async def test_vulture_reports_only_what_it_is_sure_of(tmp_path: Path) -> None:
    files = {"a.py": "import os\n\n\ndef unused():\n    return 1\n    print(2)\n", "pkg/__init__.py": "import json\n"}
    result = await run(VultureAnalyser(), tmp_path, files)
    assert places(result) == {("a.py", 1, "unused-import"), ("a.py", 6, "unreachable-code")}


async def test_vulture_sees_a_use_in_another_file(tmp_path: Path) -> None:
    files = {"a.py": "import os\n", "b.py": "from a import os\nprint(os.sep)\n"}
    assert places(await run(VultureAnalyser(), tmp_path, files)) == set()


async def test_bandit_and_ruff_use_the_same_words_for_the_same_flaw(tmp_path: Path) -> None:
    files = {"a.py": "import subprocess\n\n\ndef f(x):\n    subprocess.call(x, shell=True)\n    assert x\n"}
    bandit = await run(BanditAnalyser(), tmp_path, files)
    ruff = await run(RuffAnalyser(SECURITY), tmp_path, files)
    assert places(bandit) == places(ruff) == {("a.py", 5, "command-injection")}
    assert {it.cwe for it in (*bandit.findings, *ruff.findings)} == {"CWE-78"}


@pytest.mark.parametrize(
    ("expert", "code", "line", "kind"),
    [
        (QUALITY, "def f(x=[]):\n    return x\n", 1, "mutable-default-argument"),
        (QUALITY, "def f(x):\n    try:\n        x()\n    except:\n        pass\n", 4, "swallowed-exception"),
        (QUALITY, PYTHON_BRANCHES, 4, "complex-function"),
        (QUALITY, "print('%s %s' % (1,))\n", 1, "format-mismatch"),
        (QUALITY, "print(undefined)\n", 1, "undefined-name"),
        (PERFORMANCE, "import time\n\n\nasync def f():\n    time.sleep(1)\n", 5, "blocking-call-in-async"),
        (
            PERFORMANCE,
            "def f(xs):\n  r = []\n  for x in xs:\n    r.append(x + 1)\n  return r\n",
            4,
            "append-in-loop",
        ),
    ],
)
async def test_ruff_finds(expert: ExpertName, code: str, line: int, kind: str, tmp_path: Path) -> None:
    assert ("a.py", line, kind) in places(await run(RuffAnalyser(expert), tmp_path, {"a.py": code}))


async def test_ruff_says_nothing_about_taste(tmp_path: Path) -> None:
    code = f"import sys, os\nx=os.sep;y = sys.argv  # {'long ' * 40}\ndef f( a ):\n  return a*4711 if a==17 else a\n"
    assert places(await run(RuffAnalyser(QUALITY), tmp_path, {"a.py": code})) == set()


async def test_an_extra_selection_of_ruff_rules_is_possible(tmp_path: Path) -> None:
    result = await run(
        RuffAnalyser(ExpertName.DOCUMENTATION, ("D103",)), tmp_path, {"a.py": "def f():\n    return 1\n"}
    )
    assert [(it.expert, it.rule, it.line_start) for it in result.findings] == [(ExpertName.DOCUMENTATION, "D103", 1)]


async def test_secrets_are_found_in_any_text(tmp_path: Path) -> None:
    key = "AKIA" + "QWERTYUIOPASDFGH"
    files = {
        "a.py": f"x = 1\nkey = '{key}'\n",
        "deploy/.env": f"A=1\nPASSWORD=tr0ub4dor&3x\nAWS={key}\n",
        "settings.yml": "database:\n  password: 'tr0ub4dor3x'\n",
        "id_rsa.txt": "-----BEGIN RSA PRIVATE KEY-----\n",
        "README.md": "Set your password: 'correct-horse'.\n",
    }
    result = await run(SecretsAnalyser(), tmp_path, files)
    assert {(path, line) for path, line, _ in places(result)} == {
        ("a.py", 2),
        ("deploy/.env", 2),
        ("deploy/.env", 3),
        ("settings.yml", 2),
        ("id_rsa.txt", 1),
    }
    assert not any(key in it.message for it in result.findings)


FLAWED = {
    "a.py": "import subprocess\n\n\ndef f(name):\n    subprocess.call('ls ' + name, shell=True)\n",
    "a.js": "\n\neval(location.hash)\n",
    "a.jsx": "\n\neval(location.hash)\n",
    "a.ts": "\n\neval(location.hash)\n",
    "a.tsx": "\n\neval(location.hash)\n",
    "A.java": 'class A {\n  void f() throws Exception {\n    java.security.MessageDigest.getInstance("MD5");\n  }\n}\n',
    "a.rs": "fn f(n: usize) {\n  let mut v: Vec<u8> = Vec::with_capacity(n);\n  unsafe { v.set_len(n) };\n}\n",
    "a.c": "int main(void) {\n  char b[8];\n  gets(b);\n}\n",
    "a.cpp": "int main() {\n  char b[8];\n  gets(b);\n}\n",
    "a.h": "inline void f() {\n  char b[8];\n  gets(b);\n}\n",
    "B.PY": "import subprocess\n\n\ndef f(name):\n    subprocess.call('ls ' + name, shell=True)\n",
}


@pytest.mark.parametrize("name", FLAWED)
async def test_our_rules_find_the_flaw_in_every_language(name: str, tmp_path: Path) -> None:
    result = await run(AstGrepAnalyser(SECURITY), tmp_path, {name: FLAWED[name], "empty.py": ""})
    line = 5 if name.lower().endswith(".py") else 3
    assert {(it.path, it.line_start) for it in result.findings} == {(name, line)}
    assert all(it.cwe and it.recommendation and it.quote in FLAWED[name] for it in result.findings)
    assert not any("--" in it.rule for it in result.findings)


async def test_suppression_comments_are_findings_themselves(tmp_path: Path) -> None:
    result = await run(SuppressionAnalyser(), tmp_path, {"a.py": "x = 1\ny = 2  # noqa\n", "b.c": "// NOSONAR\n"})
    assert places(result) == {("a.py", 2, "suppression-comment"), ("b.c", 1, "suppression-comment")}
