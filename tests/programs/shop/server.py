"""The web shop: search, catalogue and checkout.

Started as `python server.py --port 8000`.
"""

import argparse
import logging
from decimal import Decimal

from flask import Flask, abort, jsonify, render_template, request, session
from waitress import serve

from shop.cart import Cart
from shop.catalogue import Catalogue
from shop.orders import Order, sign_order
from shop.pricing import DiscountRules
from shop.search import score_products
from shop.sessions import expire_sessions

PAGE_SIZE = 24
MAX_RESULTS = 50
FREE_SHIPPING_FROM = Decimal("49.90")

app = Flask(__name__)
app.secret_key = b"only for the example"
log = logging.getLogger("shop")
catalogue = Catalogue.load("products.json")
rules = DiscountRules.load("rules.json")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=4)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    expire_sessions(every_s=60)
    serve(app, port=arguments.port, threads=arguments.threads)


def page_of(products, number):
    if number < 1:
        return []
    first = (number - 1) * PAGE_SIZE
    return products[first : first + PAGE_SIZE]


def current_cart():
    if "cart" not in session:
        session["cart"] = Cart.new().to_dict()
    return Cart.from_dict(session["cart"])


@app.get("/search")
def search():
    query = request.args.get("q", "").strip()
    if not query:
        abort(400, "nothing to search for")
    # The best matches first; equal ones by name.
    found = score_products(query, catalogue.products)
    return jsonify([product.to_dict() for product in found[:MAX_RESULTS]])

@app.get("/catalogue/<int:page>")
def catalogue_page(page):
    products = page_of(catalogue.products, page)
    if not products:
        abort(404)
    return render_template("page.html", products=products)


def shipping(total):
    # In euros.
    return Decimal(0) if total >= FREE_SHIPPING_FROM else Decimal("4.90")


@app.post("/checkout")
def checkout():
    cart = current_cart()
    if not cart.items:
        abort(409, "the cart is empty")
    log.info("checkout of %d items", len(cart.items))
    total = cart.total(rules)
    order = Order(cart, total + shipping(total))
    signature = sign_order(order, app.secret_key)
    return jsonify(order=order.to_dict(), signature=signature, total=str(order.total))


@app.post("/cart/<int:item>")
def add(item):
    cart = current_cart()
    cart.add(catalogue.by_id[item])
    session["cart"] = cart.to_dict()
    return "", 204


if __name__ == "__main__":
    main()
