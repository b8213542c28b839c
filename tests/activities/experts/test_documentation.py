"""Documentation: what counts as missing, what contradicts the signature, and what is left alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.experts.analysers.documentation import DocumentationAnalyser
from activities.experts.children.doc_comments import documented
from models.expert import CoverageReason
from tests.activities.experts.own import analyse, of_kind, source

PY_BODY = "    a = x\n    b = a\n    c = b\n    d = c\n    print(d)\n"
JS_BODY = "  let a = x;\n  a += 1;\n  a += 2;\n  a += 3;\n  use(a);\n"

MISSING = {
    "a.py": f'"""Module."""\n\n\ndef shown(x):\n{PY_BODY}\n\ndef _hidden(x):\n{PY_BODY}\n\ndef told(x):\n'
    f'    """Doc."""\n{PY_BODY}',
    "a.ts": f"export function shown(x: number) {{\n{JS_BODY}}}\nfunction hidden(x) {{\n{JS_BODY}}}\n"
    f"/** Doc. */\nexport const told = (x) => {{\n{JS_BODY}}};\n",
    "a.js": f"exports.shown = function (x) {{\n{JS_BODY}}};\nfunction hidden(x) {{\n{JS_BODY}}}\n",
    "A.java": "/** A. */\npublic class A {\n  public int shown(int x) {\n    int a = x;\n    a++;\n    a++;\n    a++;\n"
    "    return a;\n  }\n  int hidden(int x) {\n    int a = x;\n    a++;\n    a++;\n    a++;\n    return a;\n  }\n"
    '  @Override\n  public String toString() {\n    int a;\n    a = 1;\n    a = 2;\n    a = 3;\n    return "";\n  }\n'
    "}\n",
    "a.rs": "pub fn shown(x: i32) -> i32 {\n    let a = x;\n    let b = a;\n    let c = b;\n    let d = c;\n    d\n}\n"
    "pub(crate) fn hidden(x: i32) -> i32 {\n    let a = x;\n    let b = a;\n    let c = b;\n    let d = c;\n    d\n}\n"
    "/// Told.\n#[inline]\npub fn told(x: i32) -> i32 {\n    let a = x;\n    let b = a;\n    let c = b;\n"
    "    let d = c;\n    d\n}\n",
    "a.hpp": "int shown(int x);\n// told\nint told(int x);\nnamespace { int hidden(int x); }\nclass K {\n"
    " int hidden();\n};\n",
    "b.c": "int shown_in_no_header(int x) {\n  int a = x;\n  a++;\n  a++;\n  a++;\n  return a;\n}\n"
    "static int hidden(int x) {\n  int a = x;\n  a++;\n  a++;\n  a++;\n  return a;\n}\n",
}


@pytest.mark.parametrize("path", sorted(MISSING))
async def test_missing_documentation_is_one_finding_per_file_at_the_first_place(tmp_path, path):
    result = await analyse(DocumentationAnalyser(), source(tmp_path, {path: MISSING[path]}))
    (found,) = result.findings
    assert found.kind == "missing-docs"
    assert "`shown" in found.message
    assert "shown" in found.quote
    assert found.message.startswith("1 of ")


@pytest.mark.parametrize(
    "above, missing", [("/** Doc. */\n\n", 0), ("/** Doc. */\n\n\n", 1), ("/* Licence. */\n\n", 1)]
)
async def test_a_documentation_comment_may_stand_one_line_apart(tmp_path, above, missing):
    text = f"{above}exports.shown = function (x) {{\n{JS_BODY}}};\n"
    result = await analyse(DocumentationAnalyser(), source(tmp_path, {"a.js": text}))
    assert len(result.findings) == missing


async def test_nothing_is_missed_above_the_known_lines_of_a_fragment(tmp_path):
    tree = source(tmp_path, {"a.js": MISSING["a.js"]})
    files = tuple(file.model_copy(update={"fragment": True}) for file in tree.manifest.files)
    tree = replace(tree, manifest=tree.manifest.model_copy(update={"files": files}))
    assert not (await analyse(DocumentationAnalyser(), tree)).findings


async def test_a_header_speaks_for_its_source_file(tmp_path):
    files = {"a.h": "/* Told. */\nint f(int x);\n", "a.c": MISSING["b.c"].replace("shown_in_no_header", "f")}
    assert not (await analyse(DocumentationAnalyser(), source(tmp_path, files))).findings


async def test_tests_stubs_and_examples_need_none(tmp_path):
    files = {"tests/test_a.py": MISSING["a.py"], "a.pyi": MISSING["a.py"], "examples/a.py": MISSING["a.py"]}
    result = await analyse(DocumentationAnalyser(), source(tmp_path, files))
    assert not result.findings
    assert len(result.analysed) == 3


STALE = {
    "google.py": 'def f(self_, name):\n    """D.\n\n    Args:\n        self_: x\n        nam (str): y\n'
    "            more: z\n\n    Returns:\n"
    '        str: a\n    """\n    return 1\n',
    "numpy.py": 'def f(a, name):\n    """D.\n\n    Parameters\n    ----------\n    a : int\n        x\n'
    "    nam : str\n        y\n\n    Returns\n"
    '    -------\n    int\n    """\n    return 1\n',
    "sphinx.py": 'def f(a, name):\n    """D.\n\n    :param int a: x\n    :param nam: y\n    :returns: z\n    """\n'
    "    return 1\n",
    "f.js": "/**\n * D.\n * @param {{a: {b: number}}} a - x\n * @param {string} [nam=3] y\n * @returns {number}\n */\n"
    "function f(a, name) {\n  return 1;\n}\n",
    "f.ts": "/**\n * @param a x\n * @param nam y\n */\nexport function f(a: string, name?: string): number {\n"
    "  return 1;\n}\n",
    "F.java": "class F {\n  /**\n   * D.\n   * @param <T> t\n   * @param a x\n   * @param nam y\n   * @return z\n"
    "   */\n"
    "  <T> int f(int a, T name) {\n    return 1;\n  }\n}\n",
    "f.rs": "/// D.\n///\n/// # Arguments\n///\n/// * `a` - x\n/// * `nam` - y\n"
    "pub fn f(a: i32, name: i32) -> i32 {\n    a\n}\n",
    "f.hpp": "/**\n * \\param[in] a x\n * \\param nam y\n * \\return z\n */\nint f(const int& a, char *name);\n",
}


