"""The API as the command line sees it."""

import ssl
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, TypeVar, cast

import httpx

from models.errors import InvalidInput, Problem
from models.intake import SourceUpload
from models.review import ReviewReport
from models.source import SourceManifest
from models.submission import ReviewSubmission, ReviewView
from models.text import clean
from models.wire import Wire

W = TypeVar("W", bound=Wire)

PIECE_BYTES = 256 * 1024

Sent = Callable[[int, int], None]
"""Told how many bytes of how many are on their way."""

Params = Mapping[str, str | Sequence[str]]
"""Of a query; a name with several values is repeated."""

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""Longest silence of the service while it takes in a large source."""
MAX_LINES = 50
"""Lines of a refused file that are told."""
MAX_WAIT_SECONDS = 60.0
"""Longest that a request waits altogether because too many came; then it is refused as the service refuses it."""
STREAM_SECONDS = 30.0
"""Longest silence of an event stream; it sends a ping every 15 seconds."""

REFUSED_TOKEN = "{} refuses the token. Set CONCLAVE_API_TOKEN to a valid one."
REFUSED_TOKENS = {
    "token_expired": "{} says that the token has expired. Set CONCLAVE_API_TOKEN to another one.",
    "token_revoked": "{} says that the token was revoked. Set CONCLAVE_API_TOKEN to another one.",
}


class Unreachable(Exception):
    """The service cannot be reached, or what answers is not the service. Says the host, nothing more."""


class Client:
    """Calls one API with one token. Redirects are not followed and no proxy is taken from the environment."""

    def __init__(
        self,
        url: str,
        token: str,
        headers: Mapping[str, str] = MappingProxyType({}),
        patience: float = ANSWER_SECONDS,
    ) -> None:
        """Check the address and the token; nothing is sent yet.

        Args:
            url: the service's address.
            token: whose word it is.
            headers: sent with every request: which trace it belongs to.
            patience: seconds until a silent service counts as away.

        Raises:
            InvalidInput: one of them cannot be one.
        """
        self._host = _host_of(url)
        if not token.isascii() or not token.isprintable() or not token.strip():
            raise InvalidInput("config_invalid", "CONCLAVE_API_TOKEN must be printable ASCII text, and not empty.")
        self._http = httpx.Client(
            base_url=url,
            headers={**headers, "Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(patience, connect=min(patience, CONNECT_SECONDS)),
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def submit_source(self, upload: SourceUpload) -> SourceManifest:
        """Store source.

        Raises:
            InvalidInput: the service refuses it and says why.
            Unreachable: no answer.
        """
        body = upload.model_dump_json().encode()
        return self.call(SourceManifest, "POST", "/sources", body)

    def submit_review(self, submission: ReviewSubmission) -> ReviewView:
        """Start a review."""
        return self.call(ReviewView, "POST", "/reviews", submission.model_dump_json().encode())

    def review(self, review_id: str) -> ReviewView:
        """How a review goes."""
        return self.call(ReviewView, "GET", f"/reviews/{review_id}")

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
                    yield self._view(line.removeprefix("data:").strip())

    def _view(self, text: str) -> ReviewView:
        try:
            return ReviewView.model_validate_json(text)
        except ValueError:
            raise self._stranger() from None

    def report(self, review_id: str) -> ReviewReport:
        """The report."""
        return self.call(ReviewReport, "GET", f"/reviews/{review_id}/report")

    def rendered(self, review_id: str, format: str) -> str:
        """The report in another format."""
        return self._answered("GET", f"/reviews/{review_id}/report", None, {"format": format}).text

    def call(
        self,
        model: type[W],
        method: str,
        path: str,
        body: bytes | None = None,
        params: Params | None = None,
        sent: Sent | None = None,
    ) -> W:
        """One request whose answer is a model.

        Args:
            model: of the answer.
            method: of the request.
            path: below the service's address.
            body: JSON.
            params: of the query.
            sent: told how much of the body is on its way.

        Raises:
            InvalidInput: the service refuses it and says why.
            Unreachable: no answer, or one that is not the service's.
        """
        answer = self._answered(method, path, body, params, sent)
        try:
            return model.model_validate(answer.json())
        except ValueError:  # no JSON, or other JSON: pydantic's error is one, too
            raise self._stranger() from None

    def listing(self, path: str, params: Params | None = None) -> dict[str, Any]:
        """The newest page of a list, as it is.

        Raises:
            InvalidInput: the service refuses it and says why.
            Unreachable: no answer, or one that is not the service's.
        """
        answer = self._answered("GET", path, None, params)
        try:
            found = answer.json()
        except ValueError:
            raise self._stranger() from None
        if not isinstance(found, dict):
            raise self._stranger()
        return cast(dict[str, Any], found)

    def fetch(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """One request whose answer is a file.

        Raises:
            InvalidInput: the service refuses it and says why.
            Unreachable: no answer.
        """
        return self._answered(method, path, body, None).content

    def lines(self, path: str) -> Iterator[str]:
        """The lines of a long answer, as they come.

        Raises:
            InvalidInput: the service refuses it and says why.
            Unreachable: no answer, or one that broke off.
        """
        with self._errors(), self._http.stream("GET", path) as answer:
            if answer.is_error:
                answer.read()
                self._refuse(answer)
            yield from answer.iter_lines()

    def send(self, method: str, path: str) -> None:
        """One request whose answer does not matter beyond its success."""
        self._answered(method, path, None, None)

    def _answered(
        self, method: str, path: str, body: bytes | None, params: Params | None, sent: Sent | None = None
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if body is not None and sent is not None:
            headers["Content-Length"] = str(len(body))

        def send() -> httpx.Response:
            content = body if body is None or sent is None else _pieces(body, sent)
            return self._http.request(method, path, content=content, headers=headers, params=params)

        with self._errors():
            answer = _patiently(send)
        if answer.is_error:
            self._refuse(answer)
        return answer

    def _refuse(self, answer: httpx.Response) -> None:
        try:
            error = answer.json()["error"]
            # Cleaned: whatever answers must not write on the terminal.
            problem = Problem(code=error["code"], message=clean(error["message"], 500), details=_details(error))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._stranger() from None
        if answer.status_code == 401:
            raise InvalidInput(problem.code, REFUSED_TOKENS.get(problem.code, REFUSED_TOKEN).format(self._host), 401)
        if answer.status_code >= 500:
            raise Unreachable(f"{self._host} answers {answer.status_code} ({problem.code}): {problem.message}")
        raise InvalidInput(problem.code, problem.message, answer.status_code, **problem.details)

    def _stranger(self) -> Unreachable:
        return Unreachable(f"what answers at {self._host} is not the Conclave API. Check CONCLAVE_API_URL.")

    @contextmanager
    def _errors(self) -> Generator[None, None, None]:
        try:
            yield
        except httpx.ConnectError as error:
            if _is_about_tls(error):
                told = f"{self._host} cannot be reached by TLS: its certificate is not trusted, or it speaks no TLS."
                raise Unreachable(f"{told} Check CONCLAVE_API_URL.") from None
            raise Unreachable(f"{self._host} does not answer. Is it running? (`conclave status`)") from None
        except httpx.HTTPError as error:
            raise Unreachable(f"the connection to {self._host} broke ({type(error).__name__}).") from None


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _pieces(body: bytes, sent: Sent) -> Iterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        sent(start, len(body))
        yield body[start : start + PIECE_BYTES]
    sent(len(body), len(body))


def _patiently(send: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer, asked for again when the service says when: nothing was done of what it had too many of."""
    left = MAX_WAIT_SECONDS
    while True:
        answer = send()
        wait = _told_to_wait(answer)
        if wait is None or wait > left:
            return answer
        left -= wait
        time.sleep(wait)


def _told_to_wait(answer: httpx.Response) -> float | None:
    """Seconds after which a request that was one too many may come again; None: it was not, or no time is told."""
    told = answer.headers.get("retry-after", "")
    if answer.status_code != 429 or not (told.isascii() and told.isdigit()) or len(told) > 6:
        return None
    return float(max(1, int(told)))


def _details(error: Mapping[str, Any]) -> dict[str, str | int | list[str]]:
    """What is wrong line by line, where the service tells that."""
    lines: Any = error.get("details", {}).get("lines")
    if not isinstance(lines, list):
        return {}
    told = cast(list[Any], lines[:MAX_LINES])
    return {"lines": [clean(str(line), 300) for line in told]}


def _host_of(url: str) -> str:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = None
    if address is None or address.scheme not in ("http", "https") or not address.host:
        raise InvalidInput("config_invalid", "CONCLAVE_API_URL must be an address like https://conclave.example.")
    return address.host
