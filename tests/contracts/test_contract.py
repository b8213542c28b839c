"""The contract of the wires: nothing that is locked breaks, nothing is left out, and the check sees every break."""

import copy
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel, Field

from tests.contracts import collect, lock
from tests.contracts.collect import Contract, collected, every_step, routes, steps
from tests.contracts.compare import breaks

HOW = "uv run python -m tests.contracts.lock"


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return collected()


def test_nothing_that_is_locked_is_broken(now: dict[str, Any]) -> None:
    found = breaks(lock.read(), now)
    assert not found, "\n".join(["this breaks stored payloads or clients:", *found])


def test_what_was_added_is_locked_too(now: dict[str, Any]) -> None:
    locked = lock.read()
    different = sorted(noun for noun in {*locked, *now} if locked.get(noun) != now.get(noun))
    assert not different, f"what is said about {', '.join(different)} is not what is locked; look at it after `{HOW}`"


def test_no_activity_is_left_out() -> None:
    assert {method.__temporal_activity_definition.name for method in steps()} == every_step()


def test_every_route_is_in_it(now: dict[str, Any]) -> None:
    locked = {wire for file in now.values() for wire in file["wires"] if wire.startswith("http ")}
    assert locked - {"http errors"} == {f"http {method} {each.path}" for each in routes() for method in each.methods}
    assert len(locked) > 60


WITHOUT_BODY = ("/cancel", "/pause", "/resume", "/evaluate", "/acknowledge", "/withdraw", "/test", "/decode", "/encode")


def test_the_body_of_every_route_that_takes_one_is_found(now: dict[str, Any]) -> None:
    for file in now.values():
        for wire, sides in file["wires"].items():
            if wire.startswith(("http POST", "http PUT", "http PATCH")) and not wire.endswith(WITHOUT_BODY):
                assert "request" in sides, wire


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Part(BaseModel):
    size: int = Field(ge=1, le=10)


class Order(BaseModel):
    name: str = Field(max_length=10)
    colour: Colour
    parts: tuple[Part, ...] = ()
    note: str | None = None
    limit: int = 5


def contract(use: collect.Use = "temporal", order: type[BaseModel] = Order) -> dict[str, Any]:
    made = Contract()
    made.cross("workflow shop", "shop", use, input=order, result=Part)
    made.cross("workflow shop: signal hurry", "shop", use)
    return collect._files(made)  # pyright: ignore[reportPrivateUsage]


Change = Callable[[dict[str, Any], dict[str, Any]], None]


def _types(change: Callable[[Any], None]) -> Change:
    return lambda wires, types: change(types)


def _order(change: Callable[[Any], Any]) -> Change:
    return lambda wires, types: change(types["Order"]["properties"]) and None


def renamed(fields: dict[str, Any]) -> None:
    fields["title"] = fields.pop("name")


def demanding(types: dict[str, Any]) -> None:
    types["Order"]["properties"]["new"] = {"type": "string"}
    types["Order"]["required"].append("new")


BREAKS: dict[str, tuple[Change, str]] = {
    "a workflow is gone": (lambda wires, types: wires.pop("workflow shop"), "workflow shop: it is gone"),
    "a signal is gone": (lambda wires, types: wires.pop("workflow shop: signal hurry"), "signal hurry: it is gone"),
    "another input": (
        lambda wires, types: wires["workflow shop"].update(input="Part"),
        "its input was Order and is Part",
    ),
    "another result": (lambda wires, types: wires["workflow shop"].update(result="Order"), "its result was Part"),
    "a signal that wants something": (
        lambda wires, types: wires["workflow shop: signal hurry"].update(input="Part"),
        "its input was nothing",
    ),
    "a type is gone": (_types(lambda types: types.pop("Part")), "Part: the type is gone"),
    "an enum value is gone": (_types(lambda types: types["Colour"].update(enum=["red"])), "Colour: the value `blue`"),
    "a field is gone": (_order(lambda fields: fields.pop("note")), "Order.note: the field is gone"),
    "a field has another name": (_order(renamed), "Order.name: the field is gone"),
    "a field has another type": (
        _order(lambda fields: fields["limit"].update(type="string")),
        "Order.limit: the field had type integer and has string",
    ),
    "a field of another type within": (
        _order(lambda fields: fields["parts"]["items"].update(type="Colour")),
        "Order.parts: the field had type Part and has Colour",
    ),
    "a field is never None any more": (
        _order(lambda fields: fields.update(note={"type": "string", "default": None})),
        "Order.note: the field takes null no longer",
    ),
    "an optional field is required": (
        _types(lambda types: types["Order"]["required"].append("note")),
        "Order.note: the field was optional and is required",
    ),
    "another default": (_order(lambda fields: fields["limit"].update(default=6)), "Order.limit: the default was 5"),
    "a new field without a default": (_types(demanding), "Order.new: a new field without a default"),
    "a lower limit": (_order(lambda fields: fields["name"].update(maxLength=9)), "Order.name: the field had maxLength"),
    "a new limit": (
        _order(lambda fields: fields["limit"].update(minimum=0)),
        "Order.limit: the field had minimum None",
    ),
    "a new pattern": (_order(lambda fields: fields["name"].update(pattern="^a")), "Order.name: the field had pattern"),
}


@pytest.mark.parametrize("case", BREAKS)
def test_it_sees(case: str) -> None:
    change, line = BREAKS[case]
    changed = copy.deepcopy(contract())
    change(changed["shop"]["wires"], changed["test_contract"]["types"])
    (found,) = breaks(contract(), changed)
    assert line in found


def test_it_lets_additions_with_defaults_and_wider_limits_pass() -> None:
    now = contract()
    types = now["test_contract"]["types"]
    types["Colour"]["enum"].append("purple")
    fields = types["Order"]["properties"]
    fields["name"]["maxLength"] = 20
    fields["urgent"] = {"type": "boolean", "default": False}
    fields["limit"]["anyOf"] = [{"type": fields["limit"].pop("type")}, {"type": "null"}]
    types["Order"]["required"].remove("name")
    types["Part"]["properties"]["size"].pop("maximum")
    now["shop"]["wires"]["workflow shop: query price"] = {"result": "Part"}
    assert breaks(contract(), now) == []
    assert breaks(now, contract()), "and what was added is kept from then on"


def test_what_the_api_only_answers_may_say_more_but_not_something_else() -> None:
    locked, now = contract("response"), contract("response")
    order = now["test_contract"]["types"]["Order"]
    order["properties"]["total"] = {"type": "integer"}
    order["required"].append("total")
    assert breaks(locked, now) == []
    order["properties"]["name"] = {"anyOf": [{"type": "string", "maxLength": 10}, {"type": "null"}]}
    assert breaks(locked, now) == ["Order.name: the field may be null now; add a new one beside it"]


def test_the_command_refuses_what_breaks_and_writes_what_does_not(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lock, "LOCKED", tmp_path)
    changed = contract()
    monkeypatch.setattr(lock, "collected", lambda: changed)
    assert lock.main([]) == 0 and lock.read() == contract()
    changed["test_contract"]["types"]["Order"]["properties"].pop("note")
    assert lock.main([]) == 1 and lock.read() == contract()
    assert "Order.note" in capsys.readouterr().err
    assert lock.main(["--break"]) == 0 and lock.read() == changed
