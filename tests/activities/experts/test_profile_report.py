"""Profiles: where the time goes, in the right function, and never a guess."""

import cProfile
import json
import marshal
import pstats
import runpy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.experts.analysers.profile_report import ProfileAnalyser
from activities.experts.children.profile_formats import read_profile
from activities.experts.children.protocol import InputInvalid
from models.expert import CoverageReason
from models.source import ArtifactKind
from tests.activities.experts.own import analyse, source

CODE = """import re


def tiny(x):
    return x + 1


def many(n):
    total = 0
    for _ in range(n):
        total = tiny(total)
    return total


def search(words):
    return [re.sub("(a|b)+c", "d", word) for word in words]


def fast():
    return 1


def main():
    many(100_000)
    search(["ab" * 40] * 400)
    fast()


if __name__ == "__main__":
    main()
"""


def frame(name: str, file: str = "", line: int = 0) -> dict[str, object]:
    return {"name": name} | ({"file": file, "line": line} if file else {})


def speedscope(profiles: list[dict[str, object]], frames: list[dict[str, object]]) -> bytes:
    return json.dumps({"shared": {"frames": frames}, "profiles": profiles}).encode()


FRAMES = [
    frame("main", "/x/app/slow.py", 24),
    frame("many", "/x/app/slow.py", 9),
    frame("search", "/x/app/slow.py", 16),
    frame("sub", "/usr/lib/python3/re.py", 180),
]
SAMPLED = {
    "type": "sampled",
    "unit": "seconds",
    "startValue": 0,
    "endValue": 10,
    "samples": [[0, 1], [0, 2, 3], [0]],
    "weights": [6, 3, 1],
}
EVENTED = {
    "type": "evented",
    "unit": "seconds",
    "startValue": 0,
    "endValue": 10,
    "events": [
        {"type": t, "frame": f, "at": at}
        for t, f, at in [
            ("O", 0, 0),
            ("O", 1, 0),
            ("C", 1, 6),
            ("O", 2, 6),
            ("O", 3, 6),
            ("C", 3, 9),
            ("C", 2, 9),
            ("C", 0, 10),
        ]
    ],
}


@pytest.mark.parametrize("profile", [SAMPLED, EVENTED], ids=["sampled", "evented"])
async def test_speedscope_shares_go_to_the_functions_of_the_source(tmp_path, profile):
    data = speedscope([profile], FRAMES)
    tree = source(tmp_path, {"app/slow.py": CODE}, artifacts={ArtifactKind.SPEEDSCOPE: data})
    result = await analyse(ProfileAnalyser(), tree)
    told = {f.message.split("`")[1]: f for f in result.findings}
    assert set(told) == {"many", "search", "main"}
    assert "takes 60% of" in told["many"].message
    assert told["many"].line_start == 8
    assert "takes 30% of" in told["search"].message
    assert "0% in its own lines, 30% in all" in told["search"].message
    assert "takes 10% of" in told["main"].message
    assert [told[name].severity.value for name in ("many", "search", "main")] == ["high", "medium", "low"]


async def test_a_real_pstats_profile_of_another_folder(tmp_path):
    script = tmp_path / "elsewhere" / "app" / "slow.py"
    script.parent.mkdir(parents=True)
    script.write_text(CODE)
    profiler = cProfile.Profile()
    profiler.enable()
    runpy.run_path(str(script), run_name="__main__")
    profiler.disable()
    profiler.create_stats()
    profiler.dump_stats(tmp_path / "p")
    tree = source(tmp_path, {"app/slow.py": CODE}, artifacts={ArtifactKind.PSTATS: (tmp_path / "p").read_bytes()})
    result = await analyse(ProfileAnalyser(), tree)
    told = {f.message.split("`")[1]: f for f in result.findings}
    assert {"many", "search"} <= set(told)
    assert "fast" not in told
    assert "main" not in told
    assert told["search"].line_start == 15
    stats = pstats.Stats(str(tmp_path / "p"))
    own = next(value[2] for key, value in stats.stats.items() if key[2] == "many")
    assert f"({own / stats.total_tt:.0%} in its own lines" in told["many"].message


def dumped(entries: dict[tuple[str, int, str], tuple[int, int, float, float, dict]]) -> bytes:
    return marshal.dumps(entries)


async def test_many_small_calls_and_recursion(tmp_path):
    data = dumped(
        {
            ("/w/app/slow.py", 4, "tiny"): (90_000, 90_000, 0.05, 0.05, {}),
            ("/w/app/slow.py", 8, "many"): (3, 500, 0.5, 0.5, {}),
            ("~", 0, "<built-in method time.sleep>"): (1, 1, 0.45, 0.45, {}),
        }
    )
    tree = source(tmp_path, {"app/slow.py": CODE}, artifacts={ArtifactKind.PSTATS: data})
    result = await analyse(ProfileAnalyser(), tree)
    assert {(f.kind, f.line_start) for f in result.findings} == {("hot-function", 8), ("chatty-call", 4)}
    assert any("500 calls of which 3 from outside it" in f.message for f in result.findings)
    assert any("90,000 times of 0.6 microseconds" in f.message for f in result.findings)


