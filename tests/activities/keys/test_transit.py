"""Data keys by the real transit engine, and what its failures become."""

import base64
import socket
from collections.abc import Callable
from typing import Any

import hvac
import pytest
from hvac.exceptions import Forbidden

from activities.key_ports import KeyServiceRefused, Refusal, Wrapped
from activities.keys.transit import TransitService
from activities.ports import KeyServiceUnavailable
from starter.stack.launcher import Stack
from tests.activities.keys.scripted_http import ScriptedHttp, serving
from tests.activities.keys.vault import VaultKey, vault_key

ONE, OTHER = "conclave/test/one", "conclave/test/other"
SAID = "token s.abc and key sk-secret were refused"


@pytest.fixture
def own(stack: Stack) -> VaultKey:
    return vault_key(stack)


def refused(ask: Callable[[], Any]) -> Refusal:
    with pytest.raises(KeyServiceRefused) as caught:
        ask()
    # Nothing of the server's words hangs on it either.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value.refusal


def test_a_data_key_opens_for_its_context_only(own: VaultKey) -> None:
    made = own.service().generate(ONE)
    assert len(made.clear) == 32 and made.wrapped.startswith("vault:v1:")
    assert own.service().unwrap(made.wrapped, ONE) == made.clear
    assert own.service().generate(ONE).clear != made.clear
    for context in (OTHER, ONE + "x", ONE[:-1]):
        assert refused(lambda context=context: own.service().unwrap(made.wrapped, context)) is Refusal.MISMATCH


def test_no_changed_character_of_a_wrapped_key_opens(own: VaultKey) -> None:
    service, wrapped = own.service(), own.service().generate(ONE).wrapped
    own.operator().rotate()
    for position in range(len(wrapped)):
        changed = wrapped[:position] + chr(ord(wrapped[position]) ^ 1) + wrapped[position + 1 :]
        assert refused(lambda changed=changed: service.unwrap(changed, ONE)) in {Refusal.MISMATCH, Refusal.TOO_OLD}
    for changed in ("", wrapped[:-4], wrapped + "AAAA", wrapped.replace("v1", "v0"), wrapped.replace("v1", "v01")):
        assert refused(lambda changed=changed: service.unwrap(changed, ONE)) is Refusal.MISMATCH
    assert len(service.unwrap(wrapped, ONE)) == 32


def test_a_batch_is_wrapped_anew_item_by_item(own: VaultKey) -> None:
    service, made = own.service(), own.service().generate(ONE)
    own.operator().rotate()
    assert service.newest() == "vault:v2:"
    good, wrong, garbage, empty = service.rewrap(
        [Wrapped(made.wrapped, ONE), Wrapped(made.wrapped, OTHER), Wrapped("garbage", ONE), Wrapped("", ONE)]
    )
    assert isinstance(good, str) and good.startswith("vault:v2:")
    assert service.unwrap(good, ONE) == made.clear
    for answer in (wrong, garbage, empty):
        assert isinstance(answer, KeyServiceRefused) and answer.refusal is Refusal.MISMATCH
    assert service.rewrap([]) == []


def test_retired_versions_open_nothing(own: VaultKey) -> None:
    service, old = own.service(), own.service().generate(ONE)
    own.operator().rotate()
    own.operator().retire(service.newest())
    assert refused(lambda: service.unwrap(old.wrapped, ONE)) is Refusal.TOO_OLD
    (answer,) = service.rewrap([Wrapped(old.wrapped, ONE)])
    assert isinstance(answer, KeyServiceRefused) and answer.refusal is Refusal.TOO_OLD
    assert service.unwrap(service.generate(ONE).wrapped, ONE)


def test_a_wrong_token_or_key_or_mount_is_refused(own: VaultKey) -> None:
    assert refused(lambda: own.service(token="s.000000").generate(ONE)) is Refusal.DENIED
    assert refused(lambda: own.service(key="another").generate(ONE)) is Refusal.DENIED
    assert refused(lambda: own.service(token=own.root, key="another").generate(ONE)) is Refusal.UNKNOWN_KEY
    nowhere = TransitService(own.address, own.root, "nowhere", own.name)
    assert refused(lambda: nowhere.generate(ONE)) is Refusal.UNKNOWN_KEY


