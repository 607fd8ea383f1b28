#!/usr/bin/env python3
"""Writes tests/vectors/losses.h: losses and their gradients from PyTorch (float64, one thread).

    python3 tests/vectors/make_losses.py > tests/vectors/losses.h

The inputs are sets of (rows, size) outputs, targets and weights; fill as in make_nnlib.py.
"""
import math
import textwrap

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
F = torch.nn.functional


def fill(count, s=1.0, off=0):
    return torch.tensor([s * math.sin(k + 1 + off) for k in range(count)])


def numbers(values):
    values = values.detach().reshape(-1).tolist() if torch.is_tensor(values) else list(values)
    text = "{" + ", ".join(repr(float(v)) for v in values) + "}"
    return textwrap.fill(text, 94, subsequent_indent="     ", break_long_words=False)


NAN = float("nan")
CLASS_WEIGHT = torch.tensor([1.0, 2, 3, 4])
WEIGHT = torch.tensor([1.0, 2, 0.25, 3, 0, 1, 1])
SETS = {  # name: output, target, shape of the output
    "BINARY": (torch.tensor([-2.0, -0.5, 0, 1, 4, 1e4, -1e4]),
               torch.tensor([0.0, 1, 1, 0, 1, 1, 0]), (7, 1)),
    "SOFT": (torch.tensor([-2.0, -0.5, 0, 1, 4, 1e4, -1e4]),
             torch.tensor([0.25, 1, 0.5, 0, 0.75, 1, 0]), (7, 1)),
    "NUMBERS": (torch.tensor([-2.0, -0.5, 0, 1, 4]), torch.tensor([0.0, 1, 1, 0, 1]), (5, 1)),
    "WIDE": (fill(8, 2.0), fill(8, 1.0, 30), (2, 4)),
    "LABELS": (fill(8, 2.0), torch.tensor([0.0, 1, 1, 0, 1, 0, 0, 1]), (2, 4)),
    "CLASSES": (fill(12, 2.0), torch.tensor([0.0, 3, 1]), (3, 4)),
    "SHARES": (fill(12, 2.0), torch.cat([F.softmax(fill(4, 1.0, 20), 0),
                                         torch.tensor([0.0, 0, 1, 0]),
                                         F.softmax(fill(4, 3.0, 40), 0)]), (3, 4)),
    "COUNTS": (fill(6, 1.5), torch.tensor([0.0, 1, 2, 5, 3, 7]), (3, 2)),
    "GAUSSIAN": (fill(8, 1.2, 3), fill(4, 1.0, 50), (2, 4)),
    "GAPS": (fill(8, 2.0), torch.tensor([0.5, NAN, 1.0, -1.0, NAN, 0.25, NAN, 2.0]), (2, 4)),
    "CLASS_GAPS": (fill(12, 2.0), torch.tensor([0.0, NAN, 1]), (3, 4)),
}


def bce(z, t, p=1.0):
    return F.binary_cross_entropy_with_logits(z, t, reduction="none", pos_weight=torch.tensor(p))


def bce_focal(gamma, alpha):
    def f(z, t):
        p = torch.sigmoid(z)
        p_t = p * t + (1 - p) * (1 - t)
        return (alpha * t + (1 - alpha) * (1 - t)) * (1 - p_t) ** gamma * bce(z, t)
    return f


def ce(z, t, **more):
    return F.cross_entropy(z, t.reshape(-1).long(), reduction="none", **more)


def cce_focal(gamma):
    def f(z, t):
        log_p = -ce(z, t)
        return -(1 - log_p.exp()) ** gamma * log_p
    return f


def kl(temperature):
    def f(z, t):
        log_q = F.log_softmax(z / temperature, 1)
        return F.kl_div(log_q, t, reduction="none").sum(1) * temperature ** 2
    return f


def quantile(q):
    return lambda o, t: torch.maximum(q * (t - o), (q - 1) * (t - o))


def gaussian(full):
    def f(o, t):
        n = t.shape[1]
        return F.gaussian_nll_loss(o[:, :n], t, o[:, n:].exp(), full=full, reduction="none")
    return f


def poisson(full):
    return lambda o, t: F.poisson_nll_loss(o, t, log_input=True, full=full, reduction="none")


def plain(f, **more):
    return lambda o, t: f(o, t, reduction="none", **more)


