#!/usr/bin/env python3
"""Writes tests/vectors/update.inc: rows {start, sum, total, next} of fed_update_apply, with numpy.

    python3 tests/vectors/make_update.py > tests/vectors/update.inc
"""
import random

import numpy as np

random.seed(20)
rows = []
for i in range(60):
    start = np.float32(random.gauss(0, 1) * 10 ** random.randint(-3, 2))
    total = random.choice([1, 2, 3, 7, 640, 1000003, 2**31 - 1, random.randint(1, 2**31 - 1)])
    # Up to 2^62, so beyond what a double holds exactly.
    sum_ = random.randint(-2**random.randint(1, 31), 2**random.randint(1, 31)) * total
    sum_ += random.randint(-total, total) // 2
    mean = np.float32(np.float64(sum_) / (np.float64(total) * 2.0**24))
    rows.append((start, sum_, total, np.float32(start + mean)))

print("/* Made by tests/vectors/make_update.py with numpy. */")
for start, sum_, total, after in rows:
    print(f"{{{float(start).hex()}f, {sum_}, {total}, {float(after).hex()}f}},")
