"""The pages of the shop."""

import os

from flask import Flask, redirect, request, session

from shop import catalogue, orders, pictures, reports

app = Flask(__name__)
app.secret_key = "s3cr3t-example-key-0000"

AWS_ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
AWS_SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@app.get("/items")
def search_items():
    """Items whose name contains the search words."""
    words = request.args.get("q", "")
    found = catalogue.search(words)
    rows = "".join(f"<li>{item['name']}: {item['price']}</li>" for item in found)
    return f"<h1>Results for {words}</h1><ul>{rows}</ul>"


@app.post("/login")
def login():
    user = catalogue.find_user(request.form["name"], request.form["password"])
    if user is None:
        return "Unknown name or password", 403
    session["user"] = user["id"]
    return redirect(request.args.get("next", "/items"))


@app.post("/orders")
def place_order():
    """Order what is in the basket."""
    lines = request.get_json()["lines"]
    return orders.place(session["user"], lines)


@app.get("/pictures/<path:name>")
def picture(name):
    return pictures.read(name)


@app.post("/admin/basket")
def restore_basket():
    return {"lines": orders.restore(request.get_data())}


@app.post("/admin/import")
def import_items():
    """Import items from a YAML file, sent as the request body."""
    return {"imported": catalogue.load(request.get_data(as_text=True))}


@app.get("/admin/report")
def stock_report():
    return {"text": reports.stock(request.args["month"])}


if __name__ == "__main__":
    app.run(host="0.0.0.0", debug=True)
