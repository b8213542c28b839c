"""Sources: compressed in Postgres, laid out as plain files while somebody works on them."""

import asyncio
import base64
import json
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import zstandard
from sqlalchemy import Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import load_only
from sqlmodel import col

from activities.ports import SourceBatch, SourceTree, SourceUnknown, Text
from activities.storage.database import Database
from models.ids import ID
from models.intake import AcceptedSource
from models.source import ArtifactKind, SourceManifest
from models.tables import Source

Made = TypeVar("Made")

COMPRESSION_LEVEL = 3
BATCH = 500
"""Sources that are packed and sent at once."""

SOURCES = cast(Table, Source.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

MANIFEST_ONLY = load_only(Source.id, Source.manifest)  # pyright: ignore[reportArgumentType]
"""A manifest is read often, the text that belongs to it seldom."""

WHOLE = select(col(Source.manifest), col(Source.content), col(Source.artifacts)).where(
    col(Source.id) == bindparam("wanted")
)
MANY = select(col(Source.id), col(Source.manifest), col(Source.content), col(Source.artifacts)).where(
    col(Source.id).in_(bindparam("wanted", expanding=True))
)


def _pack(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compress(data)


def _unpack(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(data)


@dataclass(slots=True)
class _Checkout:
    """A layout on disk and how many work on it."""

    tree: SourceTree
    folder: Path
    users: int = 0


class PostgresSources:
    """Sources by id; the same content of the same owner is stored once."""

    def __init__(self, database: Database, scratch: Path | None = None) -> None:
        """Work on one database.

        Args:
            database: where sources are.
            scratch: folder for layouts; the system's temporary folder if None.
        """
        self._database = database
        self._scratch = scratch
        self._open: dict[str, _Checkout] = {}
        self._lock = asyncio.Lock()

    async def save(self, owner: str, source: AcceptedSource) -> SourceManifest:
        """Store a source; returns the manifest under which it is known, an earlier one for the same content."""
        row = await asyncio.to_thread(_row, owner, source)
        async with self._database.transaction() as session:
            statement = insert(Source).values(row)
            # The same content under another name: it is now called what its owner called it last.
            label = func.jsonb_set(col(Source.manifest), ["label"], statement.excluded.manifest["label"])
            await session.execute(
                statement.on_conflict_do_update(index_elements=["owner", "content_hash"], set_={"manifest": label})
            )
            found = await session.execute(
                select(Source)
                .options(MANIFEST_ONLY)
                .where(col(Source.owner) == owner, col(Source.content_hash) == source.manifest.content_hash)
            )
            return SourceManifest.model_validate(found.scalar_one().manifest)

    async def save_all(self, session: AsyncSession, owner: str, sources: Sequence[AcceptedSource]) -> list[str]:
        """Store many sources in the caller's transaction; returns the id of each, an earlier one for the same content.

        Unlike `save` it leaves the label of a source that is there already.
        """
        fresh = {source.manifest.content_hash: source for source in sources}
        # In one order, whoever stores them: two transactions that wait for each other's rows would never end.
        hashes = sorted(fresh)
        ids: dict[str, str] = {}
        for first in range(0, len(hashes), BATCH):
            batch = hashes[first : first + BATCH]
            rows = await asyncio.to_thread(_rows, owner, [fresh[each] for each in batch])
            await session.execute(insert(SOURCES).on_conflict_do_nothing(), rows)
            found = await session.execute(
                select(SOURCES.c.content_hash, SOURCES.c.id).where(
                    SOURCES.c.owner == owner, SOURCES.c.content_hash.in_(batch)
                )
            )
            ids.update({row.content_hash: row.id for row in found})
        return [ids[source.manifest.content_hash] for source in sources]

    async def manifest(self, owner: str, source_id: str) -> SourceManifest:
        """The manifest of an owner's source.

        Raises:
            SourceUnknown: this owner has no such source.
        """
        if not ID.match(source_id):  # among others what the database takes for no text at all
            raise SourceUnknown
        async with self._database.statements() as session:
            found = await session.execute(
                select(Source).options(MANIFEST_ONLY).where(col(Source.owner) == owner, col(Source.id) == source_id)
            )
            row = found.scalar_one_or_none()
        if row is None:
            raise SourceUnknown
        return SourceManifest.model_validate(row.manifest)

    async def lines(self, source_id: str) -> Text:
        """The manifest and the text lines of every file, split at line feeds as analysers count them."""
        manifest, texts, _ = await self._load(source_id)
        return manifest, {path: split_lines(text) for path, text in texts.items()}

    async def lines_many(self, source_ids: Sequence[str]) -> dict[str, Text]:
        """The same of many sources, read in one statement."""
        rows = await self._many(source_ids)
        return await asyncio.to_thread(lambda: {row.id: _text(row) for row in rows})

    @asynccontextmanager
    async def checkout(self, source_id: str) -> AsyncGenerator[SourceTree, None]:
        """Lay a source out as plain files; several users at once share one layout, the last one removes it."""
        async with self._lock:
            shared = self._open.get(source_id)
            if shared is None:
                shared = await self._lay_out(source_id)
                self._open[source_id] = shared
            shared.users += 1
        try:
            yield shared.tree
        finally:
            shared.users -= 1
            if shared.users == 0:
                self._open.pop(source_id, None)
                await asyncio.to_thread(shutil.rmtree, shared.folder, ignore_errors=True)

    @asynccontextmanager
    async def checkout_many(self, source_ids: Sequence[str]) -> AsyncGenerator[SourceBatch, None]:
        """Lay sources out side by side; read in one statement, for a round trip each is what takes the time."""
        rows = await self._many(source_ids)
        folder = self._folder()
        try:
            yield await _to_its_end(lambda: _write_many(folder, rows))
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _many(self, source_ids: Sequence[str]) -> list[Any]:
        """Rows of sources, in this order."""
        async with self._database.statements() as session:
            rows = (await session.execute(MANY, {"wanted": list(source_ids)})).all()
        found = {row.id: row for row in rows}
        if not found.keys() >= set(source_ids):
            raise SourceUnknown
        return [found[source_id] for source_id in source_ids]

    def _folder(self) -> Path:
        """A new folder; its name tells whose it is, so that the sweep for folders of killed workers finds it."""
        return Path(tempfile.mkdtemp(prefix=f"conclave-{os.getpid()}-source-", dir=self._scratch))

    async def _lay_out(self, source_id: str) -> _Checkout:
        manifest, texts, packed = await self._load(source_id)
        folder = self._folder()
        try:
            artifacts = await _to_its_end(lambda: _write(folder / "tree", folder / "artifacts", texts, packed))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return _Checkout(SourceTree(root=folder / "tree", manifest=manifest, artifacts=artifacts), folder)

    async def _load(self, source_id: str) -> tuple[SourceManifest, dict[str, str], dict[str, str]]:
        async with self._database.statements() as session:
            row = (await session.execute(WHOLE, {"wanted": source_id})).one_or_none()
        if row is None:
            raise SourceUnknown
        texts = await asyncio.to_thread(_texts, row.content)
        return SourceManifest.model_validate(row.manifest), texts, row.artifacts


async def _to_its_end(work: Callable[[], Made]) -> Made:
    """Run a blocking call beside the event loop; who is cancelled waits for it before the cancellation goes on.

    A thread cannot be stopped: it would go on writing into a folder that is being removed.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise


def _text(row: Any) -> Text:
    lines = {path: split_lines(text) for path, text in _texts(row.content).items()}
    return SourceManifest.model_validate(row.manifest), lines


def _texts(content: bytes) -> dict[str, str]:
    return json.loads(_unpack(content))


def _rows(owner: str, sources: Sequence[AcceptedSource]) -> list[dict[str, Any]]:
    return [_row(owner, source) for source in sources]


def _row(owner: str, source: AcceptedSource) -> dict[str, Any]:
    return {
        "id": source.manifest.source_id,
        "owner": owner,
        "content_hash": source.manifest.content_hash,
        "manifest": source.manifest.model_dump(mode="json"),
        "content": _pack(json.dumps(source.texts).encode()),
        "artifacts": {kind: base64.b64encode(_pack(data)).decode() for kind, data in source.artifacts.items()},
        "created_at": datetime.now(UTC),
    }


def split_lines(text: str) -> list[str]:
    """Lines as editors and analysers number them: ended by LF, CR LF or CR, never by form feed or U+2028."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _write_many(folder: Path, rows: Sequence[Any]) -> SourceBatch:
    """Write sources into folders of `folder`/trees, and their artifacts into folders of `folder`/artifacts."""
    trees, reports = folder / "trees", folder / "artifacts"
    trees.mkdir()
    reports.mkdir()
    written: list[SourceTree] = []
    for place, row in enumerate(rows):
        name = f"s{place}"
        artifacts = _write(trees / name, reports / name, _texts(row.content), row.artifacts)
        manifest = SourceManifest.model_validate(row.manifest)
        written.append(SourceTree(root=trees / name, manifest=manifest, artifacts=artifacts))
    return SourceBatch(trees, tuple(written))


def _write(tree: Path, reports: Path, texts: Mapping[str, str], packed: Mapping[str, str]) -> dict[ArtifactKind, Path]:
    """Write files below one new folder and artifacts below another; every path is new, links cannot exist."""
    tree.mkdir()
    made = {tree}
    # Made in the folder that all trees share and moved in: for the first file of a new folder ext4 looks for a place
    # far from all others, which takes five times as long.
    fresh = tree.with_name(f"{tree.name}.new")
    for path, text in texts.items():
        target = tree / path
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        with fresh.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
        fresh.rename(target)
    artifacts: dict[ArtifactKind, Path] = {}
    if packed:
        reports.mkdir()
    for kind, data in packed.items():
        artifacts[ArtifactKind(kind)] = reports / kind
        artifacts[ArtifactKind(kind)].write_bytes(_unpack(base64.b64decode(data)))
    return artifacts