@pytest.mark.parametrize("path", sorted(STALE))
async def test_a_documented_parameter_that_is_not_there(tmp_path, path):
    result = await analyse(DocumentationAnalyser(), source(tmp_path, {path: STALE[path]}))
    rules = {found.rule: found for found in of_kind(result, "stale-docs")}
    assert set(rules) == {"unknown-parameter", "missing-parameter"}
    assert "`nam`" in rules["unknown-parameter"].message
    assert "`name`" in rules["missing-parameter"].message
    told = range(rules["unknown-parameter"].line_start, rules["unknown-parameter"].line_end + 1)
    line = next(
        number
        for number, text in enumerate(STALE[path].split("\n"), 1)
        if "nam " in text or "nam:" in text or "[nam" in text or "`nam`" in text
    )
    assert line in told


@pytest.mark.parametrize("path", sorted(STALE))
async def test_documentation_that_fits_is_left_alone(tmp_path, path):
    text = (
        STALE[path]
        .replace("nam ", "name ")
        .replace("nam:", "name:")
        .replace("[nam=", "[name=")
        .replace("`nam`", "`name`")
    )
    result = await analyse(DocumentationAnalyser(), source(tmp_path, {path: text}))
    assert not of_kind(result, "stale-docs")


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("a.py", 'def f(x):\n    """D.\n\n    Returns:\n        int: y\n    """\n    print(x)\n    print(x)\n', 1),
        ("b.py", 'def f(x):\n    """D.\n\n    Returns:\n        None\n    """\n    print(x)\n    print(x)\n', 0),
        ("c.py", 'def f(x):\n    """D.\n\n    Returns:\n        int: y\n    """\n    raise NotImplementedError\n', 0),
        ("d.py", 'def f(x):\n    """D.\n\n    Returns:\n        int: y\n    """\n    yield x\n    print(x)\n', 0),
        (
            "e.py",
            'def f(x):\n    """D.\n\n    Returns:\n        int: y\n    """\n    def g():\n        return 1\n    g()\n',
            1,
        ),
        ("A.java", "class A {\n  /** @return z */\n  void f() {\n    int a;\n  }\n}\n", 1),
        ("a.h", "/** \\return z */\nvoid f(void);\n", 1),
        ("b.h", "/** \\return z */\nvoid *f(void);\n", 0),
        ("a.js", "/** @returns {Promise<void>} */\nfunction f() {\n  a();\n  b();\n}\n", 0),
        ("b.js", "/** @returns {number} */\nfunction f() {\n  a();\n  b();\n}\n", 1),
        ("c.js", "/** @returns {number} */\nasync function f() {\n  a();\n  b();\n}\n", 0),
    ],
)
async def test_a_promised_return_value(tmp_path, path, text, count):
    result = await analyse(DocumentationAnalyser(), source(tmp_path, {path: text}))
    assert [found.rule for found in of_kind(result, "stale-docs")] == ["return-without-value"] * count


