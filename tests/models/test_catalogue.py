"""What a new installation knows."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from models.catalogue import CatalogueEntry, seed
from models.provider import ModelTier, PriceOverride, Provider, ProviderKind, WireProtocol

SEED = {entry.name: entry for entry in seed()}
NAMED_BY_THE_SPECIFICATION = (
    "gpt-4-turbo",
    "gpt-3.5-turbo",
    "claude-3-opus",
    "claude-3-sonnet",
    "codellama",
    "starcoder",
)


def test_the_named_models_are_there_once_each() -> None:
    assert set(NAMED_BY_THE_SPECIFICATION) <= SEED.keys()
    assert len(SEED) == len(seed())


def test_every_tier_of_both_vendors_can_be_asked() -> None:
    active = {(entry.kind, entry.tier) for entry in SEED.values() if entry.is_active}
    assert {(kind, tier) for kind in (ProviderKind.OPENAI, ProviderKind.ANTHROPIC) for tier in ModelTier} <= active


def test_nobody_is_asked_before_somebody_gave_a_key_or_switched_it_on() -> None:
    assert [entry.name for entry in SEED.values() if entry.is_active and not entry.needs_key] == []


def test_old_models_speak_chat() -> None:
    assert SEED["gpt-4-turbo"].protocol is WireProtocol.OPENAI_CHAT
    assert SEED["gpt-3.5-turbo"].protocol is WireProtocol.OPENAI_CHAT
    assert SEED["gpt-6.1-sol"].protocol is WireProtocol.OPENAI_RESPONSES


@pytest.mark.parametrize("name", ["codellama", "starcoder"])
def test_local_models_are_the_last_resort_and_cost_only_what_was_decided(name: str) -> None:
    entry = SEED[name]
    assert (entry.last_resort, entry.is_active, entry.needs_key, entry.price) == (True, False, False, None)
    free = PriceOverride(input=Decimal(0), output=Decimal(0))
    priced = {each.name: each for each in seed(local_price=free)}
    assert priced[name].price == free
    assert priced["gpt-6.1-sol"].price is None


@pytest.mark.parametrize("entry", seed(), ids=lambda entry: entry.name)
def test_every_entry_is_a_provider(entry: CatalogueEntry) -> None:
    provider = entry.provider("0" * 32)
    assert provider.id == "0" * 32
    assert Provider.model_validate_json(provider.model_dump_json()) == provider
    assert {name: getattr(provider, name) for name in CatalogueEntry.model_fields} == dict(entry)
    assert provider.max_output_tokens <= provider.context_tokens


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "nobody"},
        {"model": ""},
        {"model": "m" * 500},
        {"model": "a model"},
        {"name": "Upper"},
        {"max_output_tokens": -1},
        {"max_output_tokens": 10**9},
        {"context_tokens": 0},
        {"quality": 9},
        {"price": {"input": "-1", "output": "1"}},
        {"price": {"input": "NaN", "output": "1"}},
        {"temperature": 9},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_no_provider(wrong: dict[str, object]) -> None:
    right = SEED["gpt-6.1-sol"].model_dump()
    assert CatalogueEntry.model_validate(right)
    for model, given in ((CatalogueEntry, right), (Provider, {**right, "id": "1"})):
        with pytest.raises(ValidationError):
            model.model_validate(given | wrong)
