"""The API's description: what FastAPI knows of the routes, and what all of them have in common."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import Any, cast

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic.json_schema import models_json_schema

from models.errors import Problem
from models.wire import Wire
from starter.api.auth import identity
from starter.api.body import ReadsBody
from starter.api.idempotency import REPLAYED
from starter.api.openapi_parts import (
    ALWAYS,
    DESCRIPTION,
    JSON,
    KEY_PARAMETER,
    LATER,
    MAKERS,
    REFERENCE,
    TAG_PARAMETER,
    TELLS,
)


class Refused(Wire):
    """What every refusal and failure looks like."""

    error: Problem


def install(app: FastAPI) -> None:
    """Have the application describe itself; made once, when first asked for."""
    app.openapi = cache(lambda: _document(app))


@cache
def examples() -> dict[str, dict[str, Any]]:
    """A request and an answer of every operation, by its id."""
    text = resources.files("starter.api").joinpath("examples.json").read_text(encoding="utf-8")
    return cast(dict[str, dict[str, Any]], json.loads(text))


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, routes=app.routes, description=DESCRIPTION)
    parts = made.setdefault("components", {})
    schemas: dict[str, Any] = parts.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    routes = list(_routes(app))
    bodies = {each.model for _, _, each in routes if each is not None and each.model is not None}
    names = _add(schemas, sorted((*bodies, Refused), key=lambda model: model.__name__))
    for route, dependant, body in routes:
        for method in route.methods or ():
            operation = made["paths"][route.path_format][method.lower()]
            _complete(operation, method, dependant, body, names)
            _show(operation, examples().get(operation["operationId"], {}))
    _link(made)
    return made


def _link(made: dict[str, Any]) -> None:
    """Tell where what an operation makes is used."""
    operations = {each["operationId"]: each for path in made["paths"].values() for each in path.values()}
    for name, operation in operations.items():
        placed = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        for wanted in placed & MAKERS.keys():
            _from(operations, wanted, name, {"parameters": {wanted: _told(wanted)}})
        for wanted in _fields(made, operation) & MAKERS.keys():
            _from(operations, wanted, name, {"requestBody": {wanted: _told(wanted)}})


def _told(wanted: str) -> str:
    return f"$response.body#/{MAKERS[wanted][1]}"


def _fields(made: dict[str, Any], operation: dict[str, Any]) -> set[str]:
    if "requestBody" not in operation:
        return set()
    reference: str = operation["requestBody"]["content"][JSON]["schema"]["$ref"]
    return set(made["components"]["schemas"][reference.rsplit("/", 1)[1]].get("properties", {}))


def _from(operations: dict[str, dict[str, Any]], wanted: str, name: str, link: dict[str, Any]) -> None:
    for status, answer in operations[MAKERS[wanted][0]]["responses"].items():
        if status.startswith("2"):
            answer.setdefault("links", {})[name] = {"operationId": name, **link}


def _routes(app: FastAPI) -> Iterator[tuple[RouteContext, Dependant, ReadsBody | None]]:
    """Every described route with what it depends on and the body it takes, if it takes one."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            calls = _calls(route.dependant)
            yield route, route.dependant, next((each for each in calls if isinstance(each, ReadsBody)), None)


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for each in dependant.dependencies:
        if each.call is not None:
            yield each.call
        yield from _calls(each)


def _add(schemas: dict[str, Any], models: list[type[Wire]]) -> dict[type[Wire], str]:
    """Put models that are read into the schemas. What has a namesake that is written differently gets a name apart."""
    references, defined = models_json_schema([(each, "validation") for each in models], ref_template=REFERENCE)
    found: dict[str, Any] = defined.get("$defs", {})
    taken = {name for name, schema in found.items() if schemas.get(name, schema) != schema}
    text = json.dumps(found)
    for name in taken:
        text = text.replace(f'"{REFERENCE.format(model=name)}"', f'"{REFERENCE.format(model=name + "-Input")}"')
    for name, schema in json.loads(text).items():
        schemas[f"{name}-Input" if name in taken else name] = schema
    names: dict[type[Wire], str] = {}
    for (model, _), reference in references.items():
        name = reference["$ref"].rsplit("/", 1)[1]
        names[cast(type[Wire], model)] = f"{name}-Input" if name in taken else name
    return names


def _complete(
    operation: dict[str, Any], method: str, dependant: Dependant, body: ReadsBody | None, names: dict[type[Wire], str]
) -> None:
    """Add to an operation what no decorator says."""
    responses: dict[str, Any] = operation["responses"]
    told = {int(status) for status in responses if int(status) >= 400 and status != "422"}
    operation["summary"] = operation["summary"].capitalize()
    if identity in set(_calls(dependant)):
        operation["security"] = [{"token": []}]
        told |= {*ALWAYS}
    else:
        told |= {400, 431}
    if dependant.path_params:
        told.add(404)
    if dependant.path_params or dependant.query_params or body is not None:
        told.add(422)
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    if method == "POST":
        parameters.append(KEY_PARAMETER)
        told.add(409)
    if body is not None:
        told |= {413, 415}
    if body is not None and body.model is not None:
        reference = {"$ref": REFERENCE.format(model=names[body.model])}
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": reference}}}
    for status, answer in responses.items():
        if status.startswith("2"):
            _head(answer, method)
    if method == "GET" and JSON in responses["200"].get("content", {}) and operation.get("security"):
        parameters.append(TAG_PARAMETER)
        responses["304"] = {"description": TELLS[304], "headers": {"ETag": _header("Of what the reader has.")}}
    for status in sorted(told):
        responses[str(status)] = _refusal(status, responses.get(str(status), {}), names[Refused])
    operation["responses"] = dict(sorted(responses.items()))


def _head(answer: dict[str, Any], method: str) -> None:
    headers: dict[str, Any] = answer.setdefault("headers", {})
    if method == "GET" and JSON in answer.get("content", {}):
        headers["ETag"] = _header("Changes whenever the answer does.")
    if method == "POST":
        headers[REPLAYED] = _header("`true`: this was answered before, and nothing was done again.")


def _header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


def _refusal(status: int, said: dict[str, Any], envelope: str) -> dict[str, Any]:
    """How an operation refuses: in the envelope, unless the route says otherwise."""
    schema = {"$ref": REFERENCE.format(model=envelope)}
    own = said.get("content") if status != 422 else None
    content = own or {JSON: {"schema": schema}}
    made: dict[str, Any] = {"description": TELLS[status], "content": content}
    if status in LATER:
        made["headers"] = {"Retry-After": _header("Seconds.")}
    return made


def _show(operation: dict[str, Any], example: dict[str, Any]) -> None:
    """Put the example of a request and of its answer where readers look for them."""
    named: dict[str, Any] = example.get("parameters", {})
    for parameter in operation["parameters"]:
        if parameter["name"] in named:
            parameter["example"] = named[parameter["name"]]
    if "request" in example and "requestBody" in operation:
        operation["requestBody"]["content"][JSON]["example"] = example["request"]
    for status, answer in operation["responses"].items():
        if status.startswith("2") and "answer" in example:
            contents: dict[str, Any] = answer.get("content", {})
            for kind, content in contents.items():
                if kind == JSON or JSON not in contents:
                    content["example"] = example["answer"]
            break
