"""Everything that crosses a wire, found by introspection: nothing can be forgotten, for nothing is listed.

Temporal's wires are the inputs and results of the worker's workflows and activities, and their updates, signals and
queries. HTTP's are the bodies of the API's routes.
"""

import importlib
import inspect
import pkgutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, cast, get_args, get_type_hints

from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from temporalio import activity, workflow

import activities
import worker
from models.comparison import ComparisonReport
from models.errors import Problem
from models.review import ReviewReport
from models.settings import Settings
from models.submission import ReviewView
from starter.api.app import create_app
from starter.api.body import ReadsBody

Use = Literal["temporal", "request", "response"]
RENDERED: dict[str, type[BaseModel]] = {
    "http GET /reviews/{review_id}/report": ReviewReport,
    "http GET /reviews/{review_id}/events": ReviewView,
    "http POST /comparisons/{comparison_id}/export": ComparisonReport,
}
"""What routes answer that write their body themselves."""

TOLD = ("title", "description", "examples")
"""What of a schema is for people alone."""


@dataclass
class Contract:
    """What is said on the wires."""

    crossings: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """By wire: what goes in and comes out."""
    nouns: dict[str, str] = field(default_factory=dict[str, str])
    """Of wires: the noun in whose file they are."""
    types: dict[type, set[Use]] = field(default_factory=lambda: defaultdict[type, set[Use]](set))

    def cross(self, wire: str, noun: str, use: Use, **sides: Any) -> None:
        """Note a wire, and every type that is said on it."""
        self.nouns[wire] = noun
        told = {side: name_of(kind) for side, kind in sides.items() if kind not in (None, type(None))}
        self.crossings.setdefault(wire, {}).update(told)
        for kind in sides.values():
            self._walk(kind, use)

    def _walk(self, kind: Any, use: Use) -> None:
        for part in get_args(kind):
            self._walk(part, use)
        if not isinstance(kind, type) or not issubclass(kind, BaseModel | Enum) or use in self.types[kind]:
            return
        self.types[kind].add(use)
        if issubclass(kind, BaseModel):
            for each in kind.model_fields.values():
                self._walk(each.annotation, use)


def name_of(kind: Any) -> str:
    """A type in words."""
    if isinstance(kind, type) and not get_args(kind):
        return kind.__name__
    origin = getattr(kind, "__origin__", None)
    parts = [name_of(each) for each in get_args(kind)]
    if origin is None or not parts:
        return " | ".join(parts) if parts else str(kind)
    return f"{getattr(origin, '__name__', origin)}[{', '.join(parts)}]"


def collected() -> dict[str, Any]:
    """The contract by noun: `wires`, and the JSON schema of every type with where it is used."""
    contract = Contract()
    for each in worker.WORKFLOWS:
        _workflow(contract, each)
    for method in steps():
        definition = activity._Definition.must_from_callable(method)  # pyright: ignore[reportPrivateUsage]
        sides = dict(zip(("input",), definition.arg_types or (), strict=False))
        contract.cross(f"activity {definition.name}", noun_of(method), "temporal", **sides, result=definition.ret_type)
    for route in routes():
        _route(contract, route)
    contract.cross("http errors", "error", "response", response=Problem)
    return _files(contract)


def steps() -> Iterator[Any]:
    """The activities of everything that the worker is made of."""
    for kind in get_type_hints(worker.Activities).values():
        for _, method in inspect.getmembers(kind, inspect.isfunction):
            if hasattr(method, "__temporal_activity_definition"):
                yield method


def every_step() -> set[str]:
    """Names of all activities that are defined anywhere, to hold against `steps`."""
    found: set[str] = set()
    for module in pkgutil.walk_packages(activities.__path__, "activities."):
        if ".migrations" in module.name or ".children" in module.name:
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            for _, method in inspect.getmembers(kind, inspect.isfunction):
                if definition := getattr(method, "__temporal_activity_definition", None):
                    found.add(definition.name)
    return found


def routes() -> list[APIRoute]:
    """The API's routes."""
    token = {"name": "reader", "token_sha256": "0" * 64, "roles": ["user"]}
    app = create_app(Settings.model_validate({"identities": [token]}))
    return [route for route in _flat(app.routes) if isinstance(route, APIRoute)]