@pytest.mark.parametrize(
    "text",
    [
        'def f(**options):\n    """D.\n\n    Args:\n        colour: x\n    """\n',
        'def f(a):\n    """D.\n\n    Args:\n        a: see `b`: c\n        Note that d: e\n    """\n',
        'def f(a, _private, *args):\n    """D.\n\n    Args:\n        a: x\n    """\n',
        'def f(a, b):\n    """D."""\n',
        'class A:\n    def f(self, a):\n        """D.\n\n        Args:\n            a: x\n        """\n',
    ],
)
async def test_signatures_that_take_more_than_they_list(tmp_path, text):
    result = await analyse(DocumentationAnalyser(), source(tmp_path, {"a.py": text}))
    assert not of_kind(result, "stale-docs")


async def test_a_change_is_judged_by_what_it_touches(tmp_path):
    text = MISSING["a.py"] + f"\n\ndef second(x):\n{PY_BODY}"
    line = text.split("\n").index("def second(x):") + 1
    whole = await analyse(DocumentationAnalyser(), source(tmp_path, {"a.py": text}))
    assert "`shown`" in whole.findings[0].message
    change = source(tmp_path / "2", {"a.py": text}, changed={"a.py": ((line + 2, line + 2),)})
    (found,) = (await analyse(DocumentationAnalyser(), change)).findings
    assert found.line_start == line
    nothing = source(tmp_path / "3", {"a.py": text}, changed={"a.py": ((1, 1),)})
    assert not (await analyse(DocumentationAnalyser(), nothing)).findings


async def test_what_is_not_in_the_language_is_not_called_analysed(tmp_path):
    files = {
        "poem.py": "The curfew tolls the knell of parting day,\nThe lowing herd winds slowly o'er the lea\n" * 20,
        "deep.py": "[" * 200_000,
        "arrows.ts": "a=>" * 150_000 + "1\n",
        "fine.rs": "fn f() {}\n",
        "empty.java": "",
    }
    result = await analyse(DocumentationAnalyser(), source(tmp_path, files))
    assert {"fine.rs", "empty.java"} <= result.analysed
    assert result.failed["poem.py"] == result.failed["deep.py"] == CoverageReason.PARSE_ERROR
    assert result.run.seconds < 30


@given(
    st.text(alphabet="ab :@\\param*{}[]<>`#-\n\t()Args:Returns", max_size=300),
    st.sampled_from(["python", "rust", "java"]),
)
def test_any_comment_is_read_without_error(text, language):
    said = documented(text, language)
    lines = text.count("\n") + 1
    assert all(0 <= number < lines for _, number in said.parameters)
    assert all(name and not name.startswith("*") for name, _ in said.parameters)


async def test_one_finding_speaks_for_many_of_its_sort(tmp_path):
    text = "".join(f'def f{n}(a, b):\n    """D.\n\n    Args:\n        a: x\n    """\n\n\n' for n in range(9))
    (found,) = of_kind(await analyse(DocumentationAnalyser(), source(tmp_path, {"a.py": text})), "stale-docs")
    assert "8 more in this file" in found.message
