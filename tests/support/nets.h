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
    /* norms: every option and every form of value; a bias that shows in the loss */
    "x = input 4\nh = dense x 6\nn = batch_norm h\na = tanh n\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\nn = batch_norm h stats=buffer affine=no eps=0.1\n"
    "s = add n h\no = dense s 2\nl = mse o\n",
    "x = input 3x2\nh = dense x 4\nn = batch_norm h affine=local new_frac=0.5\no = dense n 3\n"
    "l = cce_logits o\n",
    "x = input 3x2x2\nn = batch_norm x\nm = batch_norm n affine=no\np = prelu m\nl = mse p\n",
    "x = input 4\nh = dense x 6\nn = layer_norm h\no = dense n 2\nl = mse o\n",
    "x = input 3x4\nn = layer_norm x eps=0.1\nh = dense n 4\nm = layer_norm h affine=no\n"
    "s = add m h n x\no = dense s 2\nl = mse o\n",
    "x = input 2x3x2\nn = layer_norm x\nl = mse n\n",
    "x = input 4\nh = dense x 6\nn = group_norm h groups=2\no = dense n 2\nl = mse o\n",
    "x = input 3x4\nh = dense x 6\nn = group_norm h groups=3\ns = add n h\no = dense s 2\n"
    "l = mse o\n",
    "x = input 4x3x2\nn = group_norm x groups=2\nm = group_norm n groups=4\n"
    "k = group_norm m affine=no\np = prelu k slopes=one\ns = add p n\nl = mse s\n",
    "x = input 3x2\nh = dense x 3\np = prelu h start=0.1\no = dense p 2\nl = cce_logits o\n",
    /* draws */
    "x = input 4\nh = dense x 9\nd = dropout h p=0.3\na = tanh d\no = dense a 2\nl = mse o\n",
    "x = input 3x4\nh = dense x 4\nd = dropout h p=0.4 by=channel\ns = add d h\n"
    "o = dense s 2\nl = mse o\n",
    "x = input 3x2x3\np = prelu x\nd = dropout p by=channel\nl = mse d\n",
    "x = input 5\nn = gaussian_noise x sigma=0.5\nh = dense n 4\nm = gaussian_noise h\n"
    "a = tanh m\ns = add a h\no = dense s 1\nl = bce_logits o\n",
    /* put together, taken apart, gated */
    "x = input 4\ny = input 3\nh = dense x 4\nc = concat h y x h\ns = slice c 5 from=3\n"
    "g = sigmoid s\nm = multiply s g\nt = scale m by=-0.7\no = dense t 2\nl = mse o\n",
    "x = input 2x4\nh = dense x 3\nc = concat x h\ns = slice c 2 from=4\nt = slice h 2\n"
    "m = multiply s t\nq = multiply m m\ng = slice c 2 from=3\nk = scale g by=3\na = add q k g\n"
    "o = dense a 2\nl = mse o\n",
    "x = input 2x2x3\np = prelu x\nc = concat p x\ns = slice c 3 from=1\nl = mse s\n",
    /* signs, ties, bijections */
    "x = input 4\nh = monotone x 5\na = tanh h\ng = monotone a 3 sign=minus bias=no\ns = add g g\n"
    "o = dense s 2\nl = mse o\n",
    "x = input 3x4\nh = monotone x 3 init=lecun\na = add h h\nl = mse a\n",
    "x = input 6\ne = dense x 3\na = tanh e\nd = tied a e\nl = mse d\n",
    "x = input 2x5\ng = dense x 5\ne = dense g 3\na = tanh e\nb = tied a e bias=no\nc = tanh b\n"
    "f = dense c 3 bias=no\nh = add f a\nd = tied h e\nl = mse d\n",
    "x = input 5\nc = coupling x 4\nd = coupling c 3 half=first\ns = add d c\nl = mse s\n",
    /* attention */
    "x = input 3x4\nq = dense x 4\nk = dense x 4\nv = dense x 2\na = attention q k v heads=2\n"
    "o = dense a 2\nl = mse o\n",
    "x = input 3x4\ny = input 2x6\nn = input 1\nq = dense x 2\nk = dense y 2\n"
    "a = attention q k y n\nt = dense a 4\nb = attention t t t causal=yes heads=2\ns = add b x\n"
    "l = mse s\n",
    "x = input 4x4\np = position x form=learned\na = self_attention p heads=2 causal=yes\n"
    "s = add a p\nn = layer_norm s\no = dense n 3\nl = cce_logits o\n",
    "x = input 4x2\nn = input 1\np = position x\nh = dense p 4\na = self_attention h n bias=no\n"
    "o = dense a 2\nl = mse o\n",
    /* Rosenblatt's rule */
    "x = input 4\no = dense x 1\nl = perceptron o\n",
    "x = input 4\no = dense x 4\nl = perceptron o\n",
};

#endif
