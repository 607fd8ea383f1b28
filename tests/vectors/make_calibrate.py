#!/usr/bin/env python3
"""Writes tests/vectors/calibrate.h: calibration by scikit-learn and SciPy (float64).

    python3 tests/vectors/make_calibrate.py > tests/vectors/calibrate.h

Scores are 64 levels k / 8 - 4 in a fixed order, labels by a fixed rule: see make() and the test.
"""
import math
import textwrap

import numpy as np
import scipy
import sklearn
from scipy.optimize import brentq, minimize
from scipy.special import softmax
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression

ROWS, CLASSES = 200, 3


def numbers(values):
    text = "{" + ", ".join(repr(float(v)) for v in values) + "}"
    return textwrap.fill(text, 94, subsequent_indent="     ", break_long_words=False)


def array(name, values):
    print(f"static const double {name}[] =\n    {numbers(values)};\n")


def make():
    score = np.array([((37 * k * k + 11 * k) % 64) / 8 - 4 for k in range(ROWS)])
    label = np.array([1 if math.sin(k * k * 0.37) * 2.5 + 0.5 < s else 0
                      for k, s in enumerate(score)])
    logits = np.array([[round(16 * 3 * math.sin(1.3 * k + 2.1 * j * j + j)) / 16
                        for j in range(CLASSES)] for k in range(ROWS)])
    t = np.array([int(np.argmax(z)) if math.sin(k * k * 0.71) > -0.4 else k % CLASSES
                  for k, z in enumerate(logits)])
    return score, label, logits, t


def platt(score, label):
    """The optimum that _sigmoid_calibration stops near, to the last digits."""
    on, off = label.sum(), (1 - label).sum()
    target = np.where(label == 1, (on + 1) / (on + 2), 1 / (off + 2))

    def loss(ab):
        f = ab[0] * score + ab[1]
        return np.sum(target * np.logaddexp(0, f) + (1 - target) * np.logaddexp(0, -f))

    def slope(ab):
        f = ab[0] * score + ab[1]
        q = 1 / (1 + np.exp(-f))
        return np.array([np.sum((q - 1 + target) * score), np.sum(q - 1 + target)])

    best = minimize(loss, [0.0, math.log((off + 1) / (on + 1))], jac=slope, method="BFGS",
                    options={"gtol": 1e-12, "maxiter": 1000}).x
    near = _sigmoid_calibration(score, label)
    assert np.allclose(best, near, atol=1e-4), (best, near)
    return best


score, label, logits, t = make()
print(f"/* Made by tests/vectors/make_calibrate.py with scikit-learn {sklearn.__version__} and SciPy "
      f"\n * {scipy.__version__}. */")
print("#ifndef TESTS_VECTORS_CALIBRATE_H\n#define TESTS_VECTORS_CALIBRATE_H\n")
print(f"enum {{ CALIBRATE_ROWS = {ROWS}, CALIBRATE_CLASSES = {CLASSES} }};")
array("calibrate_score", score)
array("calibrate_label", label)
array("calibrate_logits", logits.reshape(-1))
array("calibrate_class", t)
array("calibrate_platt", platt(score, label))
iso = IsotonicRegression(out_of_bounds="clip").fit(score, label)
at = np.linspace(-5, 5, 41)
array("calibrate_isotonic_at", at)
array("calibrate_isotonic", iso.predict(at))


def slope(log_beta):
    z = logits * math.exp(log_beta)
    return np.sum(softmax(z, axis=1) * logits) - np.sum(logits[np.arange(ROWS), t])


def slope2(log_beta):
    return np.sum(score * (1 / (1 + np.exp(-math.exp(log_beta) * score)) - label))


# The loss is convex in 1 / T: its optimum is the root of its slope.
for name, f in (("calibrate_temperature", slope), ("calibrate_temperature_binary", slope2)):
    print(f"static const double {name} = {math.exp(-brentq(f, -4, 4, xtol=1e-14))!r};")
print("\n#endif")
