"""A small Flask service; a request costs some ten milliseconds of CPU in known places, and the service keeps count of them."""

import logging
import sys
import time
from collections import Counter

from flask import Flask, jsonify

app = Flask(__name__)
used_s = Counter()
"""CPU time by function."""


def price(item):
    total = 0
    for step in range(item % 7 * 6000 + 50000):
        total += step * step % 7
    return total


def stock(item):
    return sorted(str(number * item % 1009) for number in range(9000))[:3]


def describe(item):
    words = []
    for number in range(6000):
        words.append(f"{item}-{number}")
    return " ".join(words)[:40]


@app.route("/items/<int:item>")
def item(item):
    answers = {}
    for work in (price, stock, describe):
        began_s = time.thread_time()
        answers[work.__name__] = work(item)
        used_s[work.__name__] += time.thread_time() - began_s
    return jsonify(item=item, **answers)


@app.route("/used")
def used():
    return jsonify(used_s)


@app.route("/stop")
def stop():
    import os
    import signal

    os.kill(os.getpid(), signal.SIGTERM)
    return "stopping"


if __name__ == "__main__":
    # A line for each request would fill the pipe that whoever started us reads only when we have ended.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app.run(port=int(sys.argv[1]), threaded=True)
