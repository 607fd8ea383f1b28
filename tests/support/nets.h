/*
 * support/nets -- small networks in which every layer kind and every loss occurs; what must hold
 * for all of them (gradients, accumulation, single records) is tested over this list.
 *
 * At most NET_VALUES numbers a record at the input, the output and the target, NET_PARAMS
 * parameters.
 */
#ifndef TESTS_SUPPORT_NETS_H
#define TESTS_SUPPORT_NETS_H

enum {
    NET_VALUES = 128,
    NET_PARAMS = 1024
};

static const char *const nets[] = {
    "x = input 4\no = dense x 3\nl = mse o\n",
    "x = input 4\no = dense x 3 bias=no init=xavier\nl = mse o\n",
    "x = input 5\nh = dense x 7\na = relu h\no = dense a 1\nl = bce_logits o\n",
    "x = input 5\nh = dense x 7\na = leaky_relu h slope=0.2\no = dense a 1\n"
    "l = bce_logits o positive=3\n",
    "x = input 4\nh = dense x 6 init=torch\na = elu h alpha=0.7\no = dense a 3\nl = cce_logits o\n",
    "x = input 4\nh = dense x 6 init=lecun\na = selu h\no = dense a 3\nl = cce_logits o\n",
    "x = input 4\nh = dense x 6\na = sigmoid h\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = tanh h\ng = dense a 5\nb = tanh g\no = dense b 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = softplus h\no = dense a 2\nl = cce_logits o\n",
    "x = input 4\nh = dense x 6\na = gelu h\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = gelu h form=tanh\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = silu h\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = identity h\nb = linear a\no = dense b 2\nl = mse o\n",
    "x = input 4\nh = dense x 5\na = softmax h\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 5\no = softmax h\nl = mse o\n",
    /* a value that several layers use, one of them twice, and the input itself */
    "x = input 5\nh = dense x 5\na = tanh h\ng = dense a 5\nb = gelu g\ns = add a b x a\n"
    "r = silu s\nq = softmax s\nt = add r q\no = dense t 3\nl = cce_logits o\n",
    "x = input 4\nh = dense x 4\ns = add h h\na = tanh s\nb = sigmoid s\nt = add a b x\n"
    "o = dense t 2\nl = mse o\n",
    /* positions: the same weights at each, a loss at each */
    "x = input 4x3\nh = dense x 5\na = tanh h\no = dense a 3\nl = cce_logits o\n",
    "x = input 3x4\nh = dense x 2 bias=no\no = sigmoid h\nl = mse o\n",
    /* several inputs, several outputs, one of them used further */
    "x = input 3\ny = input 2\nh = dense x 4\ng = dense y 4\ns = add h g\nt = tanh s\n"
    "o = dense t 2\np = dense o 1\nl = cce_logits o\nm = bce_logits p weight=0.3\n",
    /* convolutions: every option, sides that differ, channels in whole, half and cut blocks */
    "x = input 2x5x4\nc = conv2d x 3 kernel=3x2 stride=2x1 pad=1\na = tanh c\nf = flatten a\n"
    "o = dense f 2\nl = mse o\n",
    "x = input 1x6x7\nc = conv2d x 9 dilation=2x1 pad=2x0 bias=no\na = tanh c\n"
    "p = global_avgpool a\no = dense p 3\nl = cce_logits o\n",
    "x = input 4x5x5\nc = conv2d x 6 groups=2 same=yes stride=2 activation=relu init=torch\n"
    "f = flatten c\no = dense f 2\nl = mse o\n",
    "x = input 3x4x4\nc = conv2d x 17 kernel=1 activation=relu\nd = conv2d c 2 kernel=1\n"
    "o = flatten d\nl = mse o\n",
    "x = input 5x4x4\nc = conv2d x 5 groups=5 pad=1 kernel=3\ns = add c x\na = tanh s\n"
    "d = conv2d a 2 kernel=2 stride=3\no = flatten d\nl = mse o\n",
    "x = input 7x3\nc = conv1d x 4 kernel=3 stride=2 pad=1\na = tanh c\n"
    "d = conv1d a 2 kernel=2 dilation=2\no = flatten d\nl = mse o\n",
    "x = input 8x4\nc = conv1d x 6 kernel=2 groups=2 same=yes activation=relu\n"
    "p = global_maxpool c\no = dense p 2\nl = mse o\n",
    "x = input 3x3x2\nc = conv2d_transpose x 2 kernel=3x2 stride=2 pad=1x0 output_pad=1x0\n"
    "a = tanh c\nd = conv2d a 1 kernel=2\no = flatten d\nl = mse o\n",
    "x = input 4x2x3\nc = conv2d_transpose x 4 kernel=2 stride=3 dilation=2 groups=2 bias=no\n"
    "s = tanh c\np = avgpool2d s kernel=3x4 stride=3x2 pad=1\no = flatten p\nl = mse o\n",
    "x = input 5x3\nc = conv1d_transpose x 4 kernel=3 stride=2 pad=1 output_pad=1\na = tanh c\n"
    "p = avgpool1d a kernel=3 stride=2 pad=1 count_pad=yes\no = dense p 2\nl = cce_logits o\n",
    "x = input 4x3\nc = conv1d_transpose x 2 kernel=2 groups=1 init=torch\no = tanh c\n"
    "l = mse o\n",
    /* pooling: windows that overlap, that leave gaps, that are cut; to a size; over all */
    "x = input 2x6x5\nc = conv2d x 2 kernel=2\np = maxpool2d c kernel=3x2 stride=2 pad=1\n"
    "q = avgpool2d p count_pad=yes same=yes\no = flatten q\nl = mse o\n",
    "x = input 2x7x7\nc = conv2d x 2 kernel=1\np = maxpool2d c\nr = avgpool2d p kernel=1 stride=2\n"
    "s = add p p\nt = avgpool2d s kernel=2x3 stride=1 pad=0x1\nf = flatten t\ng = flatten r\n"
    "u = dense f 3\nv = dense g 3\no = add u v\nl = mse o\n",
    "x = input 9x2\nc = conv1d x 3\np = maxpool1d c kernel=3 stride=1 pad=1\n"
    "q = avgpool1d p kernel=2 stride=3\no = flatten q\nl = mse o\n",
    "x = input 2x5x7\nc = conv2d x 2 kernel=1\np = adaptive_maxpool c 3x4\n"
    "q = adaptive_avgpool p 2\no = flatten q\nl = mse o\n",
    "x = input 7x2\nc = conv1d x 2 kernel=1\np = adaptive_avgpool c 9\n"
    "q = adaptive_maxpool p 4\no = flatten q\nl = mse o\n",
    "x = input 3x4x2\nc = conv2d x 3 kernel=1\np = global_maxpool c\no = dense p 2\nl = mse o\n",
    "x = input 6x3\nh = dense x 4\np = global_avgpool h\no = dense p 2\nl = mse o\n",
    /* the same numbers, and each several times */
    "x = input 12\nh = dense x 24\nr = reshape h 2x3x4\nu = upsample r scale=2x1\n"
    "c = conv2d u 4 kernel=1\na = tanh c\nd = depth_to_space a\np = avgpool2d d kernel=3x2\n"
    "o = flatten p\nl = mse o\n",
    "x = input 4x3\nu = upsample x scale=3\nc = conv1d u 2 kernel=4 stride=2\n"
    "r = reshape c 2x5\nt = reshape x 6x2\nw = dense t 5\nv = reshape w 30\nf = dense v 10\n"
    "g = reshape f 2x5\no = add r g\nl = mse o\n",
};

#endif
