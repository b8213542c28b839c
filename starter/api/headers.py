"""What is in the head of every answer, and how much may be in that of a request."""

from fastapi import Request

from models.errors import InvalidInput

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

MAX_HEADERS = 100
MAX_HEAD_BYTES = 16 * 1024
MAX_HEADER_BYTES = 8 * 1024


def check_head(request: Request) -> None:
    """Refuse too many or too long headers: the server's own limit holds for slow ones only.

    Raises:
        InvalidInput: `headers_too_large`.
    """
    headers = request.scope["headers"]
    size = len(request.scope["query_string"]) + len(request.scope["path"])
    size += sum(len(name) + len(value) for name, value in headers)
    longest = max((len(value) for _, value in headers), default=0)
    if len(headers) <= MAX_HEADERS and longest <= MAX_HEADER_BYTES and size <= MAX_HEAD_BYTES:
        return
    raise InvalidInput(
        "headers_too_large",
        f"A request has at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes, and {MAX_HEAD_BYTES} bytes of "
        "address and headers; send less.",
        431,
    )
