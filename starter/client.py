"""The API as the command line sees it."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from models.errors import InvalidInput
from models.intake import SourceUpload
from models.review import ReviewReport
from models.source import SourceManifest
from models.submission import ReviewSubmission, ReviewView

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""Longest silence of the service while it takes in a large source."""
STREAM_SECONDS = 30.0
"""Longest silence of an event stream; it sends a ping every 15 seconds."""


class Unreachable(Exception):
    """The service cannot be reached, or what answers is not the service. Says the host, nothing more."""


class Client:
    """Calls one API with one token. Redirects are not followed and no proxy is taken from the environment."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
        )
        self._host = httpx.URL(url).host

    def close(self) -> None:
        self._http.close()

    def submit_source(self, upload: SourceUpload) -> SourceManifest:
        """Store source.

        Raises:
            InvalidInput: the service refuses it and says why.
            Unreachable: no answer.
        """
        body = upload.model_dump_json().encode()
        return SourceManifest.model_validate(self._call("POST", "/sources", body))

    def submit_review(self, submission: ReviewSubmission) -> ReviewView:
        """Start a review."""
        return ReviewView.model_validate(self._call("POST", "/reviews", submission.model_dump_json().encode()))

    def review(self, review_id: str) -> ReviewView:
        """How a review goes."""
        return ReviewView.model_validate(self._call("GET", f"/reviews/{review_id}"))

    def follow(self, review_id: str) -> Iterator[ReviewView]:
        """The review at every change, the last time when it has ended.

        Raises:
            Unreachable: the stream broke; following again goes on where it stands.
        """
        timeout = httpx.Timeout(STREAM_SECONDS, connect=CONNECT_SECONDS)
        with self._errors(), self._http.stream("GET", f"/reviews/{review_id}/events", timeout=timeout) as answer:
            if answer.is_error:
                answer.read()
                self._refuse(answer)
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield ReviewView.model_validate_json(line.removeprefix("data:").strip())

    def report(self, review_id: str) -> ReviewReport:
        """The report."""
        return ReviewReport.model_validate(self._call("GET", f"/reviews/{review_id}/report"))

    def rendered(self, review_id: str, format: str) -> str:
        """The report in another format."""
        with self._errors():
            answer = self._http.get(f"/reviews/{review_id}/report", params={"format": format})
        if answer.is_error:
            self._refuse(answer)
        return answer.text

    def _call(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        with self._errors():
            answer = self._http.request(method, path, content=body, headers=headers)
        if answer.is_error:
            self._refuse(answer)
        try:
            return answer.json()
        except ValueError:
            raise self._stranger() from None

    def _refuse(self, answer: httpx.Response) -> None:
        try:
            error = answer.json()["error"]
            code, message = str(error["code"]), str(error["message"])
        except (ValueError, KeyError, TypeError, json.JSONDecodeError):
            raise self._stranger() from None
        if answer.status_code in (401, 403):
            raise InvalidInput(code, f"{self._host} refuses the token. Set CONCLAVE_API_TOKEN to a valid one.", 401)
        if answer.status_code >= 500:
            raise Unreachable(f"{self._host} answers {answer.status_code} ({code}): {message}")
        raise InvalidInput(code, message, answer.status_code)

    def _stranger(self) -> Unreachable:
        return Unreachable(f"what answers at {self._host} is not the Conclave API. Check CONCLAVE_API_URL.")

    @contextmanager
    def _errors(self) -> Generator[None, None, None]:
        try:
            yield
        except httpx.ConnectError:
            raise Unreachable(f"{self._host} does not answer. Is it running? (`conclave status`)") from None
        except httpx.HTTPError as error:
            raise Unreachable(f"the connection to {self._host} broke ({type(error).__name__}).") from None