def _flat(found: Any) -> Iterator[Any]:
    for each in found:
        yield each
        inner = getattr(each, "original_router", None) or getattr(each, "routes", None)
        if inner is not None and not isinstance(each, APIRoute):
            yield from _flat(getattr(inner, "routes", inner))


def _workflow(contract: Contract, kind: type) -> None:
    definition = workflow._Definition.must_from_class(kind)  # pyright: ignore[reportPrivateUsage]
    noun = noun_of(kind)
    name = f"workflow {definition.name}"
    (given,) = definition.arg_types or ()
    contract.cross(name, noun, "temporal", input=given, result=definition.ret_type)
    handlers: list[tuple[str, Any, Any]] = [
        *((f"update {each}", found.arg_types, found.ret_type) for each, found in definition.updates.items()),
        *((f"query {each}", found.arg_types, found.ret_type) for each, found in definition.queries.items()),
        *((f"signal {each}", found.arg_types, None) for each, found in definition.signals.items()),
    ]
    for handler, args, result in handlers:
        sides = dict(zip(("input",), args or (), strict=False))
        contract.cross(f"{name}: {handler}", noun, "temporal", **sides, result=result)


def _route(contract: Contract, route: APIRoute) -> None:
    noun = noun_of(route.endpoint)
    for method in sorted(route.methods):
        wire = f"http {method} {route.path}"
        contract.cross(wire, noun, "request", request=request_of(route))
        contract.cross(wire, noun, "response", response=RENDERED.get(wire, route.response_model))


def request_of(route: APIRoute) -> type[BaseModel] | None:
    """The model of a route's body, which a dependency of it reads."""
    assert route.body_field is None, "bodies are read by `JsonBody` alone"
    readers = (each.call for each in route.dependant.dependencies if isinstance(each.call, ReadsBody))
    return next((each.model for each in readers if each.model is not None), None)


def _files(contract: Contract) -> dict[str, Any]:
    labels = _labels(contract)
    models = [kind for kind in contract.types if issubclass(kind, BaseModel)]
    refs, whole = models_json_schema([(kind, "validation") for kind in models])
    places = {kind: ref["$ref"].rpartition("/")[2] for (kind, _), ref in refs.items()}
    by_place = {place: labels[kind] for kind, place in places.items()}
    files: dict[str, Any] = defaultdict(lambda: {"wires": {}, "types": {}})
    for wire, sides in sorted(contract.crossings.items()):
        files[contract.nouns[wire]]["wires"][wire] = sides
    for kind, label in sorted(labels.items(), key=lambda each: each[1]):
        if issubclass(kind, Enum):
            schema: Any = {"enum": [each.value for each in kind]}
        else:
            schema = plain(whole["$defs"][places[kind]], by_place)
        files[noun_of(kind)]["types"][label] = {"uses": sorted(contract.types[kind]), **schema}
    return {noun: dict(file) for noun, file in sorted(files.items())}


def noun_of(thing: Any) -> str:
    """The module that something is in, which is called by its noun; the API's modules by several of it."""
    return thing.__module__.rpartition(".")[2].removesuffix("s")


def _labels(contract: Contract) -> dict[type, str]:
    """Names of types; with their noun where there are two of a name."""
    counts = Counter(kind.__name__ for kind in contract.types)
    return {
        kind: kind.__name__ if counts[kind.__name__] == 1 else f"{noun_of(kind)}.{kind.__name__}"
        for kind in contract.types
    }


def plain(schema: Any, labels: Mapping[str, str]) -> Any:
    """A schema without what is for people alone, references by name."""
    if isinstance(schema, list):
        return [plain(each, labels) for each in cast(list[Any], schema)]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, value in cast(dict[str, Any], schema).items():
        if key == "$ref":
            place = value.rpartition("/")[2]
            kept["type"] = labels.get(place, place)
        elif key == "properties":
            kept[key] = {name: plain(each, labels) for name, each in value.items()}
        elif key in ("default", "enum", "required"):
            kept[key] = value
        elif key not in TOLD:
            kept[key] = plain(value, labels)
    return kept
