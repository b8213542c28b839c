"""Our own analysers in the real sandbox, on one project in all languages, and what they make of their own failures."""

import json
import sys

import pytest

from activities.experts.analyser import Completed
from activities.experts.analysers.coverage_report import CoverageReportAnalyser
from activities.experts.analysers.declared import NodeDependenciesAnalyser, PythonDependenciesAnalyser
from activities.experts.analysers.documentation import DocumentationAnalyser
from activities.experts.analysers.facts import plain_name, plain_path
from activities.experts.analysers.import_graph import PythonImportsAnalyser, SourceImportsAnalyser
from activities.experts.analysers.profile_report import ProfileAnalyser
from activities.experts.analysers.untested import UntestedCodeAnalyser
from activities.experts.children.definitions import definitions
from activities.experts.children.syntax import Unparsable, parse
from activities.experts.sandbox import KernelSandbox
from models.expert import CoverageReason
from models.source import ArtifactKind
from tests.activities.experts.own import analyse, source
from tests.activities.experts.plain_sandbox import PlainSandbox

BODY = "    a = 1\n    b = a\n    c = b\n    d = c\n    return d\n"
FILES: dict[str, str | bytes] = {
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["requests"]\n',
    "package.json": '{"name": "shop", "dependencies": {"express": "4"}}\n',
    "shop/__init__.py": "",
    "shop/a.py": f"import shop.b\nimport nowhere\n\n\ndef alpha():\n{BODY}\n\ndef beta():\n{BODY}",
    "shop/b.py": "import requests\nimport shop.a\n",
    "tests/test_b.py": "import shop.b\n",
    "web/a.ts": "import './b';\nimport express from 'express';\nimport gone from 'gone';\n",
    "web/b.ts": "import './a';\n",
    "A.java": "package a;\n/** A. */\npublic class A {}\n",
    "src/lib.rs": "//! Lib.\n",
    "a.h": "/** \\param x y */\nint f(int z);\n",
}
LCOV = b"SF:shop/a.py\nDA:5,1\nDA:6,0\nDA:7,0\nDA:8,0\nDA:9,0\nDA:10,0\nend_of_record\n"
SPEEDSCOPE = json.dumps(
    {
        "shared": {"frames": [{"name": "alpha", "file": "shop/a.py", "line": 5}]},
        "profiles": [{"type": "sampled", "samples": [[0]], "weights": [1], "startValue": 0, "endValue": 1}],
    }
).encode()
ARTIFACTS = {ArtifactKind.LCOV: LCOV, ArtifactKind.SPEEDSCOPE: SPEEDSCOPE}
CASES = [
    (PythonImportsAnalyser(), {}, {"import-cycle"}),
    (SourceImportsAnalyser(), {}, {"import-cycle"}),
    (PythonDependenciesAnalyser(), {}, {"undeclared-dependency"}),
    (NodeDependenciesAnalyser(), {}, {"undeclared-dependency"}),
    (CoverageReportAnalyser(), ARTIFACTS, {"uncovered-code"}),
    (UntestedCodeAnalyser(), {}, {"untested-code"}),
    (DocumentationAnalyser(), {}, {"missing-docs", "stale-docs"}),
    (ProfileAnalyser(), ARTIFACTS, {"hot-function"}),
]
IDS = [case[0].name for case in CASES]


@pytest.mark.parametrize(("analyser", "artifacts", "kinds"), CASES, ids=IDS)
async def test_each_finds_the_same_inside_the_sandbox_as_outside(tmp_path, analyser, artifacts, kinds):
    tree = source(tmp_path, FILES, artifacts=artifacts)
    outside = await analyse(analyser, tree)
    inside = await analyse(analyser, tree, KernelSandbox())
    assert inside.run.failure is None
    assert {finding.kind for finding in inside.findings} == kinds
    assert inside.findings == outside.findings
    assert inside.failed == outside.failed


class Broken:
    """A sandbox whose program ends in a given way."""

    isolation = "limits-only"

    def __init__(self, done: Completed) -> None:
        self.done = done

    async def run(self, argv, **_):
        assert argv[0] == sys.executable
        assert argv[1] == "-I"
        return self.done


