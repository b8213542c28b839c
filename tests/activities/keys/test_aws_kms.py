"""Data keys by KMS: moto's server for what it does, botocore's stubber for the states that moto does not have."""

import base64
import re
from collections.abc import Callable, Generator
from typing import Any

import pytest
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from activities.key_ports import KeyServiceRefused, Refusal, Wrapped
from activities.keys.aws_kms import KmsService, kms_client
from activities.keys.sealer import EnvelopeSealer
from activities.ports import KeyServiceUnavailable
from activities.provider_ports import KeyUnreadable
from models.key import KeyBinding

ONE, OTHER = "conclave/test/one", "conclave/test/other"
BINDING = KeyBinding(
    owner="Ada Lovelace", provider_id="p" * 32, endpoint="https://a.example", key_id="k" * 32, version=1
)
SAID = "User ada is not authorised: secret"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def address() -> Generator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def kms(address: str) -> KmsService:
    client = kms_client("eu-central-1", address)
    return KmsService(client, client.create_key()["KeyMetadata"]["KeyId"])


def refused(ask: Callable[[], Any]) -> Refusal:
    with pytest.raises(KeyServiceRefused) as caught:
        ask()
    return caught.value.refusal


def test_a_data_key_opens_for_its_context_only(kms: KmsService) -> None:
    made = kms.generate(ONE)
    assert len(made.clear) == 32
    assert kms.unwrap(made.wrapped, ONE) == made.clear
    assert refused(lambda: kms.unwrap(made.wrapped, OTHER)) in {Refusal.MISMATCH, Refusal.DENIED}


def test_it_is_wrapped_anew_without_being_seen(kms: KmsService) -> None:
    made = kms.generate(ONE)
    (again,) = kms.rewrap([Wrapped(made.wrapped, ONE)])
    assert isinstance(again, str) and again != made.wrapped
    assert kms.unwrap(again, ONE) == made.clear
    assert kms.newest() == ""


def test_text_that_is_not_exactly_what_was_stored_is_refused_unasked(kms: KmsService) -> None:
    stubbed, stub = stubbed_kms()
    wrapped = base64.b64encode(b"1234").decode()
    assert wrapped == "MTIzNA=="
    with stub:
        for text in ("", "%", "é", "MTIzNA", "MTIzNB==", "MTIz\nNA=="):
            assert refused(lambda text=text: stubbed.unwrap(text, ONE)) is Refusal.MISMATCH


def test_keys_are_sealed_by_it_and_survive_a_change_of_service(kms: KmsService, address: str) -> None:
    sealed = EnvelopeSealer(kms).seal(bytearray(b"sk-key"), BINDING)
    client = kms_client("eu-central-1", address)
    later = EnvelopeSealer(renamed(KmsService(client, client.create_key()["KeyMetadata"]["KeyId"])), also=(kms,))
    assert later.open(sealed, BINDING) == b"sk-key"
    assert later.seal(bytearray(b"sk-key"), BINDING).service == "another"
    with pytest.raises(KeyServiceRefused, match="unknown_key"):
        EnvelopeSealer(renamed(kms)).open(sealed, BINDING)


def test_cloudtrail_sees_nothing_but_digests() -> None:
    stubbed, stub = stubbed_kms()
    stub.add_response(
        "generate_data_key",
        {"Plaintext": bytes(32), "CiphertextBlob": b"blob"},
        {"KeyId": "key", "KeySpec": "AES_256", "EncryptionContext": {"conclave": BINDING.context}},
    )
    with stub:
        EnvelopeSealer(stubbed).seal(bytearray(b"sk-key"), BINDING)
    stub.assert_no_pending_responses()
    assert re.fullmatch(r"conclave/provider-key/v1/[0-9a-f]{64}", BINDING.context)


