"""Datasets, experiments, versions and promotions: the API as the command line sees it."""

from collections.abc import Iterator
from urllib.parse import quote

from models.dataset import Dataset, DatasetPage, DatasetUpload, SampleView
from models.errors import InvalidInput
from models.wire import Wire
from starter.client import Client, Sent

PAGES = 100
"""Pages that are read at most; a hundred of a hundred are more than anybody looks at."""


class VersionClient:
    """Calls of one service. Every method raises what `Client` raises."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def import_dataset(self, upload: DatasetUpload, sent: Sent | None = None) -> Dataset:
        """Store a dataset; the same content again gives the version that is there."""
        return self._client.call(Dataset, "POST", "/datasets", body(upload), sent=sent)

    def datasets(self) -> Iterator[Dataset]:
        """Every dataset and version, newest first."""
        cursor: str | None = None
        for _ in range(PAGES):
            page = self._client.call(DatasetPage, "GET", "/datasets", params=page_params(cursor))
            yield from page.datasets
            cursor = page.next_cursor
            if cursor is None:
                return

    def dataset(self, name: str) -> Dataset:
        """One dataset by its id, or the newest version of a name."""
        return self._client.call(Dataset, "GET", f"/datasets/{part(name)}")

    def sample(self, dataset_id: str, position: int) -> SampleView:
        """One sample of a dataset, without its code."""
        return self._client.call(SampleView, "GET", f"/datasets/{dataset_id}/samples/{position}")


def part(text: str) -> str:
    """What a user typed as one part of a path, and no other path than that.

    Raises:
        InvalidInput: it cannot be one.
    """
    if "/" in text or not text.strip("."):
        raise InvalidInput("invalid_id", "An id or a name has no `/`, and more than dots.")
    return quote(text, safe="")


def page_params(cursor: str | None) -> dict[str, str]:
    """Query of one page of a list."""
    return {"page_size": "100"} | ({} if cursor is None else {"cursor": cursor})


def body(request: Wire) -> bytes:
    """A request's body."""
    return request.model_dump_json().encode()
