"""NumPy's BLAS works in native threads; prints the CPU time of both functions."""

import time

import numpy as np


def matmul():
    a = np.random.rand(900, 900)
    for _ in range(40):
        a = a @ a
        a /= a.max()


def pyloop():
    t = time.thread_time()
    while time.thread_time() - t < 0.5:
        for _ in range(1000):
            pass


begin = time.process_time()
matmul()
middle = time.process_time()
pyloop()
print(
    f"CPU of matmul, all threads: {middle - begin:.2f} s; of pyloop: 0.50 s; of the process: {time.process_time():.2f} s"
)
