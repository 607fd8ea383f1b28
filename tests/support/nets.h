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
    "x = input 4\nh = dense x 6\na = relu6 h\nb = hardtanh a\no = dense b 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = hardsigmoid h\nb = hardswish h\nc = add a b\n"
    "o = dense c 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = softsign h\nb = mish a\no = dense b 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = celu h alpha=0.6\nb = swish a beta=1.4\no = dense b 2\n"
    "l = mse o\n",
    "x = input 4\nh = dense x 3\na = exp h\no = log_softmax a\nl = mse o\n",
    "x = input 4\no = dense x 3\nl = bce_labels o positive=2 smoothing=0.1\n",
    "x = input 4\no = dense x 1\nl = bce_focal o gamma=1.5 alpha=0.4\n",
    "x = input 4\no = dense x 3\nl = cce_logits o smoothing=0.2 reduce=rows\n",
    "x = input 4\no = dense x 3\nl = cce_focal o\n",
    "x = input 4\no = dense x 3\nl = cce_shares o smoothing=0.1\n",
    "x = input 4\no = dense x 3\nl = kl_logits o temperature=2.5\n",
    "x = input 4\no = dense x 3\nl = half_sse o\n",
    "x = input 4\no = dense x 3\nl = mae o reduce=rows\n",
    "x = input 4\no = dense x 3\nl = huber o delta=0.5\n",
    "x = input 4\no = dense x 3\nl = smooth_l1 o beta=0.5\n",
    "x = input 4\no = dense x 3\nl = quantile o q=0.8\n",
    "x = input 4\no = dense x 3\nl = poisson_nll o full=yes\n",
    "x = input 4\no = dense x 4\nl = gaussian_nll o\n",
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
};

#endif
