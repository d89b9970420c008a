"""`fixed_work.py KIND ROUNDS` does a fixed piece of work, and prints when it began and ended, and the seconds of CPU time it took."""

import http.client
import sys
import threading
import time


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def words(n):
    return sorted(str(i * 7919 % 10007) for i in range(n))


def compute(rounds):
    for _ in range(rounds):
        fib(20)
        words(6_000)


def threads(rounds):
    workers = [threading.Thread(target=compute, args=(rounds,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def serve(rounds, port):
    clients = [threading.Thread(target=ask, args=(port, 10 * rounds)) for _ in range(2)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


def ask(port, requests):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(requests):
        connection.request("GET", f"/rows/{number}")
        connection.getresponse().read()
    connection.close()


def start_server():
    import flask
    import waitress.server

    app = flask.Flask(__name__)

    @app.get("/rows/<int:number>")
    def rows(number):
        found = [{"id": i, "name": f"n{i * number}"} for i in range(120)]
        return flask.jsonify(sorted(found, key=lambda row: row["name"]))

    server = waitress.server.create_server(app, host="127.0.0.1", port=0, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    return server.effective_port


if __name__ == "__main__":
    kind, rounds = sys.argv[1:]
    arguments = [int(rounds), *([start_server()] if kind == "serve" else [])]
    began_s, began_cpu_s = time.time(), time.process_time()
    {"compute": compute, "threads": threads, "serve": serve}[kind](*arguments)
    print("worked", began_s, time.time(), time.process_time() - began_cpu_s)
