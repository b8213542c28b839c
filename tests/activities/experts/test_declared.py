"""Declared against imported dependencies, in Python and in JavaScript and TypeScript."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.experts.analysers.declared import NodeDependenciesAnalyser, PythonDependenciesAnalyser
from activities.experts.children.import_statements import Import
from activities.experts.children.manifests import normalised, read_project
from activities.experts.children.node_dependencies import packages_of
from activities.experts.children.package_names import look_alike
from models.expert import CoverageReason
from tests.activities.experts.own import analyse, source

PROJECT = '[project]\nname = "shop"\nversion = "1"\ndependencies = [\n  "requests>=2",\n  "flask",\n  "PyYAML",\n]\n'
CODE = "import json\nimport requests\nimport nowhere.deep\nimport yaml\nimport shop.other\nfrom . import other\n"


def told(result):
    return sorted((f.kind, f.path, f.line_start) for f in result.findings)


async def test_python_undeclared_and_unused(tmp_path):
    files = {"pyproject.toml": PROJECT, "src/shop/__init__.py": "", "src/shop/a.py": CODE, "src/shop/other.py": ""}
    result = await analyse(PythonDependenciesAnalyser(), source(tmp_path, files))
    assert told(result) == [
        ("undeclared-dependency", "src/shop/a.py", 3),
        ("unused-dependency", "pyproject.toml", 6),
    ]
    assert len(result.analysed) == 3


@pytest.mark.parametrize(
    "blind",
    [
        {"pyproject.toml": PROJECT + '[tool.deptry]\nignore = ["DEP001", "DEP002"]\nexclude = [".*"]\n'},
        {"src/shop/a.py": CODE.replace("nowhere.deep", "nowhere.deep  # deptry: ignore[DEP001]")},
        {".gitignore": "*.py\n", ".ignore": "*.py\n"},
        {"deptry.toml": "", "setup.cfg": "[deptry]\nignore = DEP001\n"},
    ],
    ids=["tool section", "comment", "ignore files", "other files"],
)
async def test_a_project_cannot_blind_the_tool(tmp_path, blind):
    files = {"pyproject.toml": PROJECT, "src/shop/__init__.py": "", "src/shop/a.py": CODE, "src/shop/other.py": ""}
    result = await analyse(PythonDependenciesAnalyser(), source(tmp_path, files | blind))
    assert told(result) == [
        ("undeclared-dependency", "src/shop/a.py", 3),
        ("unused-dependency", "pyproject.toml", 6),
    ]


async def test_what_need_not_be_declared(tmp_path):
    code = (
        "try:\n    import ujson as json\nexcept ImportError:\n    import json\n"
        "import sys\nif sys.platform == 'win32':\n    import winthing\n"
        "import shop_utils, flask_login, dateutil\n"
    )
    files = {
        "pyproject.toml": '[project]\nname = "x"\ndependencies = ["python-dateutil", "Flask-Login"]\n',
        "x/a.py": code,
        "shop_utils.py": "",
        "tests/test_a.py": "import hypothetical\n",
        "docs/conf.py": "import sphinx_thing\n",
        "setup.py": "import cython_thing\n",
    }
    assert not (await analyse(PythonDependenciesAnalyser(), source(tmp_path, files))).findings


async def test_a_dependency_that_another_file_names_is_used(tmp_path):
    files = {
        "pyproject.toml": '[project]\nname = "x"\ndependencies = ["gunicorn", "left-over"]\n',
        "x.py": "",
        "Procfile": "web: gunicorn x:app\n",
    }
    result = await analyse(PythonDependenciesAnalyser(), source(tmp_path, files))
    assert [(f.kind, "left-over" in f.message) for f in result.findings] == [("unused-dependency", True)]


async def test_in_a_change_nothing_is_called_unused(tmp_path):
    files = {"pyproject.toml": PROJECT, "a.py": "import nowhere\n"}
    result = await analyse(PythonDependenciesAnalyser(), source(tmp_path, files, changed={"a.py": ((1, 1),)}))
    assert told(result) == [("undeclared-dependency", "a.py", 1)]


async def test_requirements_setup_cfg_and_several_projects(tmp_path):
    files = {
        "one/requirements.txt": "-r other.txt\nrequests==2.0  # pinned\n",
        "one/a.py": "import requests, first_gone\n",
        "two/setup.cfg": "[metadata]\nname = two\n[options]\ninstall_requires =\n    numpy\n",
        "two/b.py": "import numpy, second_gone\n",
        "loose.py": "import third_gone\n",
    }
    result = await analyse(PythonDependenciesAnalyser(), source(tmp_path, files))
    assert [f.message.split("`")[1] for f in result.findings if f.kind.startswith("undecl")] == [
        "first_gone",
        "second_gone",
    ]
    assert "loose.py" not in result.analysed


@pytest.mark.parametrize(
    "manifest",
    ["[project\n", "a = " + "[" * 50_000, "[tool.ruff]\nline-length = 3\n", "[project]\nname = 3\ndependencies = {}\n"],
)
async def test_a_strange_manifest_is_survived(tmp_path, manifest):
    result = await analyse(
        PythonDependenciesAnalyser(), source(tmp_path, {"pyproject.toml": manifest, "a.py": "import os\n"})
    )
    assert result.run.failure is None
    assert not result.findings


async def test_a_file_with_a_syntax_error_is_not_called_analysed(tmp_path):
    files = {"pyproject.toml": PROJECT, "a.py": "import requests, flask, yaml\n", "bad because of.py": "def (\n"}
    result = await analyse(PythonDependenciesAnalyser(), source(tmp_path, files))
    assert result.failed == {"bad because of.py": CoverageReason.PARSE_ERROR}


@given(st.text(max_size=300))
def test_requirement_lines_never_become_options(text):
    project = read_project(".", ["requirements.txt"], lambda _: text)
    for name, declared in project.declared.items():
        assert name == normalised(declared.name)
        assert not declared.name.startswith("-")
        assert 1 <= declared.line <= text.count("\n") + 1


def test_names_that_probably_mean_the_same():
    assert look_alike("yaml", "PyYAML")
    assert look_alike("google", "google-cloud-storage")
    assert look_alike("cv2", "opencv-python")
    assert not look_alike("nowhere", "requests")
    assert not look_alike("client_x", "client-y")


async def test_node_undeclared_and_unused(tmp_path):
    manifest = {
        "name": "shop",
        "dependencies": {"express": "^4", "left-pad": "1", "used-in-config": "1", "@types/node": "1"},
        "devDependencies": {"jest": "1", "@types/ws": "1"},
    }
    files = {
        "package.json": json.dumps(manifest, indent=1),
        "src/a.ts": "import express from 'express';\nimport { x } from '@scope/thing/deep';\n"
        "import fs from 'node:fs';\n"
        "import path from 'path';\nimport './b';\nimport '@/c';\nimport type { W } from 'ws';\n"
        "import shop from 'shop';\n",
        "src/b.ts": "const thing = require('@scope/thing')\nexport default import('../src/a')\n",
        "src/a.test.ts": "import sinon from 'sinon';\n",
        "webpack.config.js": "require('used-in-config'); require('webpack')\n",
    }
    result = await analyse(NodeDependenciesAnalyser(), source(tmp_path, files))
    assert told(result) == [("undeclared-dependency", "src/a.ts", 2), ("unused-dependency", "package.json", 5)]
    assert "2 places" in [f for f in result.findings if f.path == "src/a.ts"][0].message


async def test_node_manifest_that_cannot_be_read(tmp_path):
    files = {"package.json": "[" * 100_000, "a.js": "require('x')\n"}
    result = await analyse(NodeDependenciesAnalyser(), source(tmp_path, files))
    assert result.failed == {"a.js": CoverageReason.NO_INPUT}
    assert NodeDependenciesAnalyser().wants(source(tmp_path / "2", {"a.js": "require('x')\n"})) == ()


@given(st.text(max_size=60))
def test_only_package_names_are_told(specifier):
    for name, _ in packages_of([Import(specifier, 1)]):
        assert not name.startswith((".", "/", "#"))
        assert ":" not in name
        assert specifier.startswith(name)
