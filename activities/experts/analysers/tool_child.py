"""Runs inside the sandbox, `python -I tool_child.py TOOL`: a Python analyser over many files, each on its own.

Input is JSON on standard input (`root`, `files`, and in `projects` how many of the files each project has); output is
one JSON line per file, `{"file": N, "hits": [...]}` or `{"file": N, "error": WHY}`, and at last `{"end": COUNT}`. So a
file that makes a tool fail costs that file only.
"""

import json
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[3]))

from activities.experts.suppressions import neutralised

SECONDS_PER_FILE = 20
RECURSION = 5000
Hits = list[dict[str, Any]]
Reader = Callable[[str, str], Hits]
"""Takes a path and the neutralised text."""
SUFFIX_OF_SUFFIX = {".mts": ".ts", ".cts": ".ts", ".cjs": ".js", ".pyi": ".py", ".hh": ".hpp", ".ipp": ".hpp"}
"""What lizard, which knows languages by lower-case suffixes, is told instead of those it does not know."""


class _Slow(BaseException):
    """One file took too long; not an Exception, since tools catch those."""


class _Unparsable(Exception):
    """The tool says the file is not valid."""


def _alarm(_number: int, _frame: object) -> None:
    raise _Slow


def lizard_reader() -> Reader:
    """Size and branches of every function."""
    import lizard

    analyse: Any = lizard.analyze_file

    def read(path: str, text: str) -> Hits:
        suffix = Path(path).suffix.lower()
        result = analyse.analyze_source_code("file" + SUFFIX_OF_SUFFIX.get(suffix, suffix), text)
        return [
            {
                "name": function.name,
                "start": function.start_line,
                "end": function.end_line,
                "branches": function.cyclomatic_complexity,
                "length": function.length,
                "parameters": function.parameter_count,
            }
            for function in result.function_list
        ]

    return read


def complexipy_reader() -> Reader:
    """Cognitive complexity of every function."""
    from complexipy import code_complexity

    def read(_path: str, text: str) -> Hits:
        try:
            result = code_complexity(text, no_ignore=True, with_plans=False)
        except ValueError as error:
            raise _Unparsable from error
        return [
            {"name": each.name, "start": each.line_start, "end": each.line_end, "complexity": each.complexity}
            for each in result.functions
        ]

    return read


def bandit_reader() -> Reader:
    """Bandit's checks, with its own defaults and no in-line exceptions."""
    from importlib.metadata import distribution

    from stevedore import ExtensionManager

    # Only bandit's own checks, known before it would look through every installed distribution: that takes longer than
    # the checks themselves.
    own = distribution("bandit").entry_points
    ExtensionManager.ENTRY_POINT_CACHE.update({group: list(own.select(group=group)) for group in own.groups})

    from bandit.core.config import BanditConfig
    from bandit.core.manager import BanditManager

    config = BanditConfig()

    def fresh() -> Any:
        return BanditManager(config, "file", profile={}, ignore_nosec=True, quiet=True)

    fresh()  # loads the plugins

    def read(path: str, _text: str) -> Hits:
        manager = fresh()
        manager.files_list = [path]
        manager.run_tests()
        if manager.skipped:
            # Bandit swallows whatever happens; its words are all that tells a syntax error from a crash.
            if "syntax error" in manager.skipped[0][1]:
                raise _Unparsable
            raise RuntimeError
        return [issue.as_dict(with_code=False) for issue in manager.results]

    return read


def secrets_reader() -> Reader:
    """Tokens and passwords; never checked over the network, which detect-secrets does by default."""
    from activities.experts.analysers.secret_patterns import reader

    return reader()


def vulture_hits(files: Iterable[tuple[int, str, str]], emit: Callable[[int, Any], None]) -> None:
    """Unused code of a project; one look at all its files together, since what one defines another may use."""
    from vulture import Vulture

    tool: Any = Vulture()
    numbers: dict[str, int] = {}
    hits: dict[int, Hits] = {}

    def scan(number: int, path: str, text: str) -> None:
        numbers[path] = number
        tool.exit_code = 0
        tool.scan(text, filename=path)
        if tool.exit_code:
            raise _Unparsable
        hits[number] = []

    for number, path, text in files:
        guarded(number, lambda number=number, path=path, text=text: scan(number, path, text), emit, quiet=True)
    for item in tool.get_unused_code(min_confidence=80):
        row = {"start": item.first_lineno, "end": item.last_lineno, "type": item.typ, "message": item.message}
        hits.get(numbers[str(item.filename)], []).append(row | {"confidence": item.confidence})
    for number, rows in hits.items():
        emit(number, rows)


def guarded(
    number: int, work: Callable[[], Hits | None], emit: Callable[[int, Any], None], quiet: bool = False
) -> None:
    """Do one file's work; whatever goes wrong is that file's own error."""
    try:
        signal.alarm(SECONDS_PER_FILE)
        hits = work()
        signal.alarm(0)
        if not quiet:
            emit(number, hits)
        return
    except (SyntaxError, _Unparsable):
        why = "parse_error"
    except _Slow:
        why = "timeout"
    except MemoryError:
        why = "memory"
    except Exception:  # a tool may raise anything at all over hostile code
        why = "crashed"
    finally:
        signal.alarm(0)
    emit(number, why)


def texts(root: str, files: list[str]) -> Iterator[tuple[int, str, str]]:
    """Number, absolute path and neutralised text of every file."""
    for number, path in enumerate(files):
        whole = f"{root}/{path}"
        yield number, whole, neutralised(Path(whole).read_bytes().decode("utf-8", errors="replace"))


READERS: dict[str, Callable[[], Reader]] = {
    "lizard": lizard_reader,
    "complexipy": complexipy_reader,
    "bandit": bandit_reader,
    "detect-secrets": secrets_reader,
}


def main() -> None:
    """Read the order, run the tool."""
    tool = sys.argv[1]
    order = json.load(sys.stdin)
    signal.signal(signal.SIGALRM, _alarm)
    sys.setrecursionlimit(RECURSION)
    # Tools print what they like; only our own lines may reach standard output.
    output, sys.stdout = sys.stdout, sys.stderr

    def emit(number: int, what: Any) -> None:
        row = {"file": number, "error": what} if isinstance(what, str) else {"file": number, "hits": what}
        output.write(json.dumps(row) + "\n")

    files = texts(order["root"], order["files"])
    if tool == "vulture":
        for count in order["projects"]:
            vulture_hits(islice(files, count), emit)
    else:
        read = READERS[tool]()
        for number, path, text in files:
            guarded(number, lambda path=path, text=text: read(path, text), emit)
    output.write(json.dumps({"end": len(order["files"])}) + "\n")
    output.flush()


if __name__ == "__main__":
    main()
