#!/usr/bin/env python3
"""Writes tests/vectors/recurrent.h: figures of PyTorch's RNN, LSTM and GRU (float64, one thread).

    python3 tests/vectors/make_recurrent.py ../shared/reference/goldens.json > tests/vectors/recurrent.h

`golden_*` are those of features.md (one record, T 4, 3 inputs, 2 units, gradients of the sum of y^2).
`packed_*` are packed sequences, two directions, three records of 4, 2 and 3 steps out of 4 (3 inputs, 2
units): y, the last states of both directions, and the gradients of the sum of y^2.
Parameters are filled in PyTorch's order: v[k] = 0.5 sin(k + 1); x the same with factor 1.
"""
import json
import math
import sys

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def fill(count, s=1.0, off=0):
    return torch.tensor([s * math.sin(k + 1 + off) for k in range(count)])


def array(name, values):
    values = values.detach().reshape(-1).tolist() if torch.is_tensor(values) else values
    lines, line = [], "    "
    for v in values:
        word = repr(float(v)) + ", "
        if len(line) + len(word) > 98:
            lines.append(line.rstrip())
            line = "    "
        line += word
    lines.append(line.rstrip().rstrip(","))
    print(f"static const double {name}[] = {{\n" + "\n".join(lines) + "};\n")


def golden(goldens, kind):
    g, name = goldens[kind], "golden_" + kind.lower()
    array(name + "_y", g["y"])
    for key, values in g["grads"].items():
        if kind == "GRU" or key != "bias_hh_l0":  # ours has one bias there
            array(f"{name}_{key}", values)
    array(name + "_dx", g["dx"])


def packed(kind, name, **options):
    net, off = getattr(torch.nn, kind)(3, 2, batch_first=True, bidirectional=True, **options), 0
    for p in net.parameters():
        p.data = fill(p.numel(), 0.5, off).reshape(p.shape)
        off += p.numel()
    x = fill(36).reshape(3, 4, 3).requires_grad_()
    out, state = net(pack_padded_sequence(x, [4, 2, 3], batch_first=True, enforce_sorted=False))
    y, _ = pad_packed_sequence(out, batch_first=True, total_length=4)
    state = state[0] if isinstance(state, tuple) else state
    (y**2).sum().backward()
    array(f"packed_{name}_y", y)
    array(f"packed_{name}_last", state.transpose(0, 1))
    array(f"packed_{name}_dx", x.grad)
    for key, p in net.named_parameters():
        array(f"packed_{name}_{key}", p.grad)


def main():
    goldens = json.load(open(sys.argv[1]))
    print(f"/* Made by tests/vectors/make_recurrent.py with PyTorch {torch.__version__}. */")
    print("#ifndef TESTS_VECTORS_RECURRENT_H\n#define TESTS_VECTORS_RECURRENT_H\n")
    for kind in "RNN", "LSTM", "GRU":
        golden(goldens, kind)
    packed("RNN", "rnn")
    packed("RNN", "relu", nonlinearity="relu")
    packed("LSTM", "lstm")
    packed("GRU", "gru")
    print("#endif")


main()
