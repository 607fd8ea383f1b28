#!/usr/bin/env python3
"""Writes tests/vectors/layers.h: norms, PReLU and attention as PyTorch computes them (float64, one
thread).

    python3 tests/vectors/make_layers.py > tests/vectors/layers.h

x = fill(rows * numbers; 1), parameters are filled tensor after tensor with s = .5 and off = elements
already filled, gradients are those of sum y^2. fill(count, s, off): v[k] = s * sin(k + 1 + off).
"""
import math
import textwrap

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
nn = torch.nn


def fill(shape, s=1.0, off=0):
    count = math.prod(shape)
    return torch.tensor([s * math.sin(k + 1 + off) for k in range(count)]).reshape(shape)


def numbers(values):
    words = ", ".join(repr(float(v)) for v in values.detach().reshape(-1))
    return "{" + "\n     ".join(textwrap.wrap(words, 92)) + "}"


def fill_parameters(module):
    off = 0
    for p in module.parameters():
        p.data = fill(p.shape, 0.5, off)
        off += p.numel()


def case(text, shape, module, run):
    fill_parameters(module)
    x = fill(shape).requires_grad_()
    y = run(module, x)
    (y * y).sum().backward()
    grad = torch.cat([p.grad.reshape(-1) for p in module.parameters()])
    text = text.replace("\n", "\\n")
    print(f'    {{"{text}",\n     {shape[0]},\n     {numbers(y)},\n     {numbers(x.grad)},'
          f"\n     {numbers(grad)}}},")


def plain(module, x):
    return module(x)


def channels_last(module, x):  # ours is (N, T, F), PyTorch's 1-D layers take (N, F, T)
    return module(x.transpose(1, 2)).transpose(1, 2)


def by_position(module, x):
    return module(x.reshape(-1, x.shape[2])).reshape(x.shape)


def attention(causal=False, lengths=None):
    def run(module, x):
        steps = x.shape[1]
        mask = torch.ones(steps, steps).triu(1).bool() if causal else None
        pad = None
        if lengths is not None:
            pad = torch.arange(steps)[None, :] >= torch.tensor(lengths)[:, None]
        return module(x, x, x, attn_mask=mask, key_padding_mask=pad, need_weights=False)[0]
    return run


def model(size, line):
    return f"x = input {size}\ny = {line}\nl = mse y\n"


print("/* Made by tests/vectors/make_layers.py; do not edit. PyTorch", torch.__version__ + ". */")
print("static const struct {\n    const char *text;\n    unsigned    rows;\n"
      "    double      y[64], dx[64], grad[192];\n} layer_vectors[] = {")
case(model("5", "batch_norm x"), (4, 5), nn.BatchNorm1d(5), plain)
case(model("3x4", "batch_norm x eps=0.01"), (2, 3, 4), nn.BatchNorm1d(4, eps=0.01), channels_last)
case(model("3x2x2", "batch_norm x"), (3, 3, 2, 2), nn.BatchNorm2d(3), plain)
case(model("6", "layer_norm x"), (3, 6), nn.LayerNorm(6), plain)
case(model("3x4", "layer_norm x"), (2, 3, 4), nn.LayerNorm(4), plain)
case(model("2x3x2", "layer_norm x"), (2, 2, 3, 2), nn.LayerNorm([2, 3, 2]), plain)
case(model("6", "group_norm x groups=2"), (3, 6), nn.GroupNorm(2, 6), plain)
case(model("3x4", "group_norm x groups=2"), (2, 3, 4), nn.GroupNorm(2, 4), by_position)
case(model("4x2x3", "group_norm x groups=2"), (2, 4, 2, 3), nn.GroupNorm(2, 4), plain)
case(model("3x2x2", "group_norm x groups=3"), (2, 3, 2, 2), nn.InstanceNorm2d(3, affine=True), plain)
case(model("3x2x2", "prelu x"), (2, 3, 2, 2), nn.PReLU(3), plain)
case(model("3x4", "prelu x slopes=one"), (2, 3, 4), nn.PReLU(1), plain)
for heads, causal in (1, False), (2, False), (3, True):
    option = f" heads={heads}" + (" causal=yes" if causal else "")
    case(model("4x6", "self_attention x" + option), (2, 4, 6),
         nn.MultiheadAttention(6, heads, batch_first=True), attention(causal))
print("};\n")

print("/* The same with lengths 2 and 4 of the two records; y only. */")
module = nn.MultiheadAttention(6, 2, batch_first=True)
fill_parameters(module)
x = fill((2, 4, 6))
print(f"static const double attention_lengths_y[48] =\n    {numbers(attention(lengths=[2, 4])(module, x))};\n")

print("/* batch_norm on 3x2x2: running mean and variance after the batches fill(36; 1) and\n"
      " * fill(36; 2, 5), and then its value of fill(12; 1, 9) in evaluation. */")
module = nn.BatchNorm2d(3)
fill_parameters(module)
module(fill((3, 3, 2, 2)))
module(fill((3, 3, 2, 2), 2, 5))
print(f"static const double bn_mean[3] = {numbers(module.running_mean)};")
print(f"static const double bn_var[3] = {numbers(module.running_var)};")
module.eval()
print(f"static const double bn_eval[12] =\n    {numbers(module(fill((1, 3, 2, 2), 1, 9)))};")
