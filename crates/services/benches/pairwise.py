"""Prints the milliseconds that NumPy takes for A @ A.T on one thread, the best of several runs."""

import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

rows, columns = int(sys.argv[1]), int(sys.argv[2])
matrix = np.random.default_rng(1).normal(size=(rows, columns))
best = float("inf")
for _ in range(15):
    started = time.perf_counter()
    matrix @ matrix.T
    best = min(best, time.perf_counter() - started)
print(best * 1e3)
