#!/usr/bin/env python3
"""Writes tests/vectors/nnlib.h: figures of PyTorch (float64, one thread) and scikit-learn.

    python3 tests/vectors/make_nnlib.py > tests/vectors/nnlib.h

Inputs are reproducible in C: fill(count, s, off): v[k] = s * sin(k + 1 + off).
"""
import math

import sklearn
import torch
from sklearn.metrics import accuracy_score, average_precision_score, log_loss, roc_auc_score

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
        ("silu a", F.silu), ("identity a", lambda x: x * 1), ("linear a", lambda x: x * 1),
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
    array("softmax_large", F.softmax(torch.tensor([1000.0, 1001, 1002, -5000]), dim=0))


def losses():
    z0 = torch.tensor([-2.0, -0.5, 0, 1, 4, 1e4, -1e4])
    t0 = torch.tensor([0.0, 1, 1, 0, 1, 1, 0])
    w0 = torch.tensor([1.0, 2, 0.5, 3, 0, 1, 1])
    array("bce_z", z0)
    array("bce_t", t0)
    array("bce_w", w0)
    array("mse_z", z0[:5])

    def one(name, value, z):
        value.backward()
        print(f"static const double {name} = {value.item()!r};")
        array(name + "_g", z.grad)

    for name, pos in (("bce", 1.0), ("bce_positive3", 3.0)):
        z = z0.clone().requires_grad_()
        one(name, F.binary_cross_entropy_with_logits(z, t0, pos_weight=torch.tensor(pos)), z)
    z = z0.clone().requires_grad_()
    one("bce_weighted",
        (F.binary_cross_entropy_with_logits(z, t0, reduction="none") * w0).sum() / w0.sum(), z)
    z = z0[:5].clone().requires_grad_()
    one("mse", F.mse_loss(z, t0[:5]), z)
    z = fill(8, 2.0).reshape(2, 4).requires_grad_()
    one("mse_wide", F.mse_loss(z, fill(8, 1.0, 30).reshape(2, 4)), z)
    z = fill(12, 2.0).reshape(3, 4).requires_grad_()
    one("cce", F.cross_entropy(z, torch.tensor([0, 3, 1])), z)
    z = fill(12, 2.0).reshape(3, 4).requires_grad_()
    w = torch.tensor([1.0, 2.0, 0.25])
    one("cce_weighted",
        (F.cross_entropy(z, torch.tensor([0, 3, 1]), reduction="none") * w).sum() / w.sum(), z)


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


def optimisers():
    def trace(make, start, f, steps=5):
        p = torch.nn.Parameter(start.clone())
        opt, out = make([p]), []
        for _ in range(steps):
            opt.zero_grad()
            f(p).backward()
            opt.step()
            out += p.detach().tolist()
        return out

    def bowl(p):
        return 0.5 * (p[0] ** 2 + 10 * p[1] ** 2)

    o = torch.optim
    rows = [
        ("sgd", ".kind = NN_SGD, .rate = 0.01", lambda p: o.SGD(p, lr=0.01)),
        ("momentum", ".kind = NN_SGD, .rate = 0.01, .momentum = 0.9",
         lambda p: o.SGD(p, lr=0.01, momentum=0.9)),
        ("sgd_l2", ".kind = NN_SGD, .rate = 0.01, .l2 = 0.1",
         lambda p: o.SGD(p, lr=0.01, weight_decay=0.1)),
        ("momentum_l2", ".kind = NN_SGD, .rate = 0.01, .momentum = 0.9, .l2 = 0.1",
         lambda p: o.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1)),
        ("adam", ".kind = NN_ADAM, .rate = 0.1, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8",
         lambda p: o.Adam(p, lr=0.1)),
        ("adam_l2",
         ".kind = NN_ADAM, .rate = 0.1, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .l2 = 0.1",
         lambda p: o.Adam(p, lr=0.1, weight_decay=0.1)),
        ("adam_betas",
         ".kind = NN_ADAM, .rate = 0.05, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3",
         lambda p: o.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3)),
    ]
    print("#ifdef NNLIB_OPTIMISER_H")
    print("static const struct {\n    const char *name;\n    struct nn_optimiser_config config;\n"
          "    double bowl[10], net[5 * %d];\n} opt_vectors[] = {" % NET_PARAMS)
    for name, config, make in rows:
        def task(p):
            return F.cross_entropy(network(p)(NET_X), NET_T)
        # The network has biases, which PyTorch decays too when asked: no l2 there.
        a = trace(make, torch.tensor([1.0, -2.0]), bowl)
        b = [0.0] if "l2" in name else trace(make, fill(NET_PARAMS, 0.7), task)
        print(f'    {{"{name}",\n     {{{config}}},\n     {numbers(a)},\n     {numbers(b)}}},')
    print("};\n#endif\n")


def metrics():
    y = [0, 0, 1, 1, 0, 1, 0, 1, 1, 0]
    s = [0.1, 0.4, 0.35, 0.8, 0.2, 0.7, 0.65, 0.9, 0.5, 0.5]

    def all_of(name, y, s):
        print(f"static const double {name}_auroc = {float(roc_auc_score(y, s))!r};")
        print(f"static const double {name}_auprc = {float(average_precision_score(y, s))!r};")
        print(f"static const double {name}_log_loss = {float(log_loss(y, s))!r};")
        guess = [int(v >= 0.5) for v in s]
        print(f"static const double {name}_accuracy = {float(accuracy_score(y, guess))!r};\n")
    array("ten_y", y)
    array("ten_s", s)
    all_of("ten", y, s)
    # 997 rows with many ties, one in five positive: score = float32 sigmoid of a sine, cut to 1/64.
    s, y = [], []
    for k in range(997):
        s.append(math.floor(64 / (1 + math.exp(-3 * math.sin(1.7 * k)))) / 64 + 1 / 128)
        y.append(1 if math.sin(k * k * 0.37) + math.sin(1.7 * k) > 1.0 else 0)
    all_of("many", y, s)
    p = F.softmax(fill(30, 2.0).reshape(10, 3), dim=1)
    t = [0, 1, 2, 0, 1, 2, 2, 1, 0, 2]
    array("three_p", p)
    array("three_t", t)
    print(f"static const double three_log_loss = {float(log_loss(t, p.numpy()))!r};")
    print(f"static const double three_accuracy = {float(accuracy_score(t, p.argmax(1).numpy()))!r};\n")


print(f"/* Made by tests/vectors/make_nnlib.py with PyTorch {torch.__version__} and "
      f"scikit-learn {sklearn.__version__}. */")
print("#ifndef TESTS_VECTORS_NNLIB_H\n#define TESTS_VECTORS_NNLIB_H\n")
for part in (activations, losses, dense, net, optimisers, metrics):
    part()
print("#endif")
