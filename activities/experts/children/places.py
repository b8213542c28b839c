"""Where a file stands: is it a test, and which file of the source does a path of another machine mean."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

TEST_FOLDERS = frozenset({"test", "tests", "testing", "__tests__", "spec", "specs", "e2e", "testdata", "fixtures"})
_TEST_NAME = re.compile(
    r"^(test_.*|.*_tests?|conftest|tests?|.*[._-](test|spec)s?|test[A-Z].*|.*(Test|Tests|TestCase|IT|Spec))$"
)
_CERTAIN_TEST_NAME = re.compile(r"^(.*\.(test|spec)\.[cm]?[jt]sx?|.*Test\.java)$")
_SUPPORT_FOLDERS = frozenset(
    [
        "docs",
        "doc",
        "examples",
        "example",
        "samples",
        "benchmarks",
        "benches",
        "scripts",
        "tools",
        "vendor",
        "third_party",
        "node_modules",
        "site-packages",
    ]
)
_SUPPORT_NAMES = frozenset({"setup.py", "noxfile.py", "fabfile.py", "build.rs", "Gruntfile.js", "gulpfile.js"})


def family_of(language: str) -> str:
    """Languages whose files use and test each other go by one name."""
    return {"javascript": "script", "typescript": "script", "cpp": "c"}.get(language, language)


def is_test(path: str) -> bool:
    """Whether a file is a test or a helper of tests, by the naming habits of its ecosystem."""
    place = PurePosixPath(path)
    return any(part.lower() in TEST_FOLDERS for part in place.parts[:-1]) or bool(_TEST_NAME.match(place.stem))


def is_only_test(path: str) -> bool:
    """Whether a file cannot be anything but a test; a product may well have a `test_set.py` or a `testing` package."""
    place = PurePosixPath(path)
    in_folder = any(part.lower() in ("test", "tests", "__tests__") for part in place.parts[:-1])
    return in_folder or place.stem == "conftest" or bool(_CERTAIN_TEST_NAME.match(place.name))


def is_support(path: str) -> bool:
    """Whether a file is neither product nor test: documentation, examples, benchmarks, scripts, vendored code."""
    place = PurePosixPath(path)
    return place.name in _SUPPORT_NAMES or any(part.lower() in _SUPPORT_FOLDERS for part in place.parts[:-1])


def parts_of(path: str) -> tuple[str, ...]:
    """The components of a path of any machine: drive letters, schemes, `.` and `..` dropped."""
    plain = re.sub(r"^[a-z][a-z0-9+.-]*://", "", path.strip()).split("?", 1)[0].replace("\\", "/")
    return tuple(part for part in plain.split("/") if part not in ("", ".", "..") and not part.endswith(":"))


class PathIndex:
    """Finds the file of the source that a report of another machine talks about."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Index the source's paths by their last component."""
        self._by_name: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for path in sorted(set(paths)):
            parts = tuple(path.split("/"))
            self._by_name[parts[-1]].append((parts, path))

    def find(self, reported: str, roots: tuple[str, ...] = ()) -> str | None:
        """The one file that `reported` can mean, or None.

        One path has to end with the other, or share its last two components; of several the longest common end wins,
        and a tie means no answer rather than a guess.

        Args:
            reported: a relative or absolute path, with the separators of any system.
            roots: folders that a relative path may be relative to.
        """
        candidates = [parts_of(reported), *(parts_of(root) + parts_of(reported) for root in roots)]
        best: dict[str, int] = {}
        for wanted in candidates:
            for parts, path in self._by_name.get(wanted[-1], ()) if wanted else ():
                common = _common_end(parts, wanted)
                if common == min(len(parts), len(wanted)) or common >= 2:
                    best[path] = max(best.get(path, 0), common)
        if not best:
            return None
        top = max(best.values())
        winners = [path for path, common in best.items() if common == top]
        return winners[0] if len(winners) == 1 else None


def _common_end(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    count = 0
    for a, b in zip(reversed(left), reversed(right), strict=False):
        if a != b:
            break
        count += 1
    return count
