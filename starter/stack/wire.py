"""Plain HTTP to a part on the loopback, without the imports or the proxy settings of a full client."""

import http.client
import json
from typing import Any, NamedTuple, cast


class Answer(NamedTuple):
    """Status and decoded body of one response."""

    status: int
    body: dict[str, Any]
    """Empty when the response was not a JSON object."""


def call(
    address: str,
    path: str,
    *,
    method: str = "GET",
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 2.0,
) -> Answer:
    """Send one request to `host:port`.

    Raises:
        OSError: nobody answered in time.
    """
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, headers or {})
        response = connection.getresponse()
        return Answer(response.status, _object(response.read()))
    except http.client.HTTPException as error:
        raise OSError(f"no proper HTTP answer ({type(error).__name__})") from None
    finally:
        connection.close()


def _object(text: bytes) -> dict[str, Any]:
    try:
        value: Any = json.loads(text)
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def transfer(address: str, path: str, *, method: str, body: bytes | None, headers: dict[str, str]) -> bytes:
    """Send and take bytes.

    Raises:
        OSError: nobody answered, or not with success.
    """
    connection = http.client.HTTPConnection(address, timeout=60.0)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
    except http.client.HTTPException as error:
        raise OSError(f"no proper HTTP answer ({type(error).__name__})") from None
    finally:
        connection.close()
    if response.status >= 300:
        raise OSError(f"HTTP {response.status}")
    return content
