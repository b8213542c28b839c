"""Public code that no test names."""

from activities.experts.analysers.untested import UntestedCodeAnalyser
from models.expert import CoverageReason
from models.source import ArtifactKind
from tests.activities.experts.own import analyse, source

BODY = "    a = 1\n    b = a\n    c = b\n    d = c\n    return d\n"


def module(*names: str) -> str:
    return "\n\n".join(f"def {name}():\n{BODY}" for name in names)


async def test_a_module_without_any_test(tmp_path):
    files = {
        "shop/a.py": module("alpha", "beta", "gamma"),
        "shop/b.py": module("delta", "_hidden", "epsilon"),
        "tests/test_b.py": "from shop.b import delta, epsilon\n",
    }
    (found,) = (await analyse(UntestedCodeAnalyser(), source(tmp_path, files))).findings
    assert (found.path, found.rule, found.kind) == ("shop/a.py", "untested-module", "untested-code")
    assert "3 of 3" in found.message
    assert found.confidence < 0.5


async def test_a_well_tested_module_with_a_few_gaps_is_left_alone(tmp_path):
    files = {"a.py": module("one", "two", "three", "four"), "test_a.py": "one, two, three\n"}
    assert not (await analyse(UntestedCodeAnalyser(), source(tmp_path, files))).findings


async def test_tests_of_another_language_do_not_count(tmp_path):
    files = {"a.py": module("alpha", "beta"), "a.test.js": "alpha(); beta();\n", "b.rs": "pub fn f() {}\n"}
    result = await analyse(UntestedCodeAnalyser(), source(tmp_path, files))
    assert not result.findings
    assert len(result.analysed) == 3


async def test_rust_tests_stand_in_the_same_file(tmp_path):
    body = "{\n    let a = 1;\n    let b = a;\n    let c = b;\n    let d = c;\n    d\n}\n"
    named = f"pub fn alpha() -> i32 {body}pub fn beta() -> i32 {body}"
    tests = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() { super::alpha(); super::beta(); }\n}\n"
    files = {"src/a.rs": named + tests, "src/b.rs": named.replace("alpha", "gamma").replace("beta", "delta")}
    files["tests/t.rs"] = "fn x() {}\n"
    (found,) = (await analyse(UntestedCodeAnalyser(), source(tmp_path, files))).findings
    assert found.path == "src/b.rs"


async def test_a_change_without_a_test(tmp_path):
    files = {"a.py": module("one", "two", "three"), "tests/test_a.py": "three()\n"}
    changed = {"a.py": ((1, 3),), "tests/test_a.py": ((1, 1),)}
    (found,) = (await analyse(UntestedCodeAnalyser(), source(tmp_path, files, changed=changed))).findings
    assert (found.kind, found.line_start) == ("untested-change", 1)
    assert "1 changed" in found.message


async def test_only_where_there_are_tests_and_no_report(tmp_path):
    files = {"a.py": module("alpha", "beta")}
    assert UntestedCodeAnalyser().wants(source(tmp_path, files)) == ()
    files["test_a.py"] = ""
    assert UntestedCodeAnalyser().wants(source(tmp_path, files)) == ("a.py", "test_a.py")
    assert UntestedCodeAnalyser().wants(source(tmp_path, files, artifacts={ArtifactKind.LCOV: b""})) == ()


async def test_a_broken_file_is_not_called_analysed(tmp_path):
    files = {"a.py": "((((" * 9000, "test_a.py": "x\n"}
    result = await analyse(UntestedCodeAnalyser(), source(tmp_path, files))
    assert result.failed == {"a.py": CoverageReason.PARSE_ERROR}
