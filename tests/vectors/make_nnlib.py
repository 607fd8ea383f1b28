#!/usr/bin/env python3
"""Writes tests/vectors/nnlib.h: figures of PyTorch (float64, one thread).

    python3 tests/vectors/make_nnlib.py > tests/vectors/nnlib.h

Inputs are reproducible in C: fill(count, s, off): v[k] = s * sin(k + 1 + off).
"""
import math

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
F = torch.nn.functional


def fill(count, s=1.0, off=0):
    return torch.tensor([s * math.sin(k + 1 + off) for k in range(count)])


def numbers(values):
    values = values.detach().reshape(-1).tolist() if torch.is_tensor(values) else list(values)
    lines, line = [], "    "
    for v in values:
        word = repr(float(v)) + ", "
        if len(line) + len(word) > 98:
            lines.append(line.rstrip())
            line = "    "
        line += word
    lines.append(line.rstrip().rstrip(","))
    return "{\n" + "\n".join(lines) + "}"


def array(name, values):
    print(f"static const double {name}[] = {numbers(values)};\n")


def activations():
    kinds = [
        ("relu a", F.relu), ("leaky_relu a", F.leaky_relu),
        ("leaky_relu a slope=0.2", lambda x: F.leaky_relu(x, 0.2)), ("elu a", F.elu),
        ("elu a alpha=1.5", lambda x: F.elu(x, 1.5)), ("selu a", F.selu),
        ("sigmoid a", torch.sigmoid), ("tanh a", torch.tanh), ("softplus a", F.softplus),
        ("gelu a", F.gelu), ("gelu a form=tanh", lambda x: F.gelu(x, approximate="tanh")),
        ("silu a", F.silu), ("relu6 a", F.relu6), ("hardtanh a", F.hardtanh),
        # PyTorch's constant 1/6 is a float32, good to 1e-8 only: written out here.
        ("hardsigmoid a", lambda x: F.relu6(x + 3) / 6),
        ("hardswish a", lambda x: x * F.relu6(x + 3) / 6), ("softsign a", F.softsign),
        ("mish a", F.mish), ("celu a", F.celu), ("celu a alpha=0.5", lambda x: F.celu(x, 0.5)),
        ("swish a", F.silu), ("swish a beta=1.7", lambda x: x * torch.sigmoid(1.7 * x)),
        ("exp a", torch.exp), ("identity a", lambda x: x * 1), ("linear a", lambda x: x * 1),
    ]
    x = [-3, -1, -0.5, 0, 0.5, 1, 3, -12, 12]
    array("act_x", x)
    print("static const struct {\n    const char *line;\n    double f[9], df[9];\n} act_vectors[] = {")
    for line, f in kinds:
        t = torch.tensor([float(v) for v in x], requires_grad=True)
        y = f(t)
        y.sum().backward()
        print(f'    {{"{line}",\n     {numbers(y)},\n     {numbers(t.grad)}}},')
    print("};\n")
    t = fill(12, 2.0).reshape(3, 4).requires_grad_()
    y = F.softmax(t, dim=1)
    (y * fill(12, 1.0, 50).reshape(3, 4)).sum().backward()
    array("softmax_y", y)
    array("softmax_dx", t.grad)
    t = fill(12, 2.0).reshape(3, 4).requires_grad_()
    y = F.log_softmax(t, dim=1)
    (y * fill(12, 1.0, 50).reshape(3, 4)).sum().backward()
    array("log_softmax_y", y)
    array("log_softmax_dx", t.grad)
    array("softmax_large", F.softmax(torch.tensor([1000.0, 1001, 1002, -5000]), dim=0))


def dense():
    w, b = fill(12).reshape(3, 4).requires_grad_(), fill(3, 0.1).requires_grad_()
    x = fill(8, 1.0, 100).reshape(2, 4).requires_grad_()
    o = F.linear(x, w, b)
    (o * o).sum().backward()
    array("dense_o", o)
    array("dense_dx", x.grad)
    array("dense_dw", w.grad)
    array("dense_db", b.grad)


def network(theta):
    """fc1 (5,3) gelu, fc2 (5,5) tanh, added to fc1's value; out (4,5)."""
    parts, at = [], 0
    for shape in ((5, 3), (5,), (5, 5), (5,), (4, 5), (4,)):
        size = math.prod(shape)
        parts.append(theta[at:at + size].reshape(shape))
        at += size

    def forward(x):
        a1 = F.gelu(F.linear(x, parts[0], parts[1]))
        a2 = torch.tanh(F.linear(a1, parts[2], parts[3]))
        return F.linear(a1 + a2, parts[4], parts[5])
    return forward


NET_PARAMS = 5 * 3 + 5 + 25 + 5 + 20 + 4
NET_X = fill(6 * 3, 1.5, 7).reshape(6, 3)
NET_T = torch.tensor([0, 1, 2, 3, 1, 2])


def net():
    theta, x = fill(NET_PARAMS, 0.7).requires_grad_(), NET_X.clone().requires_grad_()
    out = network(theta)(x)
    loss = F.cross_entropy(out, NET_T)
    loss.backward()
    array("net_t", NET_T.to(torch.float64))
    array("net_out", out)
    print(f"static const double net_loss = {loss.item()!r};")
    array("net_grad", theta.grad)
    array("net_dx", x.grad)


def main():
    print(f"/* Made by tests/vectors/make_nnlib.py with PyTorch {torch.__version__}. */")
    print("#ifndef TESTS_VECTORS_NNLIB_H\n#define TESTS_VECTORS_NNLIB_H\n")
    for part in (activations, dense, net):
        part()
    print("#endif")


if __name__ == "__main__":
    main()
