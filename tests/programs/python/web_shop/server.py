"""A web shop of three pages, each with work of its own: for pictures and for trying things out."""

import sys

from flask import Flask, jsonify, request
from waitress import serve

import catalogue
import orders
import search

app = Flask(__name__)


@app.get("/catalogue/<int:page>")
def catalogue_page(page):
    products = catalogue.page(page)
    return "\n".join(catalogue.card(product) for product in products)


@app.get("/search")
def search_page():
    query = request.args["q"]
    found = search.best(query, catalogue.PRODUCTS)
    # With its end: several threads write lines.
    print(f"search {query!r}: {found[0][1]} is the best match\n", end="", flush=True)
    return jsonify([name for _, name in found])


@app.get("/checkout/<int:items>")
def checkout(items):
    cart = catalogue.PRODUCTS[:items]
    total = orders.total(cart)
    print(f"order of {items} items: {total} euros\n", end="", flush=True)
    if items > 20:
        print(f"WARNING order of {items} items: is stock left?\n", end="", file=sys.stderr, flush=True)
    return jsonify(total=str(total), signature=orders.sign(f"{total}"))


if __name__ == "__main__":
    serve(app, host="127.0.0.1", port=int(sys.argv[2]), threads=4)
