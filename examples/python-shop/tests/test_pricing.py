"""Tests of the prices."""

from shop import pricing


def test_shipping_in_germany_is_free_from_fifty():
    assert pricing.shipping(49.99, "standard", "DE") == 4.9
    assert pricing.shipping(50, "standard", "DE") == 0.0


def test_express_costs_more():
    assert pricing.shipping(10, "express", "DE") == 9.9


def test_the_cheapest_offer():
    offers = [{"name": "a", "price": 3}, {"name": "b", "price": 2}]
    assert pricing.cheapest(offers)["name"] == "b"
