"""Errors as the API tells them: one envelope, a code, a way out, never the input."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from temporalio.service import RPCError

from activities.access_ports import TokenUnknown
from activities.comparison_ports import ComparisonUnknown
from activities.experiment_ports import (
    ConfigQuarantined,
    DatasetUnknown,
    ExperimentUnknown,
    PolicyMalformed,
    PolicyUnavailable,
    PromotionUnknown,
    QuarantineUnknown,
    SampleUnknown,
    VersionUnknown,
)
from activities.idempotency_ports import BodyDiffers, InProgress
from activities.key_ports import KeyServiceRefused
from activities.ports import KeyServiceUnavailable, ReviewUnknown, SourceUnknown, StoreUnavailable
from activities.provider_ports import (
    AlertUnknown,
    KeyUnknown,
    KeyUnreadable,
    ProviderExists,
    ProviderUnknown,
    QuotaUnavailable,
)
from activities.trial_ports import TrialUnknown
from models.errors import InvalidInput, Problem
from starter.api.headers import SECURITY_HEADERS

CODE_OF_STATUS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 415: "unsupported_media_type"}

CODE_OF_TYPE = {
    "missing": "field_required",
    "extra_forbidden": "unknown_field",
    "finite_number": "invalid_number",
    "string_unicode": "invalid_text",
}
"""pydantic's error types that have a code of their own; every other is `invalid_field`."""

LIMITS = ("ge", "gt", "le", "lt", "min_length", "max_length", "expected", "pattern")
"""What of an error's context may be told: limits, never values."""


UNKNOWN: dict[type[Exception], str] = {
    SourceUnknown: "source",
    ReviewUnknown: "review",
    ProviderUnknown: "provider",
    KeyUnknown: "key",
    AlertUnknown: "alert",
    DatasetUnknown: "dataset",
    SampleUnknown: "sample",
    ExperimentUnknown: "experiment",
    ComparisonUnknown: "comparison",
    PromotionUnknown: "promotion",
    QuarantineUnknown: "quarantine",
    VersionUnknown: "version",
    TrialUnknown: "trial",
    TokenUnknown: "token",
}

CONFLICTS: dict[type[Exception], Problem] = {
    ConfigQuarantined: Problem(
        code="config_quarantined",
        message="The configuration is quarantined: it is neither tried nor used. `conclave blacklist` says why; an "
        "approver may release it, and `conclave rollback` brings back the version before it if it is the stable one.",
    ),
    ProviderExists: Problem(
        code="provider_exists",
        message="`name` is taken by another provider; choose another name, or change that provider.",
        details={"field": "name"},
    ),
    KeyUnreadable: Problem(
        code="key_unreadable",
        message="The stored key was not given for the provider's present endpoint, or was changed; give it anew.",
    ),
}

UNAVAILABLE: dict[type[Exception], str] = {
    StoreUnavailable: "store_unavailable",
    KeyServiceUnavailable: "kek_unavailable",
    QuotaUnavailable: "quota_unavailable",
    RPCError: "temporal_unavailable",
    PolicyUnavailable: "policy_unavailable",
    PolicyMalformed: "policy_unavailable",
}

KEK_REFUSED = Problem(
    code="kek_refused",
    message="The key service does not let this service encrypt; nothing was saved. An administrator has to look at its "
    "token and policy (docs/providers.md).",
)

KEY_USED = Problem(
    code="idempotency_mismatch", message="This Idempotency-Key came before with another request; use a new key."
)
KEY_AT_WORK = Problem(
    code="in_progress", message="A request with this Idempotency-Key is being carried out; wait for its answer."
)

_PLAIN_NAME = re.compile(r"[A-Za-z_]{1,30}")


def answer(status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The envelope."""
    return JSONResponse({"error": problem.model_dump(mode="json")}, status_code=status, headers=headers)


def problem_of(error: ValidationError | RequestValidationError) -> Problem:
    """The first thing that is wrong, by its place and its limit."""
    first: dict[str, Any] = dict(error.errors()[0])
    field = _field(first.get("loc", ()))
    context: dict[str, Any] = first.get("ctx") or {}
    limits = {name: str(context[name]) for name in LIMITS if name in context}
    code = CODE_OF_TYPE.get(str(first["type"]), "invalid_field")
    told = {
        "field_required": f"`{field}` is missing",
        "unknown_field": f"`{field}` is not a field of this request",
    }.get(code, f"`{field}` is not valid ({str(first['type']).replace('_', ' ')})")
    allowed = "; ".join(f"{name} {value}" for name, value in limits.items())
    return Problem(code=code, message=f"{told}{f': {allowed}' if allowed else ''}.", details={"field": field, **limits})


def _field(place: Sequence[Any]) -> str:
    """The path of a field; names that are not plain words come from the sender, may be a key, and are not repeated."""
    parts = list(place)
    if parts and parts[0] in ("body", "query", "path", "header"):
        parts = parts[1:]
    shown = [str(part) if isinstance(part, int) or _PLAIN_NAME.fullmatch(part) else "?" for part in parts]
    return ".".join(shown)[:200] or "body"


def install(app: FastAPI) -> None:
    """Give every failure the envelope."""

    @app.exception_handler(InvalidInput)
    async def invalid(_request: Request, error: InvalidInput) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return answer(error.status, error.problem)

    @app.exception_handler(RequestValidationError)
    async def unprocessable(_request: Request, error: RequestValidationError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return answer(422, problem_of(error))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        code = CODE_OF_STATUS.get(error.status_code, "refused")
        message = {404: "There is no such path.", 405: "This path does not take this method."}
        text = message.get(error.status_code, "The request was refused.")
        headers = {"Allow": _methods(request)} if error.status_code == 405 else dict(error.headers or {})
        return answer(error.status_code, Problem(code=code, message=text), headers)

    for kind, noun in UNKNOWN.items():
        _missing(app, kind, noun)
    for kind, problem in CONFLICTS.items():
        _always(app, kind, 409, problem)
    for kind, code in UNAVAILABLE.items():
        text = "A part of the service is down; nothing was saved. Try again, or run `conclave status`."
        _always(app, kind, 503, Problem(code=code, message=text), {"Retry-After": "5"})
    _always(app, KeyServiceRefused, 503, KEK_REFUSED)
    _always(app, BodyDiffers, 422, KEY_USED)
    _always(app, InProgress, 409, KEY_AT_WORK, {"Retry-After": "1"})

    @app.exception_handler(Exception)
    async def broken(_request: Request, _error: Exception) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        # This one is sent from outside of the middleware that gives all others their headers.
        problem = Problem(code="internal", message="The service failed; its log has the reason.")
        return answer(500, problem, SECURITY_HEADERS)


def _methods(request: Request) -> str:
    """What a path takes, by all of its routes: the framework tells of the first alone."""
    path: str = request.scope["path"]
    routes = [each for each in iter_route_contexts(request.app.routes) if each.path is not None]
    own = [each for each in routes if each.path == path]
    fits = own or [each for each in routes if each.path_regex.match(path)]
    return ", ".join(sorted({method for each in fits for method in each.methods or ()}))


def _missing(app: FastAPI, kind: type[Exception], noun: str) -> None:
    _always(app, kind, 404, Problem(code=f"{noun}_unknown", message=f"There is no such {noun}."))


def _always(
    app: FastAPI, kind: type[Exception], status: int, problem: Problem, headers: dict[str, str] | None = None
) -> None:
    @app.exception_handler(kind)
    async def same(_request: Request, _error: Exception) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return answer(status, problem, headers)
