"""Reads that are shared by those who ask at once, and never old."""

import asyncio

import pytest

from activities.shared_reads import SharedReads


class Source:
    """Something that changes, with a slow way to read it."""

    def __init__(self) -> None:
        self.value = 0
        self.reads = 0
        self.fails = False

    async def read(self, key: str) -> tuple[str, int]:
        self.reads += 1
        seen = self.value
        await asyncio.sleep(0.01)
        if self.fails:
            raise ConnectionError
        return key, seen


async def test_who_asks_at_once_shares_one_read() -> None:
    source = Source()
    shared = SharedReads(source.read)
    assert await asyncio.gather(*(shared("a") for _ in range(60))) == [("a", 0)] * 60
    assert source.reads == 1


async def test_an_answer_is_never_older_than_its_question() -> None:
    source = Source()
    shared = SharedReads(source.read)
    first = asyncio.create_task(shared("a"))
    await asyncio.sleep(0.005)
    source.value = 1
    late = [asyncio.create_task(shared("a")) for _ in range(10)]
    assert (await first)[1] == 0
    assert [await each for each in late] == [("a", 1)] * 10
    assert source.reads == 2
    source.value = 2
    assert (await shared("a"))[1] == 2


async def test_keys_are_apart() -> None:
    shared = SharedReads(Source().read)
    assert await asyncio.gather(shared("a"), shared("b")) == [("a", 0), ("b", 0)]


async def test_one_that_gives_up_leaves_the_others_their_answer() -> None:
    source = Source()
    shared = SharedReads(source.read)
    one, other = (asyncio.create_task(shared("a")) for _ in range(2))
    await asyncio.sleep(0.005)
    one.cancel()
    assert await other == ("a", 0)
    with pytest.raises(asyncio.CancelledError):
        await one


async def test_a_failure_is_told_to_all_and_the_next_read_is_new() -> None:
    source = Source()
    shared = SharedReads(source.read)
    source.fails = True
    told = await asyncio.gather(*(shared("a") for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [ConnectionError] * 3
    source.fails = False
    assert await shared("a") == ("a", 0)
