"""Coverage reports: right numbers, the right files, and never clean where the report cannot be used."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.experts.analysers.coverage_report import CoverageReportAnalyser
from activities.experts.children.coverage_formats import Measured, read_report
from activities.experts.children.coverage_report import largest_block
from activities.experts.children.places import PathIndex
from activities.experts.children.protocol import InputInvalid
from models.expert import CoverageReason, Severity
from models.source import ArtifactKind
from tests.activities.experts.own import analyse, of_kind, source

CODE = "\n".join(
    [
        "import os",
        "",
        "",
        "def used(x):",
        "    if x:",
        "        return 1",
        "    return 2",
        "",
        "",
        "def never(x):",
        *[f"    a{n} = x" for n in range(12)],
        "    return a1",
        "",
    ]
)
RAN, MISSED = [1, 4, 5, 6, 10], [7, *range(11, 24)]
JSON = {
    "meta": {"version": "7.17"},
    "files": {
        "/build/ws/src/shop/a.py": {
            "executed_lines": RAN,
            "missing_lines": MISSED,
            "executed_branches": [[5, 6]],
            "missing_branches": [[5, 7]],
        }
    },
}
FILES: dict[str, str | bytes] = {"src/shop/a.py": CODE}


def xml(lines: str, name: str = "shop/a.py", root: str = "/build/ws/src") -> bytes:
    return (
        '<?xml version="1.0" ?><!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">'
        f'<coverage><sources><source>{root}</source></sources><packages><package name="shop"><classes><class name="a" '
        f'filename="{name}"><methods/><lines>{lines}</lines></class></classes></package></packages></coverage>'
    ).encode()


XML = xml(
    "".join(f'<line number="{n}" hits="1"/>' for n in RAN if n != 5)
    + '<line number="5" hits="1" branch="true" condition-coverage="50% (1/2)"/>'
    + "".join(f'<line number="{n}" hits="0"/>' for n in MISSED)
)
LCOV = (
    "TN:\nSF:C:\\ws\\src\\shop\\a.py\n"
    + "".join(f"DA:{n},3\n" for n in RAN)
    + "".join(f"DA:{n},0\n" for n in MISSED)
    + "BRDA:5,0,0,3\nBRDA:5,0,1,-\nLF:19\nend_of_record\n"
).encode()
REPORTS = {
    ArtifactKind.COVERAGE_JSON: json.dumps(JSON).encode(),
    ArtifactKind.COBERTURA_XML: XML,
    ArtifactKind.LCOV: LCOV,
}


@pytest.mark.parametrize("kind", REPORTS)
async def test_the_same_run_in_three_formats_is_the_same_finding(tmp_path, kind):
    result = await analyse(CoverageReportAnalyser(), source(tmp_path, FILES, artifacts={kind: REPORTS[kind]}))
    (found,) = result.findings
    assert (found.rule, found.line_start, found.line_end) == ("uncovered-function", 10, 23)
    assert "1 of 1 public functions" in found.message
    assert "26% of 19 lines and 50% of 2 branches" in found.message
    assert result.metrics["lines-covered"] == 5
    assert result.metrics["line-coverage"] == round(5 / 19, 4)
    assert result.metrics["branch-coverage"] == 0.5


async def test_a_line_ran_if_any_report_says_so(tmp_path):
    other = xml("".join(f'<line number="{n}" hits="2"/>' for n in MISSED))
    artifacts = REPORTS | {ArtifactKind.COBERTURA_XML: other}
    result = await analyse(CoverageReportAnalyser(), source(tmp_path, FILES, artifacts=artifacts))
    assert result.metrics["line-coverage"] == 1
    assert not result.findings


async def test_in_a_change_only_changed_lines_count(tmp_path):
    changed = {"src/shop/a.py": ((5, 7), (12, 14))}
    tree = source(tmp_path, FILES, artifacts={ArtifactKind.LCOV: LCOV}, changed=changed)
    (found,) = (await analyse(CoverageReportAnalyser(), tree)).findings
    assert (found.kind, found.severity, found.line_start, found.line_end) == (
        "untested-change",
        Severity.MEDIUM,
        12,
        14,
    )
    assert "4 of the 6 changed lines" in found.message
    assert "1 more run only one way" in found.message


async def test_covered_changes_say_nothing(tmp_path):
    changed = {"src/shop/a.py": ((4, 6),)}
    tree = source(
        tmp_path, FILES, artifacts={ArtifactKind.COVERAGE_JSON: REPORTS[ArtifactKind.COVERAGE_JSON]}, changed=changed
    )
    assert not (await analyse(CoverageReportAnalyser(), tree)).findings


async def test_java_and_javascript_reports(tmp_path):
    java = (
        "package shop;\npublic class A {\n  public int run(int x) {\n    int a = x;\n    a++;\n    a++;\n"
        "    a++;\n    return a;\n  }\n}\n"
    )
    lines = "".join(f'<line number="{n}" hits="0"/>' for n in range(4, 9)) + '<line number="2" hits="1"/>'
    report = xml(lines, "shop/A.java", "C:/other/src/main/java")
    tree = source(tmp_path, {"src/main/java/shop/A.java": java}, artifacts={ArtifactKind.COBERTURA_XML: report})
    (found,) = (await analyse(CoverageReportAnalyser(), tree)).findings
    assert (found.rule, found.line_start) == ("uncovered-function", 3)
    script = "exports.run = function (x) {\n  let a = x;\n  a++;\n  a++;\n  a++;\n  return a;\n};\n"
    lcov = b"SF:lib/a.js\nDA:1,1\n" + b"".join(b"DA:%d,0\n" % n for n in range(2, 7)) + b"end_of_record\n"
    tree = source(tmp_path / "js", {"lib/a.js": script}, artifacts={ArtifactKind.LCOV: lcov})
    (found,) = (await analyse(CoverageReportAnalyser(), tree)).findings
    assert (found.rule, found.line_start) == ("uncovered-function", 1)


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE c [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, (b"&a%d;" % (n - 1) if n else b"&a;") * 10) for n in range(12))
    + b"]><coverage><source>&a11;</source></coverage>"
)
EXTERNAL = b'<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]><coverage><source>&x;</source></coverage>'


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (ArtifactKind.COBERTURA_XML, BOMB),
        (ArtifactKind.COBERTURA_XML, EXTERNAL),
        (ArtifactKind.COBERTURA_XML, b"<a>" * 200_000),
        (ArtifactKind.COBERTURA_XML, XML[:-40]),
        (ArtifactKind.COBERTURA_XML, XML.replace(b'hits="0"', b'hits="many"')),
        (ArtifactKind.COBERTURA_XML, "<coverage>ä</coverage>".encode("utf-16")),
        (ArtifactKind.COBERTURA_XML, b""),
        (ArtifactKind.COVERAGE_JSON, b"[" * 200_000),
        (ArtifactKind.COVERAGE_JSON, b'{"files": []}'),
        (ArtifactKind.COVERAGE_JSON, b'{"files": {"src/shop/a.py": {"executed_lines": 3}}}'),
        (ArtifactKind.COVERAGE_JSON, json.dumps(JSON).encode("utf-16")[:-3]),
        (ArtifactKind.COVERAGE_JSON, json.dumps(JSON).replace("/build/ws/src/shop/a.py", "other/b.py").encode()),
        (ArtifactKind.LCOV, b"SF:a.py\nDA:one,two\nend_of_record\n"),
        (ArtifactKind.LCOV, b"\xff\xfe\x00"),
        (ArtifactKind.LCOV, LCOV.replace(b"shop\\a.py", b"shop\\other.py")),
    ],
)
async def test_a_report_that_cannot_be_used_is_a_failure(tmp_path, kind, data):
    result = await analyse(CoverageReportAnalyser(), source(tmp_path, FILES, artifacts={kind: data}))
    assert result.run.failure is CoverageReason.OUTPUT_INVALID
    assert result.failed == {"src/shop/a.py": CoverageReason.OUTPUT_INVALID}
    assert not result.findings


async def test_files_the_report_does_not_know(tmp_path):
    files = FILES | {
        "src/shop/old.py": CODE,
        "src/shop/new.py": "\n".join(f"x{n} = 1" for n in range(30)),
        "web/a.js": "f()\n",
        "tests/test_a.py": CODE,
    }
    data = json.loads(json.dumps(JSON))
    data["files"]["/build/ws/src/shop/old.py"] = {"executed_lines": [900], "missing_lines": []}
    tree = source(tmp_path, files, artifacts={ArtifactKind.COVERAGE_JSON: json.dumps(data).encode()})
    result = await analyse(CoverageReportAnalyser(), tree)
    assert result.failed == {"src/shop/old.py": CoverageReason.OUTPUT_INVALID, "web/a.js": CoverageReason.NO_INPUT}
    assert [found.path for found in of_kind(result, "uncovered-code") if found.rule == "not-measured"] == [
        "src/shop/new.py"
    ]


def test_without_a_report_there_is_nothing_to_do(tmp_path):
    assert CoverageReportAnalyser().wants(source(tmp_path, FILES)) == ()


@given(st.sampled_from(["coverage_json", "cobertura_xml", "lcov"]), st.binary(max_size=400))
def test_any_bytes_are_a_report_or_refused(kind, data):
    try:
        report = read_report(kind, data)
    except InputInvalid:
        return
    assert any(measured.hits for measured in report.files.values())


@given(st.dictionaries(st.integers(1, 60), st.integers(0, 1), min_size=1))
def test_the_largest_block_holds_no_line_that_ran(hits):
    missing = sorted(line for line, count in hits.items() if not count)
    block = largest_block(missing, Measured(hits))
    if not missing:
        assert block is None
        return
    inside = [line for line in hits if block[0] <= line <= block[1]]
    assert block[2] == len(inside)
    assert all(hits[line] == 0 for line in inside)


SEGMENT = st.sampled_from(["src", "app", "a.py", "b.py", "lib"])


@given(
    st.lists(st.lists(SEGMENT, min_size=1, max_size=4).map("/".join), min_size=1, max_size=8),
    st.lists(SEGMENT, max_size=3),
)
def test_a_path_under_any_prefix_is_found_unless_it_is_ambiguous(paths, prefix):
    index = PathIndex(paths)
    for path in paths:
        for reported in ("/" + "/".join([*prefix, path]), "C:\\" + "\\".join([*prefix, *path.split("/")])):
            found = index.find(reported)
            assert found is None or reported.replace("\\", "/").endswith(found) or found.endswith(path)
    assert index.find("/usr/lib/python3/nothing.py") is None


def test_an_equal_file_name_alone_is_no_match():
    index = PathIndex(["src/requests/utils.py", "top.py"])
    assert index.find("/usr/lib/python3.11/utils.py") is None
    assert index.find("requests/utils.py") == "src/requests/utils.py"
    assert index.find("/x/site-packages/requests/utils.py") == "src/requests/utils.py"
    assert index.find("utils.py") == "src/requests/utils.py"
    assert PathIndex(["a/u.py", "b/u.py"]).find("u.py") is None
