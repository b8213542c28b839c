"""Reports for the people who run the shop."""

import os

from shop import catalogue

ARCHIVE = "/srv/shop/reports"


def stock(month):
    """The stock report of one month as text."""
    with open(os.path.join(ARCHIVE, month + ".txt"), encoding="utf-8") as file:
        return file.read()


def monthly(orders):
    """Turnover per item as text, the best first."""
    turnover = {}
    names = []
    for order in orders:
        item = catalogue.find_item(order["item"])
        if item["name"] not in names:
            names.append(item["name"])
        turnover[item["name"]] = turnover.get(item["name"], 0) + item["price"] * order["quantity"]
    text = ""
    for name in sorted(names, key=lambda name: -turnover[name]):
        text += f"{name}: {turnover[name]:.2f}\n"
    return text


def evaluate(formula, **values):
    """A figure that the accountant described by a formula."""
    return eval(formula, {}, values)
