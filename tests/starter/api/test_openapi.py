"""The API's description: complete, and its examples are what it describes."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from models.settings import Settings
from starter.api.app import create_app
from starter.api.openapi import examples

OPEN = {"alive", "ready", "metrics"}
"""What takes no token, or one of its own."""
SPECIFIED = """
    POST /reviews                     GET /reviews  /reviews/{id}  /reviews/{id}/events  /reviews/{id}/report
    POST /experiments                 GET /experiments  /experiments/{id}
    POST /experiments/{id}/evaluate   GET /experiments/{id}/metrics
    POST /experiments/{id}/promote  /experiments/{id}/quarantine
    POST /promotions/{id}/approve  /promotions/{id}/reject  GET /promotions  /promotions/{id}
    GET  /versions  POST /versions/rollback  GET /versions/{id}/compare/{id}
    GET  /blacklist  POST /blacklist/{id}/release
    POST /comparisons  GET /comparisons/{id}  /comparisons/{id}/statistical-tests
    POST /comparisons/{id}/export
    GET  /providers  POST /user-providers  GET /user-providers  DELETE /user-providers/{id}
    GET  /quotas  PUT /quotas/{id}  GET /usage  /health  /alerts
    POST /datasets  GET /datasets  /audit  /audit/verify  /healthz  /readyz
"""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CONCLAVE_API_TOKEN", "test-token-0123456789")
        return create_app(Settings()).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    whole = {**schema, "components": document["components"]}
    Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


def test_every_path_of_the_contract_is_there(document: dict[str, Any]) -> None:
    import re

    found = {(method, re.sub(r"{\w+}", "{id}", path)) for method, path, _ in operations(document)}
    method, wanted = "", set[tuple[str, str]]()
    for word in SPECIFIED.split():
        if word.startswith("/"):
            wanted.add((method, word))
        else:
            method = word
    assert wanted <= found


def test_every_operation_says_what_it_does_and_how_it_refuses(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)) >= 67
    for method, path, operation in operations(document):
        name, statuses = operation["operationId"], set(operation["responses"])
        assert operation["summary"] and operation["description"] and operation["tags"], path
        if name in OPEN:
            assert "security" not in operation
            continue
        assert operation["security"] == [{"token": []}]
        assert {"401", "403", "429", "503"} <= statuses, path
        assert ("404" in statuses) or "{" not in path, path
        if method == "POST":
            assert {"409", "413", "415", "422"} <= statuses, path
            assert "Idempotency-Key" in [each["name"] for each in operation["parameters"]]
        for status, answer in operation["responses"].items():
            if status >= "4" and name not in OPEN:
                assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Refused"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_list_is_paged(document: dict[str, Any]) -> None:
    lists = [operation for method, _, operation in operations(document) if operation["operationId"].startswith("list_")]
    assert len(lists) >= 13
    for operation in lists:
        size = next(each for each in operation["parameters"] if each["name"] == "page_size")["schema"]
        assert (size["minimum"], size["maximum"]) == (1, 100)
        assert "cursor" in [each["name"] for each in operation["parameters"]]


def test_every_operation_has_examples_that_are_what_it_describes(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        example = examples().get(operation["operationId"])
        assert example is not None, operation["operationId"]
        assert {each["name"] for each in operation["parameters"] if each["in"] == "path"} == set(
            example.get("parameters", {})
        ), path
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            check(document, content["schema"], content["example"])
        good = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        for kind, content in good.get("content", {}).items():
            if kind != "application/json" and "application/json" in good["content"]:
                continue
            assert content["example"] == example["answer"], path
            if kind != "text/event-stream":  # its schema is that of one event
                check(document, content["schema"], content["example"])
    assert set(examples()) == {operation["operationId"] for _, _, operation in operations(document)}


def test_no_example_shows_a_key(document: dict[str, Any]) -> None:
    shown = str([each.get("answer") for each in examples().values()])
    for operation in ("add_key", "rotate_key"):
        assert examples()[operation]["request"]["key"] not in shown
