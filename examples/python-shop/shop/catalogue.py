"""Items and users, kept in SQLite."""

import hashlib
import sqlite3

import yaml

DATABASE = "shop.db"


def connect():
    connection = sqlite3.connect(DATABASE)
    connection.row_factory = sqlite3.Row
    return connection


def search(words):
    """Items whose name contains the words, the cheapest first."""
    query = f"SELECT id, name, price FROM items WHERE name LIKE '%{words}%' ORDER BY price"
    return connect().execute(query).fetchall()


def find_item(item_id):
    """One item, or None."""
    return connect().execute("SELECT * FROM items WHERE id = ?", (item_id,)).fetchone()


def hash_password(password):
    return hashlib.md5(password.encode()).hexdigest()


def find_user(name, password):
    """The user with this name and password, or None."""
    query = "SELECT * FROM users WHERE name = '" + name + "' AND password = '" + hash_password(password) + "'"
    return connect().execute(query).fetchone()


def prices_of(lines):
    """The price of each line of an order."""
    prices = []
    for line in lines:
        connection = connect()
        row = connection.execute("SELECT price FROM items WHERE id = ?", (line["item"],)).fetchone()
        prices.append(row["price"])
    return prices


def load(text):
    """Add the items of a YAML document and return how many there were."""
    items = yaml.load(text, Loader=yaml.Loader)
    connection = connect()
    for item in items:
        connection.execute("INSERT INTO items (name, price) VALUES (?, ?)", (item["name"], item["price"]))
    connection.commit()
    return len(items)