@pytest.mark.parametrize(("analyser", "artifacts", "kinds"), CASES, ids=IDS)
@pytest.mark.parametrize(
    ("done", "reason"),
    [
        (Completed("timeout", None, b"", b""), CoverageReason.TIMEOUT),
        (Completed("memory", 1, b"", b""), CoverageReason.MEMORY),
        (Completed("killed", -11, b"", b""), CoverageReason.CRASHED),
        (Completed("exited", 1, b"", b""), CoverageReason.CRASHED),
        (Completed("exited", 3, b"", b""), CoverageReason.OUTPUT_INVALID),
        (Completed("exited", 0, b'{"analysed": [], "failed": {}, "more": 1}', b""), CoverageReason.OUTPUT_INVALID),
        (Completed("exited", 0, b"[" * 100_000, b""), CoverageReason.OUTPUT_INVALID),
        (Completed("output_too_large", None, b"", b""), CoverageReason.OUTPUT_TOO_LARGE),
        (Completed("tool_missing", None, b"", b""), CoverageReason.TOOL_MISSING),
    ],
)
async def test_a_child_that_fails_is_never_clean(tmp_path, analyser, artifacts, kinds, done, reason):
    tree = source(tmp_path, FILES, artifacts=artifacts)
    result = await analyse(analyser, tree, Broken(done))
    assert result.run.failure is reason
    assert set(result.failed.values()) == {reason}
    assert set(result.failed) == set(analyser.wants(tree))
    assert not result.findings


async def test_facts_about_places_that_are_not_in_the_source_are_dropped(tmp_path):
    tree = source(tmp_path, FILES)
    place = {"path": "/etc/passwd", "line": 1, "end": 1}
    cycle = {**place, "nodes": ["x\x1b[31m"], "length": 1, "size": 1, "others": [place], "lazy": False}
    answer = {
        "analysed": ["/etc/passwd", "shop/a.py"],
        "failed": {},
        "modules": 1,
        "imports": 1,
        "cycles": [cycle, cycle | {"path": "shop/a.py", "line": 9_000}],
        "hubs": [],
        "violations": [],
    }
    done = Completed("exited", 0, json.dumps(answer).encode(), b"")
    result = await analyse(PythonImportsAnalyser(), tree, Broken(done))
    assert result.analysed == {"shop/a.py"}
    assert set(result.failed.values()) == {CoverageReason.OUTPUT_INVALID}
    assert [finding.path for finding in result.findings] == ["shop/a.py"]
    assert "\x1b" not in result.findings[0].message
    assert not result.findings[0].related


async def test_a_second_run_says_the_same(tmp_path):
    tree = source(tmp_path, FILES)
    for analyser, artifacts, _ in CASES:
        if not artifacts:
            first, second = await analyse(analyser, tree), await analyse(analyser, tree)
            assert first.findings == second.findings


async def test_names_and_paths_from_the_code_cannot_act_on_a_terminal(tmp_path):
    assert plain_name("a\x1b[31m`\n\u202eb") == "a??31m???b"
    assert "\x1b" not in plain_path("a/\x1b[2J/b.py")
    assert len(plain_path("x/" * 300)) == 80
    files: dict[str, str | bytes] = {"a\x1b[31m.py": "import b\n"}
    result = await analyse(PythonImportsAnalyser(), source(tmp_path, files))
    assert result.run.failure is None


async def test_a_link_in_the_tree_is_not_followed(tmp_path):
    tree = source(tmp_path, {"a.py": "import b\n", "b.js": "x\n"})
    (tree.root / "b.js").unlink()
    (tree.root / "b.js").symlink_to("/etc/passwd")
    result = await SourceImportsAnalyser().run(tree, PlainSandbox())
    assert result.run.failure is CoverageReason.CRASHED


SAMPLES = {
    "python": "class A:\n    def f(self, a, *b, c=1, **d):\n        return a\n\n    def _g(self): ...\n",
    "javascript": "module.exports = class A {\n  f(a, ...b) { return a }\n};\nexports.g = (x) => x;\n",
    "typescript": "export class A {\n  f(a: number, b?: string) { return a }\n  private g() {}\n}\n",
    "java": "public class A {\n  public int f(int a, String... b) { return a; }\n  int g() { return 1; }\n}\n",
    "rust": "pub struct A;\nimpl A {\n    pub fn f(&self, a: i32, b: u8) -> i32 { a }\n    fn g() {}\n}\n",
    "cpp": "class A {\npublic:\n  int f(int a, const char *b);\nprivate:\n  void g();\n};\n",
    "c": "int f(int a, char *b) { return a; }\nstatic void g(void) {}\n",
}


@pytest.mark.parametrize("language", SAMPLES)
def test_definitions_have_name_parameters_and_visibility_in_every_language(language):
    found = {item.name: item for item in definitions(parse("x", language, SAMPLES[language].encode()))}
    assert found["f"].parameters[:2] == ("a", "b")
    assert found["f"].returns is True
    if language != "javascript":
        assert found["f"].public
        hidden = found.get("g") or found["_g"]
        assert not hidden.public
    else:
        assert found["g"].public


@pytest.mark.parametrize("language", SAMPLES)
@pytest.mark.parametrize(
    "text", ["(" * 100_000, "{" * 100_000, "a(" * 50_000, "\0" * 1000, "é" * 10_000, "<" * 100_000]
)
def test_hostile_text_ends_soon(language, text):
    try:
        definitions(parse("x", language, text.encode()))
    except Unparsable as error:
        assert error.reason in ("parse_error", "timeout")
