"""Import graphs: what is a cycle, in which language, and that nothing of the tree ever runs."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.experts.analysers.import_graph import PythonImportsAnalyser, SourceImportsAnalyser
from activities.experts.children.import_graph import Edge, cycles, hubs, layering
from activities.experts.children.import_statements import expand_use
from activities.experts.children.python_modules import search_paths
from models.expert import CoverageReason, Severity
from models.validation import touches_change
from tests.activities.experts.own import analyse, of_kind, source

NODES = st.sampled_from("abcdef")
EDGES = st.lists(
    st.builds(lambda s, t, line, lazy: Edge(s, t, s, line, lazy), NODES, NODES, st.integers(1, 9), st.booleans()),
    max_size=25,
)


@given(EDGES)
def test_there_is_a_cycle_exactly_where_the_graph_is_no_dag(edges):
    found = cycles(edges)
    graph = nx.DiGraph([(edge.source, edge.target) for edge in edges if edge.source != edge.target])
    assert bool(found) == (not nx.is_directed_acyclic_graph(graph))


@given(EDGES)
def test_a_shown_cycle_is_made_of_imports_and_closed_by_the_line_it_names(edges):
    pairs = {(edge.source, edge.target) for edge in edges}
    for cycle in cycles(edges):
        ring = list(zip(cycle.nodes, cycle.nodes[1:] + cycle.nodes[:1], strict=True))
        assert set(ring) <= pairs
        assert cycle.closing in edges
        assert (cycle.closing.source, cycle.closing.target) == ring[-1]
        assert cycle.size >= len(cycle.nodes)


@given(EDGES, st.randoms())
def test_the_order_of_imports_does_not_matter(edges, random):
    shuffled = list(edges)
    random.shuffle(shuffled)
    assert cycles(edges) == cycles(shuffled)
    assert layering(edges) == layering(shuffled)


@given(EDGES)
def test_a_cycle_at_load_time_is_made_of_imports_at_load_time(edges):
    eager = {(edge.source, edge.target) for edge in edges if not edge.lazy}
    for cycle in cycles(edges):
        ring = set(zip(cycle.nodes, cycle.nodes[1:] + cycle.nodes[:1], strict=True))
        assert cycle.lazy == (not ring <= eager)


def test_a_changed_import_is_the_one_that_closes_the_cycle():
    edges = [Edge("a", "b", "a", 1), Edge("b", "c", "b", 1), Edge("c", "a", "c", 7)]
    for edge in edges:
        (cycle,) = cycles(edges, frozenset({(edge.path, edge.line)}))
        assert cycle.closing == edge


@pytest.mark.parametrize("line", [1, 2, 3, 4])
def test_a_change_anywhere_in_an_import_over_several_lines_closes_the_cycle(line):
    edges = [Edge("a", "b", "a", 1), Edge("b", "a", "b", 1, end=4)]
    (cycle,) = cycles(edges, frozenset({("b", line)}))
    assert (cycle.closing, cycle.others) == (edges[1], (edges[0],))


@given(EDGES)
def test_the_other_imports_of_a_cycle_are_told(edges):
    for cycle in cycles(edges):
        ring = set(zip(cycle.nodes, cycle.nodes[1:] + cycle.nodes[:1], strict=True))
        assert {(edge.source, edge.target) for edge in (*cycle.others, cycle.closing)} == ring
        assert set(cycle.others) <= set(edges)


def test_a_long_cycle_is_told_in_part_with_its_changed_imports_first():
    edges = [Edge(f"n{n:02}", f"n{(n + 1) % 40:02}", f"n{n:02}", 1) for n in range(40)]
    changed = frozenset({("n30", 1), ("n35", 1)})
    (cycle,) = cycles(edges, changed)
    assert (cycle.length, len(cycle.nodes), len(cycle.others)) == (40, 8, 20)
    assert {cycle.closing.path, cycle.others[0].path} == {"n30", "n35"}


def test_a_hub_needs_many_and_is_needed_by_many():
    outer = [Edge(f"user{n}.py", "hub.py", f"user{n}.py", 1) for n in range(15)]
    inner = [Edge("hub.py", f"part{n}.py", "hub.py", n + 1) for n in range(15)]
    assert hubs([*outer, *inner]) == [("hub.py", 15, 15)]
    assert hubs(outer) == hubs(inner) == []
    front = [
        Edge(e.source.replace("hub", "__init__"), e.target.replace("hub", "__init__"), "x", 1) for e in outer + inner
    ]
    assert hubs(front) == []


async def test_python_cycle_is_one_finding_at_the_closing_import(tmp_path):
    tree = source(
        tmp_path,
        {
            "src/shop/__init__.py": "",
            "src/shop/db.py": "import os\nfrom shop.service import run\n",
            "src/shop/service.py": "from . import db\n\n\ndef run():\n    return db\n",
            "src/shop/typed.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import shop.late\n",
            "src/shop/late.py": "import shop.typed\n",
        },
    )
    (found,) = (await analyse(PythonImportsAnalyser(), tree)).findings
    assert (found.kind, found.severity) == ("import-cycle", Severity.MEDIUM)
    assert found.quote in ("from . import db", "from shop.service import run")
    assert "db.py" in found.message
    assert "service.py" in found.message


@pytest.mark.parametrize("added", [{"a.py": (1, 1)}, {"b.py": (3, 3)}, {"c.py": (2, 2)}, {"d.py": (1, 1)}])
async def test_a_change_that_adds_any_import_of_a_ring_reports_it(tmp_path, added):
    files = {
        "a.py": "import b\n",
        "b.py": "from c import (\n    x,\n    y,\n)\n",
        "c.py": "x = y = 1\nimport a\n",
        "d.py": "x = 1\n",
    }
    tree = source(tmp_path, files, changed={path: (lines,) for path, lines in added.items()})
    (found,) = (await analyse(PythonImportsAnalyser(), tree)).findings
    assert len(found.related) == 2
    assert {found.path} | {place.path for place in found.related} == {"a.py", "b.py", "c.py"}
    assert touches_change(found, tree.manifest) == ("d.py" not in added)


async def test_a_cycle_that_only_a_late_import_closes_is_said_to_be_one(tmp_path):
    tree = source(
        tmp_path, {"a.py": "import b\n", "b.py": "def f():\n    import a\n    return a\n", "c.py": "import a, b\n"}
    )
    (found,) = (await analyse(PythonImportsAnalyser(), tree)).findings
    assert (found.rule, found.severity) == ("lazy-cycle", Severity.LOW)


@pytest.mark.parametrize(
    "files",
    [
        {"pkg/__init__.py": "from pkg.a import x\n", "pkg/a.py": "import pkg\nx = 1\n"},
        {"a.py": "import b\n", "b.py": "import logging\n", "logging.py": "import c\n", "c.py": "pass\n"},
        {
            "one/app.py": "import util\n",
            "one/util.py": "x = 1\n",
            "two/app.py": "x = 1\n",
            "two/util.py": "import app\n",
        },
    ],
    ids=["front page", "chain", "two projects with the same names"],
)
async def test_what_is_no_cycle(tmp_path, files):
    assert not (await analyse(PythonImportsAnalyser(), source(tmp_path, files))).findings


@pytest.mark.parametrize("label", ["shop", "no name!"])
async def test_a_tree_that_is_itself_a_package(tmp_path, label):
    files = {"__init__.py": "", "a.py": "from .b import x\n", "b.py": "from .a import y\n"}
    result = await analyse(PythonImportsAnalyser(), source(tmp_path, files, label=label))
    assert len(of_kind(result, "import-cycle")) == 1
    if label == "shop":
        files = {"__init__.py": "", "a.py": "from shop.b import x\n", "b.py": "from shop.a import y\n"}
        result = await analyse(PythonImportsAnalyser(), source(tmp_path / "2", files, label=label))
        assert len(of_kind(result, "import-cycle")) == 1


async def test_scripts_beside_each_other_in_a_folder_without_init(tmp_path):
    files = {"service/a.py": "import b\n", "service/b.py": "import a\n"}
    assert len((await analyse(PythonImportsAnalyser(), source(tmp_path, files))).findings) == 1


async def test_nothing_of_a_hostile_tree_is_run_and_nothing_shadows_the_tools(tmp_path):
    marker = tmp_path / "ran"
    bomb = f"open({str(marker)!r}, 'w').write('x')\nraise SystemExit(3)\n"
    names = (
        "grimp",
        "networkx",
        "tree_sitter",
        "json",
        "typing",
        "sitecustomize",
        "usercustomize",
        "activities",
        "conftest",
    )
    files: dict[str, str | bytes] = {f"{name}.py": bomb for name in names}
    files |= {f"{name}/__init__.py": bomb for name in ("deptry", "os", "models", "space/inner")}
    files |= {"space/loose.py": bomb, "setup.py": bomb, "evil.pth": f"import os; open({str(marker)!r}, 'w')"}
    files |= {"a.py": "import b\n", "b.py": "import a\nimport networkx\nimport space.loose\n"}
    result = await analyse(PythonImportsAnalyser(), source(tmp_path, files))
    assert len(of_kind(result, "import-cycle")) == 1
    assert not result.failed
    assert not marker.exists()


async def test_files_with_syntax_errors_fail_alone(tmp_path):
    files = {f"m{n}.py": f"import m{n + 1}\n" for n in range(40)} | {"m40.py": "import m0\n"}
    files |= {"bad1.py": "def f(:\n", "bad2.py": "import a\0\n", "bad3.py": "x = [" * 20_000, "1-2.py": "pass\n"}
    result = await analyse(PythonImportsAnalyser(), source(tmp_path, files))
    assert result.failed == dict.fromkeys(("bad1.py", "bad2.py", "bad3.py"), CoverageReason.PARSE_ERROR)
    assert "cycle of 41:" in result.findings[0].message


async def test_a_relative_import_that_leaves_the_source_costs_nothing(tmp_path):
    files = {"m0.py": "import m1\n", "m1.py": "import m0\n", "task.py": "from .. import a\nfrom ... import b\n"}
    result = await analyse(PythonImportsAnalyser(), source(tmp_path, files))
    assert not result.failed
    assert "cycle" in result.findings[0].message


async def test_product_code_that_needs_tests_or_entry_points(tmp_path):
    files = {
        "app/__init__.py": "",
        "app/core.py": "from app.tests.data import SAMPLE\nfrom app.__main__ import run\n",
        "app/__main__.py": "def run(): pass\n",
        "app/tests/__init__.py": "",
        "app/tests/data.py": "SAMPLE = 1\n",
        "app/tests/test_core.py": "from app.tests.data import SAMPLE\nfrom app.__main__ import run\n",
        "app/test_set.py": "X = 1\n",
        "app/use.py": "from app.test_set import X\n",
    }
    result = await analyse(PythonImportsAnalyser(), source(tmp_path, files))
    assert [(f.rule, f.path, f.line_start) for f in result.findings] == [
        ("product-imports-test", "app/core.py", 1),
        ("entry-point-imported", "app/core.py", 2),
    ]


@pytest.mark.parametrize(
    ("files", "closing"),
    [
        (
            {
                "src/a.ts": "import { b } from './b';\n",
                "src/b.ts": "import { a } from './a.js';\nexport const b = a;\n",
            },
            1,
        ),
        ({"a.js": "const b = require('./lib')\n", "lib/index.js": "const a = require('../a')\n"}, 1),
        ({"a.h": '#include "b.h"\n', "b.h": '#pragma once\n#include "a.h"\n'}, 1),
        ({"include/x/a.hpp": '#include "x/b.hpp"\n', "include/x/b.hpp": "#include <x/a.hpp>\n"}, 1),
        (
            {
                "src/lib.rs": "mod a;\nmod b;\n",
                "src/a.rs": "use crate::b::{self, Thing};\n",
                "src/b/mod.rs": "use super::a::Other;\npub struct Thing;\n",
            },
            1,
        ),
        (
            {
                "src/main/java/shop/A.java": "package shop;\nimport shop.db.B;\nclass A { B b; }\n",
                "src/main/java/shop/db/B.java": "package shop.db;\nimport shop.A;\npublic class B { A a; }\n",
            },
            1,
        ),
    ],
    ids=["typescript", "commonjs", "c", "c++", "rust", "java"],
)
async def test_cycles_in_other_languages(tmp_path, files, closing):
    result = await analyse(SourceImportsAnalyser(), source(tmp_path, files))
    assert len(of_kind(result, "import-cycle")) == closing
    assert len(result.findings) == closing


@pytest.mark.parametrize(
    "files",
    [
        {"a.ts": "import type { B } from './b';\n", "b.ts": "import { a } from './a';\n"},
        {"a.js": "// require('./b')\nconst x = require(name)\n", "b.js": "require('./a')\n"},
        {
            "src/lib.rs": "mod a;\n",
            "src/a.rs": "use super::X;\n#[cfg(test)]\nmod t { use super::*; use crate::a::Y; }\n",
        },
        {
            "A.java": "package p;\nimport q.B;\nclass A {}\n",
            "B.java": "package q;\nimport java.util.List;\nclass B {}\n",
        },
        {"a.c": '#include "a.h"\n#include <stdio.h>\n', "a.h": "int a(void);\n"},
    ],
    ids=["type only", "comment", "rust children", "java", "c"],
)
async def test_no_cycles_in_other_languages(tmp_path, files):
    assert not (await analyse(SourceImportsAnalyser(), source(tmp_path, files))).findings


def test_use_trees_are_expanded():
    assert expand_use("crate::a::{b, c::{d as e, *}, self}") == [
        ["crate", "a", "b"],
        ["crate", "a", "c", "d"],
        ["crate", "a", "c"],
        ["crate", "a"],
    ]


@given(st.text(alphabet="abc:{}, *", max_size=200))
def test_any_use_text_gives_some_paths_and_no_error(text):
    assert all(path for path in expand_use(text))


def test_every_module_has_a_name_on_some_search_path():
    files = ["src/p/__init__.py", "src/p/a.py", "tools/x.py", "other/src/p/__init__.py", "setup.py", "a-b.py"]
    named = {path for one in search_paths(files) for _, modules in one.packages.values() for path in modules.values()}
    assert named == set(files) - {"a-b.py"}
