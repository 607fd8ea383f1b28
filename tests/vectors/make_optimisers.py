#!/usr/bin/env python3
"""Writes tests/vectors/optimisers.h: traces of PyTorch's optimisers and schedules (float64).

    python3 tests/vectors/make_optimisers.py > tests/vectors/optimisers.h

`bowl` walks down (x^2 + 10 y^2) / 2 from (1, -2); `given` takes the same eight gradients whatever
theta is, some of them shrinking (AMSGrad differs from Adam only there), from (0.5, -0.3); `net` are
the parameters of make_nnlib.py's network after five steps.
"""
import textwrap

import torch

from make_nnlib import NET_PARAMS, NET_T, NET_X, fill, network

F, o = torch.nn.functional, torch.optim
GIVEN = [(3, -2), (1, 0.5), (0.1, -0.1), (-0.05, 0.02), (0.01, 0), (2, -1), (-1, 0.3), (0.2, 0.2)]


def numbers(values):
    text = "{" + ", ".join(repr(float(v)) for v in values) + "}"
    return textwrap.fill(text, 94, subsequent_indent="     ", break_long_words=False)


class Yogi(o.Optimizer):
    """Reddi et al., "Adaptive federated optimization", 2021, algorithm 2, without bias correction."""

    def __init__(self, params, lr=0.01, betas=(0.9, 0.999), eps=1e-3):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                s, (b1, b2) = self.state[p], group["betas"]
                m = s["m"] = b1 * s.get("m", torch.zeros_like(p)) + (1 - b1) * p.grad
                v = s.get("v", torch.zeros_like(p))
                v = s["v"] = v - (1 - b2) * p.grad ** 2 * torch.sign(v - p.grad ** 2)
                p -= group["lr"] * m / (v.sqrt() + group["eps"])


def trace(make, start, gradients):
    p = torch.nn.Parameter(start.clone())
    opt, out = make([p]), []
    for gradient in gradients:
        p.grad = gradient(p)
        opt.step()
        out.append(p.detach().tolist())
    return out


def bowl(p):
    return torch.tensor([1.0, 10.0]) * p.detach()


def task(p):
    q = p.detach().clone().requires_grad_()
    F.cross_entropy(network(q)(NET_X), NET_T).backward()
    return q.grad


ROWS = [
    ("sgd", lambda p: o.SGD(p, lr=0.01)),
    ("sgd momentum=0.9", lambda p: o.SGD(p, lr=0.01, momentum=0.9)),
    ("sgd rate=0.02 momentum=0.9 dampening=0.3",
     lambda p: o.SGD(p, lr=0.02, momentum=0.9, dampening=0.3)),
    ("sgd momentum=0.9 nesterov=yes", lambda p: o.SGD(p, lr=0.01, momentum=0.9, nesterov=True)),
    ("sgd l2=0.1", lambda p: o.SGD(p, lr=0.01, weight_decay=0.1)),
    ("sgd momentum=0.9 l2=0.1", lambda p: o.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1)),
    ("adagrad", lambda p: o.Adagrad(p, lr=0.01)),
    ("adagrad rate=0.1 start=0.5 rate_decay=0.1 epsilon=1e-3",
     lambda p: o.Adagrad(p, lr=0.1, initial_accumulator_value=0.5, lr_decay=0.1, eps=1e-3)),
    ("rmsprop", lambda p: o.RMSprop(p, lr=0.01)),
    ("rmsprop alpha=0.9 momentum=0.8", lambda p: o.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.8)),
    ("rmsprop alpha=0.9 centered=yes momentum=0.5",
     lambda p: o.RMSprop(p, lr=0.01, alpha=0.9, centered=True, momentum=0.5)),
    ("rmsprop centered=yes", lambda p: o.RMSprop(p, lr=0.01, centered=True)),
    ("adadelta", lambda p: o.Adadelta(p)),
    ("adadelta rate=0.5 rho=0.8 epsilon=1e-3",
     lambda p: o.Adadelta(p, lr=0.5, rho=0.8, eps=1e-3)),
    ("rprop", lambda p: o.Rprop(p)),
    ("rprop rate=0.1 up=1.3 down=0.4 shortest=0.01 longest=0.15",
     lambda p: o.Rprop(p, lr=0.1, etas=(0.4, 1.3), step_sizes=(0.01, 0.15))),
    ("adam", lambda p: o.Adam(p)), ("adam rate=0.1", lambda p: o.Adam(p, lr=0.1)),
    ("adam rate=0.05 beta1=0.8 beta2=0.95 epsilon=1e-3",
     lambda p: o.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3)),
    ("adam rate=0.1 l2=0.1", lambda p: o.Adam(p, lr=0.1, weight_decay=0.1)),
    ("adam rate=0.1 beta2=0.9 amsgrad=yes",
     lambda p: o.Adam(p, lr=0.1, betas=(0.9, 0.9), amsgrad=True)),
    ("adamw rate=0.1 decay=0", lambda p: o.AdamW(p, lr=0.1, weight_decay=0)),
    ("adamw rate=0.1", lambda p: o.AdamW(p, lr=0.1)),
    ("adamw rate=0.1 decay=0.1 beta2=0.9 amsgrad=yes",
     lambda p: o.AdamW(p, lr=0.1, weight_decay=0.1, betas=(0.9, 0.9), amsgrad=True)),
    ("adamax", lambda p: o.Adamax(p)), ("adamax rate=0.1", lambda p: o.Adamax(p, lr=0.1)),
    ("nadam", lambda p: o.NAdam(p)),
    ("nadam rate=0.1 momentum_decay=0.1", lambda p: o.NAdam(p, lr=0.1, momentum_decay=0.1)),
    ("yogi rate=0.1 beta2=0.99", lambda p: Yogi(p, lr=0.1, betas=(0.9, 0.99))),
]