async def test_a_moved_function_is_found_by_its_name_and_a_vanished_one_is_not(tmp_path):
    data = dumped(
        {
            ("/w/app/slow.py", 400, "search"): (1, 1, 0.5, 0.5, {}),
            ("/w/app/slow.py", 4, "gone"): (1, 1, 0.5, 0.5, {}),
        }
    )
    tree = source(tmp_path, {"app/slow.py": CODE}, artifacts={ArtifactKind.PSTATS: data})
    (found,) = (await analyse(ProfileAnalyser(), tree)).findings
    assert found.line_start == 15


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (ArtifactKind.PSTATS, b""),
        (ArtifactKind.PSTATS, b"\x00" * 100),
        (ArtifactKind.PSTATS, marshal.dumps([1, 2, 3])),
        (ArtifactKind.PSTATS, marshal.dumps({("a.py", 1, "f"): (1, 1, "x", 0.1, {})})),
        (ArtifactKind.PSTATS, marshal.dumps({"a": 1})),
        (ArtifactKind.PSTATS, dumped({("/other/b.py", 1, "f"): (1, 1, 0.5, 0.5, {})})),
        (ArtifactKind.PSTATS, dumped({("app/slow.py", 4, "tiny"): (1, 1, float("nan"), 0.5, {})})),
        (ArtifactKind.PSTATS, b"(" + b"\xff\xff\xff\x7f" * 10),
        (ArtifactKind.SPEEDSCOPE, b"{}"),
        (ArtifactKind.SPEEDSCOPE, b"[" * 200_000),
        (ArtifactKind.SPEEDSCOPE, speedscope([SAMPLED | {"weights": [1]}], FRAMES)),
        (ArtifactKind.SPEEDSCOPE, speedscope([SAMPLED | {"samples": [[99], [0], [0]]}], FRAMES)),
        (ArtifactKind.SPEEDSCOPE, speedscope([SAMPLED], [frame(name) for name in "abcd"])),
        (ArtifactKind.SPEEDSCOPE, speedscope([EVENTED | {"events": [{"type": "C", "frame": 0, "at": 1}]}], FRAMES)),
    ],
)
async def test_a_profile_that_cannot_be_used_is_a_failure(tmp_path, kind, data):
    result = await analyse(ProfileAnalyser(), source(tmp_path, {"app/slow.py": CODE}, artifacts={kind: data}))
    assert result.run.failure in (CoverageReason.OUTPUT_INVALID, CoverageReason.CRASHED, CoverageReason.MEMORY)
    assert set(result.failed) == {"app/slow.py"}
    assert not result.findings


async def test_tests_and_module_level_are_not_hot(tmp_path):
    data = dumped(
        {
            ("tests/test_a.py", 1, "test_slow"): (1, 1, 0.5, 0.5, {}),
            ("app/slow.py", 1, "<module>"): (1, 1, 0.5, 0.5, {}),
        }
    )
    files = {"app/slow.py": CODE, "tests/test_a.py": "def test_slow():\n    pass\n"}
    tree = source(tmp_path, files, artifacts={ArtifactKind.PSTATS: data})
    assert not (await analyse(ProfileAnalyser(), tree)).findings


def test_pstats_is_about_python_only(tmp_path):
    files = {"a.py": "", "a.js": ""}
    assert ProfileAnalyser().wants(source(tmp_path, files)) == ()
    assert ProfileAnalyser().wants(source(tmp_path, files, artifacts={ArtifactKind.PSTATS: b""})) == ("a.py",)
    assert len(ProfileAnalyser().wants(source(tmp_path, files, artifacts={ArtifactKind.SPEEDSCOPE: b""}))) == 2


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=20),
    st.lists(st.floats(0.001, 5), min_size=20, max_size=20),
)
def test_the_self_times_of_a_sampled_profile_add_up(samples, weights):
    profile = SAMPLED | {"samples": samples, "weights": weights[: len(samples)]}
    expected = sum(weight for stack, weight in zip(samples, weights, strict=False) if stack)
    if not expected:
        with pytest.raises(InputInvalid):
            read_profile("speedscope", speedscope([profile], FRAMES))
        return
    timings = read_profile("speedscope", speedscope([profile], FRAMES))
    assert sum(t.self_time for t in timings.values()) == pytest.approx(expected)
    assert all(t.self_time <= t.total_time + 1e-9 for t in timings.values())
    assert max(t.total_time for t in timings.values()) <= expected + 1e-9
