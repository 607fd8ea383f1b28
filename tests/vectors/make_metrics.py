#!/usr/bin/env python3
"""Writes tests/vectors/metrics.h: figures of scikit-learn, PyTorch and SciPy (float64).

    python3 tests/vectors/make_metrics.py > tests/vectors/metrics.h
"""
import math
import textwrap

import numpy as np
import sklearn
import sklearn.metrics as m
import torch

F = torch.nn.functional
torch.set_default_dtype(torch.float64)


def numbers(values):
    text = "{" + ", ".join(repr(float(v)) for v in np.asarray(values).reshape(-1)) + "}"
    return textwrap.fill(text, 94, subsequent_indent="     ", break_long_words=False)


def array(name, values):
    print(f"static const double {name}[] =\n    {numbers(values)};\n")


def table(name, rows):
    print("static const struct {\n    const char *metric;\n    double value;\n"
          f"}} {name}[] = {{")
    for metric, value in rows:
        print(f'    {{"{metric}", {float(value)!r}}},')
    print("};\n")


def ks(y, s):
    fpr, tpr, _ = m.roc_curve(y, s, drop_intermediate=False)
    return float(np.max(np.abs(tpr - fpr)))


def ece(right, share, bins):
    """Bins (lo, hi] of equal width; the first takes 0 too."""
    at = np.clip(np.ceil(np.asarray(share) * bins).astype(int) - 1, 0, bins - 1)
    return sum(abs(np.sum(np.asarray(right)[at == b]) - np.sum(np.asarray(share)[at == b]))
               for b in range(bins)) / len(right)


def binary(name, y, s):
    y, s = np.asarray(y), np.asarray(s)
    guess = (s >= 0.5).astype(int)
    table(name, [
        ("auroc", m.roc_auc_score(y, s)), ("auprc", m.average_precision_score(y, s)),
        ("log_loss", m.log_loss(y, s)), ("accuracy", m.accuracy_score(y, guess)),
        ("precision", m.precision_score(y, guess)), ("recall", m.recall_score(y, guess)),
        ("f1", m.f1_score(y, guess)), ("specificity", m.recall_score(y, guess, pos_label=0)),
        ("f1_macro", m.f1_score(y, guess, average="macro")),
        ("precision_macro", m.precision_score(y, guess, average="macro")),
        ("mcc", m.matthews_corrcoef(y, guess)), ("kappa", m.cohen_kappa_score(y, guess)),
        ("balanced_accuracy", m.balanced_accuracy_score(y, guess)),
        ("brier", m.brier_score_loss(y, s)), ("ks", ks(y, s)),
        ("gini", 2 * m.roc_auc_score(y, s) - 1), ("ece", ece(y, s, 10)),
    ])


def many_binary():
    """997 rows with many ties, one in five positive: a sigmoid of a sine, cut to 1/64."""
    s, y = [], []
    for k in range(997):
        s.append(math.floor(64 / (1 + math.exp(-3 * math.sin(1.7 * k)))) / 64 + 1 / 128)
        y.append(1 if math.sin(k * k * 0.37) + math.sin(1.7 * k) > 1.0 else 0)
    return y, s


def classes(name, t, p):
    t, p = np.asarray(t), np.asarray(p)
    guess = p.argmax(1)
    top = [(k, m.top_k_accuracy_score(t, p, k=k, labels=range(p.shape[1])))
           for k in (3, 5) if p.shape[1] > k]
    one_hot = np.eye(p.shape[1])[t]
    loss = m.log_loss(t, p, labels=range(p.shape[1]))
    rows = [("accuracy", m.accuracy_score(t, guess)), ("log_loss", loss),
            ("perplexity", math.exp(loss)),
            ("balanced_accuracy", m.balanced_accuracy_score(t, guess)),
            ("mcc", m.matthews_corrcoef(t, guess)), ("kappa", m.cohen_kappa_score(t, guess)),
            ("brier", ((p - one_hot) ** 2).sum(1).mean()),
            ("ece", ece(guess == t, p.max(1), 10))]
    for average in ("macro", "micro", "weighted"):
        for word, f in (("precision", m.precision_score), ("recall", m.recall_score),
                        ("f1", m.f1_score)):
            rows.append((f"{word}_{average}", f(t, guess, average=average, zero_division=0)))
    table(name + "_values", rows + [(f"top{k}", v) for k, v in top])
    array(name + "_confusion", m.confusion_matrix(t, guess, labels=range(p.shape[1])))


def main():
    print(f"/* Made by tests/vectors/make_metrics.py with scikit-learn {sklearn.__version__}. */")
    print("#ifndef TESTS_VECTORS_METRICS_H\n#define TESTS_VECTORS_METRICS_H\n")
    ten_y = [0, 0, 1, 1, 0, 1, 0, 1, 1, 0]
    ten_s = [0.1, 0.4, 0.35, 0.8, 0.2, 0.7, 0.65, 0.9, 0.5, 0.5]
    array("ten_y", ten_y)
    array("ten_s", ten_s)
    binary("ten_values", ten_y, ten_s)
    binary("many_values", *many_binary())

    # 10 records of 3 classes; 12 of 7, of which class 6 is never right and class 5 never there.
    three = F.softmax(torch.tensor([2 * math.sin(k + 1) for k in range(30)]).reshape(10, 3), 1)
    t = [0, 1, 2, 0, 1, 2, 2, 1, 0, 2]
    array("three_p", three)
    array("three_t", t)
    classes("three", t, three)
    seven = F.softmax(torch.tensor([3 * math.sin(k * k + 1) for k in range(84)]).reshape(12, 7), 1)
    t = [0, 1, 2, 3, 4, 6, 0, 1, 2, 3, 4, 6]
    array("seven_p", seven)
    array("seven_t", t)
    classes("seven", t, seven)

    target = np.array([1000 + math.sin(k) * (1 + k % 7) for k in range(40)])
    guess = target + np.array([math.sin(3 * k + 1) for k in range(40)])
    target, guess = target.astype(np.float32), guess.astype(np.float32)
    array("reg_t", target)
    array("reg_p", guess)
    a, b = target.astype(float), guess.astype(float)
    table("reg_values", [("mse", m.mean_squared_error(a, b)), ("rmse", m.root_mean_squared_error(a, b)),
                  ("mae", m.mean_absolute_error(a, b)), ("r2", m.r2_score(a, b)),
                  ("mape", m.mean_absolute_percentage_error(a, b)),
                  ("smape", np.mean(2 * abs(a - b) / (abs(a) + abs(b)))),
                  ("psnr", 10 * math.log10(1 / m.mean_squared_error(a, b)))])
    print("#endif")


if __name__ == "__main__":
    main()
