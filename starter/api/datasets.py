"""Datasets: importing them and reading what is in them."""

import asyncio
import uuid
from typing import Annotated

from fastapi import Depends, Path, Response

from models.access import Action
from models.dataset import MAX_SAMPLES, Dataset, DatasetPage, DatasetUpload, SampleLine, SampleView
from models.dataset_lines import read_lines
from models.dataset_samples import upload_of
from models.intake import AcceptedSource
from starter.api import cursors, routing
from starter.api.auth import may
from starter.api.body import JsonBody
from starter.api.state import State
from starter.intake.accept import accept

router = routing.router("datasets")

Reader = Annotated[str, may(Action.DATASETS_READ)]
Writer = Annotated[str, may(Action.DATASETS_WRITE)]

MAX_BODY_BYTES = 64 * 1024 * 1024


@router.post("/datasets", status_code=201, responses={200: {"model": Dataset, "description": "It is there."}})
async def import_dataset(
    response: Response,
    owner: Writer,
    state: State,
    upload: Annotated[DatasetUpload, Depends(JsonBody(DatasetUpload, MAX_BODY_BYTES))],
) -> Dataset:
    """Store a dataset as the next version of its name; the same content again gives the version that is there."""
    lines, sources = await asyncio.to_thread(_read, upload.text)
    dataset, fresh = await state.services.versions.datasets.import_(upload.name, lines, sources, owner)
    if not fresh:
        response.status_code = 200
    response.headers["Location"] = f"/datasets/{dataset.id}"
    return dataset


def _read(text: str) -> tuple[tuple[SampleLine, ...], list[AcceptedSource]]:
    lines = read_lines(text)
    return lines, [accept(upload_of(line), source_id=uuid.uuid4().hex) for line in lines]


@router.get("/datasets")
async def list_datasets(
    _owner: Reader, state: State, cursor: cursors.Cursor = None, page_size: cursors.PageSize = 50
) -> DatasetPage:
    """Every version of every dataset, newest first."""
    found = await state.services.versions.datasets.page(cursors.moment_of(cursor), page_size + 1)
    shown, following = cursors.cut(found, page_size, lambda row: cursors.of_moment(row.created_at, row.id))
    return DatasetPage(datasets=tuple(shown), next_cursor=following)


@router.get("/datasets/{dataset_id}")
async def read_dataset(dataset_id: str, _owner: Reader, state: State) -> Dataset:
    """One dataset by its id, or the newest version of a name."""
    return await state.services.versions.datasets.find(dataset_id)


@router.get("/datasets/{dataset_id}/samples/{position}")
async def read_sample(
    dataset_id: str, position: Annotated[int, Path(ge=0, lt=MAX_SAMPLES)], _owner: Reader, state: State
) -> SampleView:
    """One sample with its labels and all that its line says besides, for people; without its code."""
    datasets = state.services.versions.datasets
    return await datasets.sample((await datasets.find(dataset_id)).id, position)
