"""Tokens: the API as the command line sees it."""

from collections.abc import Iterator

from models.access_token import TokenCreated, TokenPage, TokenRequest, TokenView
from starter.client import Client
from starter.provider_client import PAGES


class TokenClient:
    """Calls of one service. Every method raises what `Client` raises."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, request: TokenRequest) -> TokenCreated:
        return self._client.call(TokenCreated, "POST", "/tokens", request.model_dump_json().encode())

    def tokens(self, user: str | None, everybody: bool) -> Iterator[TokenView]:
        """The caller's tokens, those of one user, or everybody's; newest first."""
        params = {"page_size": "100", "everybody": "true" if everybody else "false"}
        if user is not None:
            params["user"] = user
        for _ in range(PAGES):
            page = self._client.call(TokenPage, "GET", "/tokens", params=params)
            yield from page.tokens
            if page.next_cursor is None:
                return
            params["cursor"] = page.next_cursor

    def revoke(self, token_id: str) -> None:
        self._client.send("DELETE", f"/tokens/{token_id}")
