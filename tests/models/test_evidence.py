"""What calls for an expert."""

import time

import pytest

from models.evidence import evidence_of
from models.source import ArtifactKind, Evidence, LineRange, SourceFile, language_of


def a_file(path: str, text: str, changed: list[tuple[int, int]] | None = None) -> SourceFile:
    ranges = None if changed is None else tuple(LineRange(start=start, end=end) for start, end in changed)
    return SourceFile(
        path=path,
        language=language_of(path),
        sha256="0" * 64,
        size=len(text.encode()),
        characters=len(text),
        lines=text.count("\n"),
        changed=ranges,
    )


def evidence(
    path: str, text: str, changed: list[tuple[int, int]] | None = None, removed: dict[str, list[str]] | None = None
) -> set[Evidence]:
    return set(evidence_of([a_file(path, text, changed)], {path: text}, (), removed))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "import socket"),
        ("a.py", "cursor.execute(query)"),
        ("a.py", 'q = "SELECT * FROM t WHERE id=" + key'),
        ("a.py", "digest = hashlib.md5(data)"),
        ("a.py", "subprocess.run(command, shell=True)"),
        ("a.py", "value = pickle.loads(data)"),
        ("a.py", "text = open(name).read()"),
        ("a.py", "if authenticate(user):"),
        ("a.js", "const { exec } = require('child_process')"),
        ("a.ts", "element.innerHTML = comment"),
        ("A.java", "Runtime.getRuntime().exec(command);"),
        ("A.java", "ObjectInputStream in = new ObjectInputStream(stream);"),
        ("a.rs", "let out = Command::new(name).output();"),
        ("a.rs", "unsafe { *pointer }"),
        ("a.c", "strcpy(buffer, input);"),
        ("a.cpp", "std::ifstream file(name);"),
    ],
)
def test_security_relevant_code_calls_for_the_security_expert(path: str, line: str) -> None:
    assert evidence(path, f"x\n{line}\n") == {Evidence.SECURITY_CONSTRUCTS}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "total = sum(values)"),
        ("a.py", "# open the socket"),
        ("a.py", "opened = is_open"),
        ("a.js", "// eval(x)"),
        ("A.java", "int count = values.size();"),
        ("a.rs", "let total: u32 = values.iter().sum();"),
        ("a.c", "int total = add(1, 2);"),
        ("README.md", "import socket"),
    ],
)
def test_harmless_code_calls_for_nobody(path: str, line: str) -> None:
    assert evidence(path, f"{line}\n") == set()


def test_only_changed_lines_of_a_change_count() -> None:
    text = "import socket\ntotal = 1\n"
    assert evidence("a.py", text, [(2, 2)]) == set()
    assert evidence("a.py", text, [(1, 1)]) == {Evidence.SECURITY_CONSTRUCTS}
    assert evidence("a.py", text, []) == set()


def test_removing_a_check_counts_like_adding_one() -> None:
    found = evidence("a.py", "x = 1\n", [(1, 1)], removed={"a.py": ["    if hmac.compare_digest(a, b):"]})
    assert found == {Evidence.SECURITY_CONSTRUCTS}


@pytest.mark.parametrize(
    ("path", "line", "public"),
    [
        ("a.py", "def area(side):", True),
        ("a.py", "    async def fetch_all(self):", True),
        ("a.py", "def _helper():", False),
        ("a.py", "total = area(2)", False),
        ("a.js", "export function area(side) {", True),
        ("a.js", "function area(side) {", False),
        ("a.ts", "export interface Shape {", True),
        ("A.java", "    public int area() {", True),
        ("A.java", "    private int area() {", False),
        ("a.rs", "pub fn area() -> u32 {", True),
        ("a.rs", "pub(crate) fn area() -> u32 {", False),
        ("a.hpp", "int area(int side);", True),
        ("a.h", "struct shape;", True),
        ("a.hpp", "  total = 3;", False),
        ("a.cpp", "int area(int side) {", False),
    ],
)
def test_a_changed_public_declaration_calls_for_the_documentation_expert(path: str, line: str, public: bool) -> None:
    assert (Evidence.PUBLIC_API_CHANGED in evidence(path, f"{line}\n", [(1, 1)])) is public


def test_a_removed_public_declaration_counts_and_whole_files_do_not() -> None:
    assert evidence("a.py", "x = 1\n", [(1, 1)], removed={"a.py": ["def area():"]}) == {Evidence.PUBLIC_API_CHANGED}
    assert evidence("a.py", "def area():\n    pass\n") == set()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (ArtifactKind.COVERAGE_JSON, Evidence.COVERAGE),
        (ArtifactKind.COBERTURA_XML, Evidence.COVERAGE),
        (ArtifactKind.LCOV, Evidence.COVERAGE),
        (ArtifactKind.PSTATS, Evidence.PROFILE),
        (ArtifactKind.SPEEDSCOPE, Evidence.PROFILE),
    ],
)
def test_a_report_that_came_along_is_evidence(kind: ArtifactKind, expected: Evidence) -> None:
    assert evidence_of([], {}, [kind]) == (expected,)


@pytest.mark.parametrize("unit", ["a ", "def ", "(", "  ", "a(", "\t", "x" * 400, "/*", "SELECTED "])
@pytest.mark.parametrize("path", ["a.py", "a.hpp", "a.rs"])
def test_the_largest_file_on_one_line_takes_no_noticeable_time(path: str, unit: str) -> None:
    text = unit * (512 * 1024 // len(unit))
    start = time.perf_counter()
    evidence(path, text, [(1, 1)])
    assert time.perf_counter() - start < 2
