#!/usr/bin/env python3
"""Writes tests/vectors/conv.h: convolutions, pooling and resampling by PyTorch (float64, one thread).

    python3 tests/vectors/make_conv.py > tests/vectors/conv.h

Each case is one layer `y` on a batch of two; inputs are reproducible in C with fill(count, s, off):
v[k] = s sin(k + 1 + off): x = fill(1, 0), weight = fill(0.3, 0), bias = fill(0.1, 0); the loss is
sum of y^2. Layers without parameters stand on a convolution that is the identity. Sequences are
(T, F) in panal and (F, T) in PyTorch: transposed before and after.
"""
import math

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
F = torch.nn.functional


def fill(count, s=1.0, off=0):
    return torch.tensor([s * math.sin(k + 1 + off) for k in range(count)])


def numbers(values):
    lines, line = [], "    "
    for v in values.detach().reshape(-1).tolist():
        word = f"{v:.12g}, "
        if len(line) + len(word) > 98:
            lines.append(line.rstrip())
            line = "    "
        line += word
    lines.append(line.rstrip().rstrip(","))
    return "{\n" + "\n".join(lines) + "}"


ROWS = 2
table = []


def case(shape, line, f, weight=None, bias=None):
    """shape as in panal; f(x, w, b) on PyTorch's layout."""
    name = f"conv_case_{len(table)}"
    x = fill(ROWS * math.prod(shape)).reshape(ROWS, *shape).requires_grad_()
    w = fill(math.prod(weight), 0.3).reshape(weight).requires_grad_() if weight else None
    b = fill(bias, 0.1).requires_grad_() if bias else None
    sequence = len(shape) == 2
    y = f(x.transpose(1, 2) if sequence else x, w, b)
    y = y.transpose(1, 2) if sequence and y.dim() == 3 else y
    (y * y).sum().backward()
    print(f"static const double {name}_y[] = {numbers(y)};")
    print(f"static const double {name}_dx[] = {numbers(x.grad)};")
    grads = [t.grad.reshape(-1) for t in (w, b) if t is not None]
    if grads:
        print(f"static const double {name}_dw[] = {numbers(torch.cat(grads))};")
    size = "x".join(str(n) for n in shape)
    same = "conv1d x %d kernel=1 groups=%d bias=no" % (shape[1], shape[1]) if sequence else \
        "conv2d x %d kernel=1 groups=%d bias=no" % (shape[0], shape[0])
    lines = [f"x = input {size}"] + ([] if grads else [f"i = {same}"]) + [f"y = {line}", "l = mse y"]
    text = "\n".join(f'     "{each}\\n"' for each in lines)
    table.append(f'    {{{text[5:]},\n     {name}_y, {name}_dx, {name + "_dw" if grads else "NULL"}}},')


print(f"/* Made by tests/vectors/make_conv.py with PyTorch {torch.__version__}. */")
print("#ifndef TESTS_VECTORS_CONV_H\n#define TESTS_VECTORS_CONV_H\n")

c2 = F.conv2d
case((2, 5, 5), "conv2d x 3 stride=2 pad=1", lambda x, w, b: c2(x, w, b, 2, 1), (3, 2, 3, 3), 3)
case((3, 7, 6), "conv2d x 5 kernel=3x2 stride=2x3 pad=1x0 dilation=1x2",
     lambda x, w, b: c2(x, w, b, (2, 3), (1, 0), (1, 2)), (5, 3, 3, 2), 5)
case((4, 6, 5), "conv2d x 6 kernel=2x3 groups=2 bias=no",
     lambda x, w, b: c2(x, w, None, groups=2), (6, 2, 2, 3))
case((3, 5, 6), "conv2d x 3 groups=3 same=yes activation=relu",
     lambda x, w, b: F.relu(c2(x, w, b, padding="same", groups=3)), (3, 1, 3, 3), 3)
case((2, 6, 7), "conv2d x 2 kernel=2x4 same=yes",
     lambda x, w, b: c2(x, w, b, padding="same"), (2, 2, 2, 4), 2)
case((2, 7, 8), "conv2d x 18 kernel=3 dilation=2 pad=2 stride=3",
     lambda x, w, b: c2(x, w, b, 3, 2, 2), (18, 2, 3, 3), 18)
