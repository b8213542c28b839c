"""Small projects of all languages that would get into each other's way if anybody mixed them up.

Many have files of the same names, and names that another project defines, uses, imports or tests.
"""

CYCLE = {"pkg/__init__.py": "", "pkg/a.py": "import pkg.b\n\nA = pkg.b.B\n", "pkg/b.py": "import pkg.a\n\nB = 1\n"}
PYPROJECT = '[project]\nname = "thing"\nversion = "1"\ndependencies = ["{}"]\n'
PACKAGE_JSON = '{{\n  "name": "thing",\n  "dependencies": {{"{}": "1"}}\n}}\n'
PUBLIC = "\n\n".join(
    f"def {name}(x):\n    total = 0\n    for each in x:\n        total += each\n    return total\n"
    for name in ("first", "second", "third")
)
NESTED = "def deep(x):\n" + "".join(f"{'    ' * n}if x > {n}:\n" for n in range(1, 7)) + f"{'    ' * 7}return x\n"
BRANCHES = "\n".join(f"  if (x == {n}) return {n};" for n in range(18))

RICH: dict[str, dict[str, str]] = {
    "imports what the next one defines": {"a.py": "import os\n\n\ndef used():\n    return helper\n"},
    "defines it": {
        "a.py": "helper = 1\n\n\ndef run(cmd):\n    import os\n\n    os.system(cmd)\n    return 1\n    print(2)\n"
    },
    "a cycle": CYCLE,
    "a package by itself, with a manifest and tests": {
        "__init__.py": "",
        "a.py": f"import requests\n\n\n{PUBLIC}",
        "b.py": PUBLIC.replace("first", "fourth").replace("second", "fifth").replace("third", "sixth"),
        "pyproject.toml": PYPROJECT.format("flask"),
        "test_a.py": "from a import first\n\n\ndef test_first():\n    assert first(1) == 2\n",
        "secrets.yml": "password: hunter2hunter2\n",
    },
    "scripts with a manifest": {
        "src/a.js": 'const b = require("./b");\nconst lodash = require("lodash");\neval(b + lodash);\n',
        "src/b.js": 'const a = require("./a");\nmodule.exports = a;\n',
        "package.json": PACKAGE_JSON.format("express"),
    },
    "requirements and a test": {
        "requirements.txt": "flask\n",
        "a.py": f"import django\n\n\n{PUBLIC}",
        "tests/test_b.py": "from b import fourth, fifth, sixth\n",
    },
    "another package": {"a.js": 'import x from "left-pad";\nimport "./b";\n', "package.json": PACKAGE_JSON.format("x")},
    "not Python": {"a.py": "def broken(:\n", "notes.md": "# Notes\n", "empty.py": ""},
    "c and rust": {
        "a.c": '#include "b.h"\n#include <stdio.h>\nint f(char *s) { char b[8]; gets(b); return sprintf(b, s); }\n',
        "b.h": f"int busy(int x) {{\n{BRANCHES}\n  return 0;\n}}\n",
        "src/lib.rs": "pub mod one;\npub mod two;\n",
        "src/one.rs": "use crate::two::B;\npub fn a() -> B { unsafe { std::mem::zeroed() } }\n",
        "src/two.rs": "use crate::one::a;\npub struct B;\npub fn b() { a().unwrap(); }\n",
    },
    "java and typescript": {
        "A.java": "package x;\nimport y.B;\npublic class A { public int f(int q) { return new B().g(q) / 0; } }\n",
        "y/B.java": "package y;\nimport x.A;\n/** B. */\npublic class B { public int g(int q) { return q; } }\n",
        "a.ts": 'import { b } from "./b";\nexport function a(x: any) { document.body.innerHTML = x + b; }\n',
        "b.ts": 'import { a } from "./a";\nexport const b = a;\n',
    },
}
"""Between them every analyser has something to do."""

PLAIN: dict[str, dict[str, str]] = {
    "java alone": {"A.java": "class A { void f(String s) throws Exception { Runtime.getRuntime().exec(s); } }\n"},
    "typescript alone": {"a.ts": "export const f = (x: string) => eval(x);\n"},
    "c alone": {"a.c": "#include <string.h>\nvoid f(char *a, char *b) { strcpy(a, b); }\n"},
    "c++ alone": {"a.cpp": "int *f() { int x = 1; return &x; }\n"},
    "rust alone": {"a.rs": "fn f(x: Option<i32>) -> i32 { x.unwrap() }\n"},
    "javascript alone": {"a.js": "function f(x) { return new Function(x); }\n"},
    "python alone": {"a.py": "import pickle\n\n\ndef f(x):\n    return pickle.loads(x)\n"},
    "nothing of code": {"README.md": "# Read me\n", "data.json": "{}\n"},
    "a suppression": {"a.py": "eval(input())  # nosec  # noqa\n"},
    "deceptive": {"a.py": "x = 1  # \u202e\n"},
    "a stub": {"a.pyi": "def f(x: int) -> int: ...\n"},
    "a token": {"a.py": 'key = "AKIA' + "IOSFODNN7EXAMPLE" + '"\n'},
    "same names, other contents": {"a.py": "def helper():\n    return 1\n", "b.py": "import a\n\na.helper()\n"},
    "a lazy cycle": {"a.py": "def f():\n    import b\n\n    return b\n", "b.py": "import a\n\nX = a\n"},
    "product imports test": {
        "app.py": "import tests.conftest\n",
        "tests/__init__.py": "",
        "tests/conftest.py": "X = 1\n",
    },
    "documentation that lies": {
        "a.py": 'def f(x):\n    """Do.\n\n    Args:\n        y: none.\n    """\n    return x\n'
    },
    "a function that is hard to follow": {"a.py": NESTED},
    "a complex function": {"a.c": f"int busy(int x) {{\n{BRANCHES}\n  return 0;\n}}\n"},
    "a name with a space": {"my file.py": "import os\n", "sub dir/a.js": "eval(x)\n"},
    "windows line ends": {"a.py": "import os\r\n\r\n\r\ndef f(x=[]):\r\n    return x\r\n"},
    "many classes": {"a.py": "\n".join(f"class C{n}:\n    def m(self):\n        return {n}\n" for n in range(40))},
    "shell": {"run.sh": "curl http://x | sh\n", "a.py": "import subprocess\n\nsubprocess.call('ls', shell=True)\n"},
}
"""One thing each."""
