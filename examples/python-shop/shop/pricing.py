"""What an order costs."""

from shop import catalogue, orders

STANDARD_SHIPPING = 4.9


def total_of(user_id, lines):
    """The price of all lines, with the discount of a regular customer and shipping."""
    prices = catalogue.prices_of(lines)
    total = sum(price * line["quantity"] for price, line in zip(prices, lines))
    if orders.orders_of(user_id) >= 10:
        total = total * 0.95
    return round(total + shipping(total, "standard", "DE"), 2)


def shipping(total, speed, country, weight=1.0, fragile=False, member=False, island=False):
    cost = STANDARD_SHIPPING
    if country == "DE":
        if speed == "express":
            if weight > 20:
                cost = 29.0
            elif weight > 10:
                cost = 19.0
            else:
                cost = 9.9
        elif speed == "standard":
            if total >= 50 and not fragile:
                cost = 0.0
            elif weight > 20:
                cost = 14.9
    elif country in ("AT", "CH", "NL", "FR"):
        if speed == "express":
            cost = 24.9 if weight <= 10 else 39.9
        elif weight > 20 or fragile:
            cost = 19.9
        else:
            cost = 9.9
    else:
        if speed == "express":
            cost = 59.0
        else:
            cost = 29.0
    if island:
        cost += 15
    if fragile and not member:
        cost += 5
    if member:
        if speed == "standard" or total > 100:
            cost = 0.0
    return cost


def cheapest(offers):
    """The cheapest of several offers.

    Args:
        items: The items to choose from.

    Returns:
        The name of the cheapest item.
    """
    best = None
    for offer in offers:
        for other in offers:
            if offer["price"] <= other["price"] and (best is None or offer["price"] < best["price"]):
                best = offer
    return best
