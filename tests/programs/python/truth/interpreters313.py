# a thread that runs a sub-interpreter (Python 3.12 and newer): half of the time is spin_in_main's, half spin_in_sub's; work only waits
import threading, time

try:
    import _interpreters as interpreters
    run = interpreters.exec
except ImportError:
    import _xxsubinterpreters as interpreters
    run = interpreters.run_string


def spin_in_main(end):
    while time.time() < end:
        sum(range(2000))


end = time.time() + 2
CODE = f"import time\ndef spin_in_sub(end):\n    while time.time() < end: sum(range(2000))\nspin_in_sub({end!r})"


def work(code):
    run(interpreters.create(), code)


t = threading.Thread(target=work, args=(CODE,))
t.start()
spin_in_main(end)
t.join()
