"""Which file of the source an import means. Pure: paths and specifiers in, a path out, or None if it is outside."""

import posixpath
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from activities.experts.children.places import PathIndex

_SCRIPT_ENDINGS = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_TYPESCRIPT_OF = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}


def resolve_script(importer: str, specifier: str, paths: frozenset[str]) -> str | None:
    """A relative specifier of JavaScript or TypeScript: exact, with an ending, or a folder's index."""
    if not specifier.startswith("."):
        return None
    base = posixpath.normpath(posixpath.join(posixpath.dirname(importer), specifier))
    stem, ending = posixpath.splitext(base)
    candidates = [base, *(stem + other for other in _TYPESCRIPT_OF.get(ending, ()))]
    candidates += [base + other for other in _SCRIPT_ENDINGS]
    candidates += [posixpath.join(base, "index" + other) for other in _SCRIPT_ENDINGS]
    return next((candidate for candidate in candidates if candidate in paths), None)


def resolve_include(importer: str, target: str, paths: frozenset[str], index: PathIndex) -> str | None:
    """A C or C++ include: beside the includer, or the one file whose path ends so."""
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(importer), target))
    if beside in paths:
        return beside
    if target in paths:
        return target
    found = index.find(target)
    return found if found is not None and found.endswith("/" + target.lstrip("./")) else None


class RustModules:
    """Module paths of the crates of a source."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Give every file its crate and its module path, from the crate roots `lib.rs` and `main.rs`."""
        files = sorted(path for path in paths if path.endswith(".rs"))
        roots = sorted(
            {str(PurePosixPath(path).parent) for path in files if PurePosixPath(path).name in ("lib.rs", "main.rs")},
            key=lambda root: -len(root),
        )
        self._module_of: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._file_of: dict[tuple[str, tuple[str, ...]], str] = {}
        for path in files:
            root = next((r for r in roots if r == "." or path.startswith(r + "/")), None)
            if root is None:
                continue
            parts = PurePosixPath(path).relative_to(root).with_suffix("").parts
            if parts[-1] in ("mod", "lib", "main"):
                parts = parts[:-1]
            self._module_of[path] = (root, parts)
            self._file_of.setdefault((root, parts), path)

    def resolve(self, importer: str, target: str) -> str | None:
        """The file that holds the module a `use` path goes into: the longest part of it that is one."""
        if importer not in self._module_of:
            return None
        root, module = self._module_of[importer]
        parts = target.split("::")
        here = module
        if parts[0] == "crate":
            here, parts = (), parts[1:]
        elif parts[0] == "self":
            parts = parts[1:]
        while parts and parts[0] == "super":
            here, parts = here[:-1], parts[1:]
        for length in range(len(parts), -1, -1):
            found = self._file_of.get((root, (*here, *parts[:length])))
            if found is not None:
                return found
        return None


def java_package(target: str, packages: Mapping[str, str]) -> str | None:
    """The package an import names, if it is one of the source's."""
    head = target
    while head:
        if head in packages:
            return head
        head = head.rpartition(".")[0]
    return None