def optimisers():
    print("enum { OPT_GIVEN = %d, OPT_NET = %d };" % (len(GIVEN), NET_PARAMS))
    print("static const double opt_given[] =\n    "
          + numbers([v for pair in GIVEN for v in pair]) + ";\n")
    print("/* `net` is 0 where penalties apply: PyTorch's would reach the biases too. */")
    print("static const struct {\n    const char *text;\n    double bowl[10], given[16], net[74];\n"
          "} opt_vectors[] = {")
    for text, make in ROWS:
        a = trace(make, torch.tensor([1.0, -2.0]), [bowl] * 5)
        b = trace(make, torch.tensor([0.5, -0.3]),
                  [lambda p, g=g: torch.tensor([float(v) for v in g]) for g in GIVEN])
        penalised = "l2" in text or (text.startswith("adamw") and "decay=0 " not in text + " ")
        c = [[0.0]] if penalised else trace(make, fill(NET_PARAMS, 0.7), [task] * 5)
        print(f'    {{"{text}",\n     {numbers(sum(a, []))},\n     {numbers(sum(b, []))},\n'
              f'     {numbers(c[-1])}}},')
    print("};\n")


def schedules():
    s = o.lr_scheduler

    def rates(make, base, steps=20):
        opt = o.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
        schedule, out = make(opt), []
        for _ in range(steps):
            out.append(opt.param_groups[0]["lr"])
            opt.step()
            schedule.step()
        return out

    rows = [
        ("step every=4 factor=0.3", lambda p: s.StepLR(p, 4, 0.3)),
        ("exp factor=0.8", lambda p: s.ExponentialLR(p, 0.8)),
        ("linear end=0.25 over=8", lambda p: s.LinearLR(p, 1, 0.25, 8)),
        ("cosine floor=0.1", lambda p: s.CosineAnnealingLR(p, 20, 0.02)),
        ("restarts every=3 times=2 floor=0.05",
         lambda p: s.CosineAnnealingWarmRestarts(p, 3, 2, 0.01)),
        ("onecycle", lambda p: s.OneCycleLR(p, 0.2, total_steps=21)),
        ("onecycle rise=0.5 start=10 end=100",
         lambda p: s.OneCycleLR(p, 0.2, total_steps=21, pct_start=0.5, div_factor=10,
                                final_div_factor=100)),
        ("cosine warmup=5 warmup_from=0.2",
         lambda p: s.SequentialLR(p, [s.LinearLR(p, 0.2, 1, 5), s.CosineAnnealingLR(p, 15)], [5])),
    ]
    print("/* Base rate 0.2, of 20 steps; of 21 for onecycle. */")
    print("static const struct {\n    const char *text;\n    double rates[20];\n} sched_vectors[] = {")
    for text, make in rows:
        print(f'    {{"{text}",\n     {numbers(rates(make, 0.2))}}},')
    print("};\n")
    metrics = [1.0, 0.9, 0.95, 0.9, 0.91, 0.5, 0.6, 0.5, 0.5, 0.6, 0.7, 0.4999999, 0.6, 0.6, 0.6,
               0.6, 0.6, 0.6, 0.6, 0.6]
    opt = o.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    plateau = s.ReduceLROnPlateau(opt, factor=0.5, patience=2, cooldown=1, min_lr=0.1)
    shares = []
    for m in metrics:
        plateau.step(m)
        shares.append(opt.param_groups[0]["lr"])
    print("static const double plateau_metric[] =\n    " + numbers(metrics) + ";")
    print("static const double plateau_share[] =\n    " + numbers(shares) + ";\n")


print(f"/* Made by tests/vectors/make_optimisers.py with PyTorch {torch.__version__}. */")
print("#ifndef TESTS_VECTORS_OPTIMISERS_H\n#define TESTS_VECTORS_OPTIMISERS_H\n")
optimisers()
schedules()
print("#endif")