@pytest.mark.parametrize("key", ["conclave-payloads", "conclave-provider-keys"])
def test_the_applications_token_can_neither_rotate_nor_export_nor_make_keys(stack: Stack, key: str) -> None:
    env = stack.environment()
    client = hvac.Client(url=env["CONCLAVE_VAULT_ADDRESS"], token=env["CONCLAVE_VAULT_TOKEN"])
    transit, context = client.secrets.transit, base64.b64encode(ONE.encode()).decode()
    service = TransitService(env["CONCLAVE_VAULT_ADDRESS"], env["CONCLAVE_VAULT_TOKEN"], "transit", key)
    made = service.generate(ONE)
    assert service.unwrap(made.wrapped, ONE) == made.clear
    assert isinstance(service.rewrap([Wrapped(made.wrapped, ONE)])[0], str)
    for forbidden in (
        lambda: transit.rotate_key(key),
        lambda: transit.export_key(key, "encryption-key"),
        lambda: transit.update_key_configuration(key, min_decryption_version=1),
        lambda: transit.update_key_configuration(key, deletion_allowed=True),
        lambda: transit.delete_key(key),
        lambda: transit.read_key(key),
        lambda: transit.encrypt_data(key, "QQ==", context=context),
        lambda: transit.generate_data_key("unknown", "plaintext", context=context),
        lambda: transit.encrypt_data("unknown", "QQ==", context=context),
    ):
        with pytest.raises(Forbidden):
            forbidden()


def test_the_provider_key_is_derived_and_stays_where_it_is(stack: Stack) -> None:
    about = vault_key(stack).transit.read_key("conclave-provider-keys")["data"]
    assert about["derived"]
    assert not about["exportable"] and not about["deletion_allowed"] and not about["allow_plaintext_backup"]


@pytest.mark.parametrize("status", [429, 472, 473, 500, 501, 502, 503])
def test_a_service_that_is_not_in_service_may_be_asked_again(status: int) -> None:
    with serving(ScriptedHttp(status, {"errors": [SAID]})) as server:
        for ask in methods(server):
            with pytest.raises(KeyServiceUnavailable) as caught:
                ask()
            assert str(caught.value) == "" and caught.value.__suppress_context__
        assert len(server.asked) == 4, "it is not asked again by itself"


def test_what_the_service_says_stays_with_it() -> None:
    for status, refusal in ((403, Refusal.DENIED), (400, Refusal.MISMATCH), (404, Refusal.UNKNOWN_KEY)):
        with serving(ScriptedHttp(status, {"errors": [SAID]})) as server:
            with pytest.raises(KeyServiceRefused) as caught:
                methods(server)[0]()
            assert (str(caught.value), caught.value.refusal) == (refusal.value, refusal)


def data_key(length: int) -> dict[str, str]:
    return {"plaintext": base64.b64encode(bytes(length)).decode(), "ciphertext": "vault:v1:AAAA"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        [],
        {},
        {"data": None},
        {"data": "x"},
        {"data": {}},
        {"data": {"plaintext": "%%%", "ciphertext": "vault:v1:AAAA"}},
        {"data": {"plaintext": None, "ciphertext": None}},
        {"data": {"batch_results": [None]}},
        {"data": {"batch_results": []}},
        {"data": {"batch_results": [{"ciphertext": "nonsense"}]}},
        {"data": data_key(16)},
        {"data": data_key(31)},
        {"data": data_key(33)},
    ],
)
def test_an_answer_without_a_whole_key_is_none(body: Any) -> None:
    with serving(ScriptedHttp(200, body)) as server:
        generate, unwrap, rewrap, _ = methods(server)
        for ask in (generate, unwrap, rewrap):
            with pytest.raises(KeyServiceUnavailable):
                ask()


def test_the_token_follows_no_redirect_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(ScriptedHttp(200, {"data": data_key(32)})) as elsewhere:
        monkeypatch.setenv("HTTP_PROXY", elsewhere.address)
        with serving(ScriptedHttp(307, {}, {"Location": elsewhere.address})) as server:
            with pytest.raises(KeyServiceUnavailable):
                methods(server)[0]()
            assert server.asked
        assert not elsewhere.asked


def test_a_service_that_is_not_there_may_come_back() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(KeyServiceUnavailable):
        TransitService(address, "t", "transit", "k").generate(ONE)


def methods(server: ScriptedHttp) -> tuple[Callable[[], Any], ...]:
    service = TransitService(server.address, "t", "transit", "k")
    return (
        lambda: service.generate(ONE),
        lambda: service.unwrap("vault:v1:AAAA", ONE),
        lambda: service.rewrap([Wrapped("vault:v1:AAAA", ONE)]),
        service.newest,
    )
