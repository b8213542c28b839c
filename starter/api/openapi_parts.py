"""What the API's description says of all operations, in words and numbers."""

from typing import Any

from models.idempotency import MAX_KEY_LENGTH

REFERENCE = "#/components/schemas/{model}"
JSON = "application/json"

DESCRIPTION = (
    "Reviews of code by a panel of experts, and the way a better panel gets into production. Send "
    "`Authorization: Bearer TOKEN`. Every refusal is `{error: {code, message, details}}`: the code is stable, the "
    "message names the field, the limit and the way out. docs/api.md has the rules that all operations share."
)

TELLS: dict[int, str] = {
    304: "The reader has it: the ETag in `If-None-Match` is still that of the answer.",
    400: "The request cannot be read: its JSON, encoding, host, headers or cursor.",
    401: "No valid token.",
    403: "The token's roles do not allow this.",
    404: "There is no such thing, or it is somebody else's.",
    409: "Not as things stand; or the same Idempotency-Key is being carried out.",
    413: "The body is too large.",
    415: "The body is not plain JSON by its headers.",
    422: "The request breaks a rule, which the error names.",
    429: "Too much for now; try again after `Retry-After`.",
    431: "The headers are too many or too long.",
    500: "The service failed; its log has the reason.",
    503: "A part of the service is down; nothing was saved. Try again after `Retry-After`.",
}
ALWAYS = (400, 401, 403, 429, 431, 500, 503)
LATER = (409, 429, 503)
"""Statuses that may come with Retry-After."""

KEY_PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "With the same key and body the same answer comes again, for seven days, and nothing is done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[ -~]+$"},
}
TAG_PARAMETER: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "An ETag that came before; if it still holds the answer is 304 and empty.",
    "schema": {"type": "string"},
}


MAKERS: dict[str, tuple[str, str]] = {
    "source_id": ("submit_source", "source_id"),
    "review_id": ("submit_review", "id"),
    "provider_id": ("add_provider", "id"),
    "provider": ("add_provider", "name"),
    "key_id": ("add_key", "id"),
    "dataset_id": ("import_dataset", "id"),
    "experiment_id": ("create_experiment", "id"),
    "comparison_id": ("create_comparison", "id"),
    "promotion_id": ("ask_for_promotion", "id"),
    "config_hash": ("quarantine", "config_hash"),
    "token_id": ("create_token", "id"),
    "trial_id": ("start_trial", "id"),
}
"""Which operation makes what a parameter or field names, and where its answer says so."""