@pytest.mark.parametrize(
    ("code", "status", "refusal"),
    [
        ("AccessDeniedException", 400, Refusal.DENIED),
        ("ExpiredTokenException", 400, Refusal.DENIED),
        ("DisabledException", 400, Refusal.DISABLED),
        ("KMSInvalidStateException", 400, Refusal.DISABLED),
        ("NotFoundException", 400, Refusal.UNKNOWN_KEY),
        ("InvalidCiphertextException", 400, Refusal.MISMATCH),
        ("IncorrectKeyException", 400, Refusal.MISMATCH),
        ("ThrottlingException", 400, None),
        ("LimitExceededException", 400, None),
        ("DependencyTimeoutException", 503, None),
        ("KeyUnavailableException", 500, None),
        ("KMSInternalException", 500, None),
        ("SomethingNew", 400, None),
    ],
)
def test_errors_are_told_apart_by_code(code: str, status: int, refusal: Refusal | None) -> None:
    for operation, ask in ASKS.items():
        stubbed, stub = stubbed_kms()
        stub.add_client_error(operation, code, SAID, status)
        with stub, pytest.raises(KeyServiceRefused if refusal else KeyServiceUnavailable) as caught:
            answers = ask(stubbed)
            if isinstance(answers[0], KeyServiceRefused):
                raise answers[0]
        assert (str(caught.value) or None) == refusal
        stub.assert_no_pending_responses()


ASKS: dict[str, Callable[[KmsService], Any]] = {
    "generate_data_key": lambda kms: kms.generate(ONE),
    "decrypt": lambda kms: kms.unwrap("MTIzNA==", ONE),
    "re_encrypt": lambda kms: kms.rewrap([Wrapped("MTIzNA==", ONE)]),
}


def test_an_item_that_does_not_open_leaves_the_others_alone() -> None:
    stubbed, stub = stubbed_kms()
    stub.add_client_error("re_encrypt", "InvalidCiphertextException")
    stub.add_response("re_encrypt", {"CiphertextBlob": b"new"})
    with stub:
        bad, good = stubbed.rewrap([Wrapped("MTIzNA==", ONE), Wrapped("MTIzNA==", OTHER)])
    assert isinstance(bad, KeyServiceRefused) and good == base64.b64encode(b"new").decode()


@pytest.mark.parametrize("length", [16, 31, 33])
def test_a_key_of_another_length_is_none(length: int) -> None:
    stubbed, stub = stubbed_kms()
    stub.add_response("generate_data_key", {"Plaintext": bytes(length), "CiphertextBlob": b"blob"})
    with stub, pytest.raises(KeyServiceUnavailable):
        stubbed.generate(ONE)


def test_an_unreadable_key_is_told_from_a_service_that_says_no() -> None:
    for code, expected in (("InvalidCiphertextException", KeyUnreadable), ("DisabledException", KeyServiceRefused)):
        stubbed, stub = stubbed_kms()
        stub.add_response("generate_data_key", {"Plaintext": bytes(32), "CiphertextBlob": b"blob"})
        stub.add_client_error("decrypt", code)
        with stub:
            sealer = EnvelopeSealer(stubbed)
            sealed = sealer.seal(bytearray(b"sk-key"), BINDING)
            with pytest.raises(expected):
                sealer.open(sealed, BINDING)


def test_a_service_that_is_not_there_may_come_back() -> None:
    with pytest.raises(KeyServiceUnavailable):
        KmsService(kms_client("eu-central-1", "http://127.0.0.1:1"), "key").generate(ONE)


def test_without_credentials_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    assert (
        refused(lambda: KmsService(kms_client("eu-central-1", "http://127.0.0.1:1"), "key").generate(ONE))
        is Refusal.DENIED
    )


def stubbed_kms() -> tuple[KmsService, Stubber]:
    client = kms_client("eu-central-1")
    return KmsService(client, "key"), Stubber(client)


def renamed(service: KmsService) -> KmsService:
    service_type = type("AnotherService", (KmsService,), {"name": "another"})
    return service_type(service._client, service._key)  # pyright: ignore[reportPrivateUsage]