ROWS = [  # kind, options, set, losses
    ("bce_logits", "", "BINARY", bce), ("bce_logits", "positive=3", "BINARY",
                                        lambda z, t: bce(z, t, 3.0)),
    ("bce_logits", "", "SOFT", bce),
    ("bce_logits", "smoothing=0.2", "BINARY", lambda z, t: bce(z, 0.8 * t + 0.1)),
    ("bce_labels", "", "LABELS", bce),
    ("bce_labels", "positive=0.5", "LABELS", lambda z, t: bce(z, t, 0.5)),
    ("bce_focal", "", "BINARY", bce_focal(2.0, 0.25)),
    ("bce_focal", "gamma=0 alpha=0.5", "BINARY", bce_focal(0.0, 0.5)),
    ("bce_focal", "gamma=3.5 alpha=0.6", "BINARY", bce_focal(3.5, 0.6)),
    ("cce_logits", "", "CLASSES", ce),
    ("cce_logits", "smoothing=0.1", "CLASSES", lambda z, t: ce(z, t, label_smoothing=0.1)),
    ("cce_logits", "class_weights=1,2,3,4", "CLASSES", lambda z, t: ce(z, t, weight=CLASS_WEIGHT)),
    ("cce_logits", "class_weights=1,2,3,4 smoothing=0.3", "CLASSES",
     lambda z, t: ce(z, t, weight=CLASS_WEIGHT, label_smoothing=0.3)),
    ("cce_focal", "class_weights=1,2,3,4 gamma=1.5", "CLASSES",
     lambda z, t: CLASS_WEIGHT[t.reshape(-1).long()] * cce_focal(1.5)(z, t)),
    ("cce_focal", "", "CLASSES", cce_focal(2.0)),
    ("cce_focal", "gamma=0.5", "CLASSES", cce_focal(0.5)),
    ("cce_focal", "gamma=0", "CLASSES", ce),
    ("cce_shares", "", "SHARES", lambda z, t: F.cross_entropy(z, t, reduction="none")),
    ("cce_shares", "smoothing=0.1", "SHARES",
     lambda z, t: F.cross_entropy(z, t, reduction="none", label_smoothing=0.1)),
    ("kl_logits", "", "SHARES", kl(1.0)), ("kl_logits", "temperature=3", "SHARES", kl(3.0)),
    ("mse", "", "NUMBERS", plain(F.mse_loss)), ("mse", "", "WIDE", plain(F.mse_loss)),
    ("mae", "", "NUMBERS", plain(F.l1_loss)), ("mae", "", "WIDE", plain(F.l1_loss)),
    ("huber", "", "NUMBERS", plain(F.huber_loss)),
    ("huber", "delta=0.7", "WIDE", plain(F.huber_loss, delta=0.7)),
    ("smooth_l1", "beta=0.5", "NUMBERS", plain(F.smooth_l1_loss, beta=0.5)),
    ("smooth_l1", "", "WIDE", plain(F.smooth_l1_loss)),
    ("quantile", "q=0.9", "NUMBERS", quantile(0.9)), ("quantile", "", "WIDE", quantile(0.5)),
    ("poisson_nll", "", "COUNTS", poisson(False)),
    ("poisson_nll", "full=yes", "COUNTS", poisson(True)),
    ("gaussian_nll", "", "GAUSSIAN", gaussian(False)),
    ("gaussian_nll", "full=yes", "GAUSSIAN", gaussian(True)),
    ("mse", "missing=skip", "GAPS", plain(F.mse_loss)),
    ("mae", "missing=skip", "GAPS", plain(F.l1_loss)),
    ("cce_logits", "missing=skip", "CLASS_GAPS", ce),
]


def masked(f, o, t):
    """Losses of what is there; a missing target is replaced, so that no NaN is differentiated."""
    there = ~torch.isnan(t)
    loss = f(o, torch.where(there, t, torch.zeros_like(t)))
    return loss, there[:, 0] if loss.dim() == 1 else there


def reduce(loss, there, weight, how, own):
    """`own`: what a record counts besides its weight, its class weight."""
    w = weight[:loss.shape[0]].reshape([-1] + [1] * (loss.dim() - 1)) * there
    w = w.expand(loss.shape) * there
    total = (w * loss).sum()
    return total if how == "sum" else total / ((w * own).sum() if how == "mean" else there.sum())


print(f"/* Made by tests/vectors/make_losses.py with PyTorch {torch.__version__}. */")
print("#ifndef TESTS_VECTORS_LOSSES_H\n#define TESTS_VECTORS_LOSSES_H\n\n#include <math.h>\n")
print("enum loss_set {\n    SET_" + ",\n    SET_".join(SETS) + "\n};")
print("static const struct {\n    unsigned rows, size;\n    double output[12], target[12];\n"
      "} loss_sets[] = {")
for name, (output, target, shape) in SETS.items():
    print(f"    [SET_{name}] = {{{shape[0]}, {shape[1]},\n     {numbers(output)},\n"
          f"     {numbers(target)}}},".replace("nan", "(double)NAN"))
print("};\n")
print(f"static const double loss_weight[] = {numbers(WEIGHT)};\n")
print("static const struct {\n    const char *kind, *options;\n    enum loss_set set;\n"
      "    int weighted;\n    double value, gradient[12];\n} loss_vectors[] = {")
for kind, options, name, f in ROWS:
    output, target, shape = SETS[name]
    for how, weighted in (("mean", 0), ("mean", 1), ("rows", 1), ("sum", 1)):
        o = output.reshape(shape).clone().requires_grad_()
        t = target.reshape(shape[0], -1)
        loss, there = masked(f, o, t)
        own = CLASS_WEIGHT[t.reshape(-1).long()] if "class_weights" in options else 1.0
        value = reduce(loss, there, WEIGHT if weighted else torch.ones(7), how, own)
        value.backward()
        text = (options + (f" reduce={how}" if how != "mean" else "")).strip()
        print(f'    {{"{kind}", "{text}", SET_{name}, {weighted},\n'
              f"     {value.item()!r},\n"
              f"     {numbers(o.grad)}}},")
print("};\n\n#endif")
