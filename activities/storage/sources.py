"""Sources: compressed in Postgres, laid out as plain files while somebody works on them."""

import asyncio
import base64
import json
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import zstandard
from sqlalchemy import bindparam, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import load_only
from sqlmodel import col, select

from activities.ports import SourceTree, SourceUnknown
from activities.storage.database import Database
from models.ids import ID
from models.intake import AcceptedSource
from models.source import ArtifactKind, SourceManifest
from models.tables import Source

COMPRESSION_LEVEL = 3

MANIFEST_ONLY = load_only(Source.id, Source.manifest)  # pyright: ignore[reportArgumentType]
"""A manifest is read often, the text that belongs to it seldom."""

WHOLE = select(col(Source.manifest), col(Source.content), col(Source.artifacts)).where(
    col(Source.id) == bindparam("wanted")
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
        artifacts = {kind: base64.b64encode(_pack(data)).decode() for kind, data in source.artifacts.items()}
        row = {
            "id": source.manifest.source_id,
            "owner": owner,
            "content_hash": source.manifest.content_hash,
            "manifest": source.manifest.model_dump(mode="json"),
            "content": await asyncio.to_thread(lambda: _pack(json.dumps(source.texts).encode())),
            "artifacts": artifacts,
            "created_at": datetime.now(UTC),
        }
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

    async def lines(self, source_id: str) -> tuple[SourceManifest, Mapping[str, Sequence[str]]]:
        """The manifest and the text lines of every file, split at line feeds as analysers count them."""
        manifest, texts, _ = await self._load(source_id)
        return manifest, {path: split_lines(text) for path, text in texts.items()}

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

    async def _lay_out(self, source_id: str) -> _Checkout:
        manifest, texts, packed = await self._load(source_id)
        # The name tells whose it is, so that the sweep for folders of killed workers finds it.
        folder = Path(tempfile.mkdtemp(prefix=f"conclave-{os.getpid()}-source-", dir=self._scratch))
        try:
            artifacts = await asyncio.to_thread(_write, folder, texts, packed)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return _Checkout(SourceTree(root=folder / "tree", manifest=manifest, artifacts=artifacts), folder)

    async def _load(self, source_id: str) -> tuple[SourceManifest, dict[str, str], dict[str, str]]:
        async with self._database.statements() as session:
            row = (await session.execute(WHOLE, {"wanted": source_id})).one_or_none()
        if row is None:
            raise SourceUnknown
        texts: dict[str, str] = await asyncio.to_thread(lambda: json.loads(_unpack(row.content)))
        return SourceManifest.model_validate(row.manifest), texts, row.artifacts


def split_lines(text: str) -> list[str]:
    """Lines as editors and analysers number them: ended by LF, CR LF or CR, never by form feed or U+2028."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _write(folder: Path, texts: Mapping[str, str], packed: Mapping[str, str]) -> dict[ArtifactKind, Path]:
    """Write files below `folder`/tree and artifacts below `folder`/artifacts; every path is new, links cannot exist."""
    tree = folder / "tree"
    tree.mkdir()
    made = {tree}
    for path, text in texts.items():
        target = tree / path
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        with target.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    (folder / "artifacts").mkdir()
    artifacts: dict[ArtifactKind, Path] = {}
    for kind, data in packed.items():
        artifacts[ArtifactKind(kind)] = folder / "artifacts" / kind
        artifacts[ArtifactKind(kind)].write_bytes(_unpack(base64.b64decode(data)))
    return artifacts
