"""Which module names the Python files of a tree have, without importing or even looking for any of them.

A tree may hold several projects: a name can mean two files. So names are dealt out over passes, each a set of folders
that a program could have on its search path at once; what a pass finds is kept by path and joined.
"""

from dataclasses import dataclass, field
from pathlib import PurePosixPath

MAX_PASSES = 200
_SOURCE_FOLDERS = ("src", "lib", "python")


@dataclass(slots=True)
class SearchPath:
    """Folders searched together: top-level name to (its own folder, module name to file)."""

    packages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict[str, tuple[str, dict[str, str]]])


def search_paths(paths: list[str], label: str = "") -> list[SearchPath]:
    """Deal the files of a tree out over search paths; the tree's root and its `src` come first.

    Args:
        paths: all files.
        label: what the user calls the tree: the name of the package if the tree is one.
    """
    files = sorted(path for path in paths if path.endswith(".py"))
    passes: list[SearchPath] = []
    if "__init__.py" in files:
        name = PurePosixPath(label).name
        name = name if name.isidentifier() else "package"
        modules = {f"{name}.{module}": path for top in _top_level(".", files).values() for module, path in top.items()}
        passes.append(SearchPath({name: (".", modules | {name: "__init__.py"})}))
    for root in [root for root in roots(files) if root != "." or not passes]:
        for name, modules in sorted(_top_level(root, files).items()):
            place = next((one for one in passes if name not in one.packages), None)
            if place is None:
                if len(passes) == MAX_PASSES:
                    continue
                place = SearchPath()
                passes.append(place)
            place.packages[name] = (name if root == "." else f"{root}/{name}", modules)
    return passes


def roots(files: list[str]) -> list[str]:
    """Folders from which imports can start: the tree, source folders, parents of top packages, folders of scripts."""
    packages = {str(PurePosixPath(path).parent) for path in files if path.endswith("/__init__.py")}
    found = {"."}
    for path in files:
        folder = PurePosixPath(path).parent
        while str(folder) in packages and str(folder) != ".":
            folder = folder.parent
        found.add(str(folder))
    return sorted(found, key=lambda root: (root != ".", root not in _SOURCE_FOLDERS, root))


def _top_level(root: str, files: list[str]) -> dict[str, dict[str, str]]:
    """The top-level names of a root, each with its modules; only the tree's own root has namespace packages."""
    prefix = "" if root == "." else root + "/"
    packages = {str(PurePosixPath(path).parent) for path in files if path.endswith("/__init__.py")}
    found: dict[str, dict[str, str]] = {}
    for path in files:
        if not path.startswith(prefix):
            continue
        parts = path[len(prefix) : -3].split("/")
        if parts[-1] == "__init__":
            parts.pop()
        if not parts or not all(part.isidentifier() for part in parts):
            continue
        regular = len(parts) == 1 or prefix + parts[0] in packages
        if root == "." or regular:
            found.setdefault(parts[0], {})[".".join(parts)] = path
    return found
