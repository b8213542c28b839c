"""Child program: imported npm packages that no `package.json` declares, and declared ones that nothing names."""

import json
import re
from pathlib import PurePosixPath
from typing import Any, cast

from activities.experts.children.import_statements import Import, imports_of
from activities.experts.children.manifests import is_package_manifest
from activities.experts.children.places import is_support, is_test
from activities.experts.children.protocol import Ledger, Request, main, read_source
from activities.experts.children.syntax import Unparsable, parse

MAX_FACTS = 100
DECLARING = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
BUILTINS = frozenset(
    [
        "assert",
        "async_hooks",
        "buffer",
        "child_process",
        "cluster",
        "console",
        "constants",
        "crypto",
        "dgram",
        "diagnostics_channel",
        "dns",
        "domain",
        "events",
        "fs",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "timers",
        "tls",
        "trace_events",
        "tty",
        "url",
        "util",
        "v8",
        "vm",
        "wasi",
        "worker_threads",
        "zlib",
    ]
)
_PACKAGE = re.compile(r"^(@[a-z0-9~][\w.~-]*/)?[a-z0-9~_-][\w.~-]*$", re.IGNORECASE)
_CONFIGURATION = re.compile(
    r"(^|[./-])(config|rc|conf|setup)([./-]|$)|^\.|gulpfile|gruntfile|webpack|rollup|vite", re.IGNORECASE
)
_Manifest = dict[str, Any]


def analyse(request: Request) -> dict[str, Any]:
    """Compare imports and declarations; a file may use what any `package.json` above it declares."""
    every = [entry.path for entry in request.files] + list(request.others)
    manifests = _manifests(request, [path for path in every if is_package_manifest(path)])
    own_names = {manifest.get("name") for manifest in manifests.values()}
    ledger, missing = Ledger(), dict[tuple[str, str], list[tuple[str, int]]]()
    for entry in request.files:
        above = [str(parent) for parent in PurePosixPath(entry.path).parents]
        known = [folder for folder in above if folder in manifests]
        if not known:  # no manifest above it could be read
            ledger.failed[entry.path] = "no_input"
            continue
        try:
            found = imports_of(parse(entry.path, entry.language, read_source(request.root, entry.path)))
        except Unparsable as error:
            ledger.failed[entry.path] = error.reason
            continue
        ledger.analysed.append(entry.path)
        if is_test(entry.path) or is_support(entry.path) or _CONFIGURATION.search(PurePosixPath(entry.path).name):
            continue
        declared = {name for folder in known for name in declared_names(manifests[folder])} | own_names
        aliases = _aliases(manifests[known[0]], every)
        for name, item in packages_of(found):
            if name not in declared and f"@types/{name}" not in declared and not name.startswith(aliases):
                missing.setdefault((known[0], name), []).append((entry.path, item.line))
    facts = [
        {"rule": "undeclared", "name": name, "path": min(places)[0], "line": min(places)[1], "places": len(places)}
        for (_, name), places in sorted(missing.items())
    ]
    if all(entry.changed is None for entry in request.files):
        facts += _unused(request, manifests, every)
    return {**ledger.as_answer(), "facts": facts[:MAX_FACTS]}


def _manifests(request: Request, paths: list[str]) -> dict[str, _Manifest]:
    found: dict[str, _Manifest] = {}
    for path in sorted(paths):
        try:
            value: object = json.loads(read_source(request.root, path))
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found[str(PurePosixPath(path).parent)] = cast(_Manifest, value)
    return found


def declared_names(manifest: _Manifest, keys: tuple[str, ...] = DECLARING) -> set[str]:
    """The packages a manifest declares under some keys."""
    names: set[str] = set()
    for key in keys:
        table = manifest.get(key)
        if isinstance(table, dict):
            names |= set(cast("dict[str, object]", table))
    return names


def packages_of(imports: list[Import]) -> list[tuple[str, Import]]:
    """The npm packages that imports name: no files, builtins, subpath imports or addresses."""
    found: list[tuple[str, Import]] = []
    for item in imports:
        parts = item.target.split("/")
        name = "/".join(parts[:2] if item.target.startswith("@") else parts[:1])
        if ":" in item.target or name in BUILTINS or item.type_only or not _PACKAGE.match(name):
            continue
        if name.startswith("@") and "/" not in name:
            continue
        found.append((name, item))
    return found


def _aliases(manifest: _Manifest, paths: list[str]) -> tuple[str, ...]:
    """Beginnings that bundlers and compilers are commonly told to read as folders of the project."""
    folders = {path.split("/", 1)[0] for path in paths if "/" in path}
    inner = {path.split("/")[1] for path in paths if path.startswith(("src/", "app/", "lib/")) and path.count("/") > 1}
    stems = {PurePosixPath(path).stem for path in paths if path.startswith("src/") and path.count("/") == 1}
    return tuple(sorted({"@/", "~", "#", "$"} | folders | inner | stems))


def _unused(request: Request, manifests: dict[str, _Manifest], every: list[str]) -> list[dict[str, Any]]:
    """Declared for the product, and no text but the manifests and lock files says the name."""
    facts: list[dict[str, Any]] = []
    wanted = {
        (folder, name)
        for folder, manifest in manifests.items()
        for name in declared_names(manifest, ("dependencies",))
        if not name.startswith("@types/") and not _in_scripts(manifest, name)
    }
    for path in every:
        if not wanted:
            break
        if PurePosixPath(path).name in ("package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"):
            continue
        data = read_source(request.root, path)
        wanted = {(folder, name) for folder, name in wanted if name.encode() not in data}
    for folder, name in sorted(wanted):
        path = str(PurePosixPath(folder) / "package.json")
        lines = read_source(request.root, path).decode("utf-8", "replace").split("\n")
        line = next((number for number, text in enumerate(lines, 1) if f'"{name}"' in text), 1)
        facts.append({"rule": "unused", "name": name, "path": path, "line": line, "places": 1})
    return facts


def _in_scripts(manifest: _Manifest, name: str) -> bool:
    """Whether something in the manifest beside the declaration names the package: a script or a tool's settings."""
    rest = {key: value for key, value in manifest.items() if key not in DECLARING}
    return name in json.dumps(rest)


if __name__ == "__main__":
    main(analyse)