case((20, 4, 4), "conv2d x 25 kernel=1 activation=relu",
     lambda x, w, b: F.relu(c2(x, w, b)), (25, 20, 1, 1), 25)
case((6, 2), "conv1d x 3 pad=1 bias=no",
     lambda x, w, b: F.conv1d(x, w, None, 1, 1), (3, 2, 3))
case((11, 4), "conv1d x 6 kernel=4 stride=2 pad=2 dilation=2 groups=2",
     lambda x, w, b: F.conv1d(x, w, b, 2, 2, 2, 2), (6, 2, 4), 6)
ct = F.conv_transpose2d
case((3, 3, 3), "conv2d_transpose x 2 stride=2 pad=1 output_pad=1 bias=no",
     lambda x, w, b: ct(x, w, None, 2, 1, 1), (3, 2, 3, 3))
case((4, 3, 2), "conv2d_transpose x 6 kernel=3x2 stride=3x2 pad=0x1 output_pad=2x1 groups=2 "
     "dilation=1x3", lambda x, w, b: ct(x, w, b, (3, 2), (0, 1), (2, 1), 2, (1, 3)), (4, 3, 3, 2), 6)
case((2, 3, 4), "conv2d_transpose x 3 kernel=2 stride=4",
     lambda x, w, b: ct(x, w, b, 4), (2, 3, 2, 2), 3)
case((5, 3), "conv1d_transpose x 4 kernel=3 stride=2 pad=1 output_pad=1",
     lambda x, w, b: F.conv_transpose1d(x, w, b, 2, 1, 1), (3, 4, 3), 4)

case((2, 6, 7), "maxpool2d i", lambda x, w, b: F.max_pool2d(x, 2))
case((2, 6, 7), "maxpool2d i kernel=3x2 stride=2x1 pad=1",
     lambda x, w, b: F.max_pool2d(x, (3, 2), (2, 1), 1))
case((2, 6, 7), "avgpool2d i", lambda x, w, b: F.avg_pool2d(x, 2))
case((2, 6, 7), "avgpool2d i kernel=3 stride=2 pad=1",
     lambda x, w, b: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False))
case((2, 6, 7), "avgpool2d i kernel=3x4 stride=2x3 pad=1x2 count_pad=yes",
     lambda x, w, b: F.avg_pool2d(x, (3, 4), (2, 3), (1, 2)))
case((9, 2), "maxpool1d i kernel=3 stride=2 pad=1", lambda x, w, b: F.max_pool1d(x, 3, 2, 1))
case((9, 2), "avgpool1d i kernel=4 stride=3 pad=2",
     lambda x, w, b: F.avg_pool1d(x, 4, 3, 2, count_include_pad=False))
case((2, 5, 7), "adaptive_avgpool i 3x4", lambda x, w, b: F.adaptive_avg_pool2d(x, (3, 4)))
case((2, 5, 7), "adaptive_maxpool i 2", lambda x, w, b: F.adaptive_max_pool2d(x, 2))
case((7, 2), "adaptive_avgpool i 9", lambda x, w, b: F.adaptive_avg_pool1d(x, 9))
case((7, 2), "adaptive_maxpool i 3", lambda x, w, b: F.adaptive_max_pool1d(x, 3))
case((3, 5, 4), "global_avgpool i", lambda x, w, b: x.mean((2, 3)))
case((6, 3), "global_maxpool i", lambda x, w, b: x.amax(2))
case((2, 3, 2), "upsample i scale=3x2",
     lambda x, w, b: x.repeat_interleave(3, 2).repeat_interleave(2, 3))
case((4, 3), "upsample i", lambda x, w, b: F.interpolate(x, scale_factor=2))
case((8, 2, 3), "depth_to_space i", lambda x, w, b: F.pixel_shuffle(x, 2))
case((9, 2, 2), "depth_to_space i block=3", lambda x, w, b: F.pixel_shuffle(x, 3))
case((2, 3, 4), "flatten i", lambda x, w, b: x.flatten(1))
case((2, 3, 4), "reshape i 4x6", lambda x, w, b: x.reshape(ROWS, 4, 6))

print("\nstatic const struct {\n    const char   *text;\n    const double *y, *dx, *dw;\n"
      "} conv_cases[] = {")
print("\n".join(table))
print("};\n\n#endif")
