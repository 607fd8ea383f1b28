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
    "x = input 4\no = dense x 3\nl = cce_logits o smoothing=0.2 class_weights=1,3,0.5 "
    "reduce=rows\n",
    "x = input 4\no = dense x 3\nl = cce_focal o class_weights=1,3,0.5 reduce=rows\n",
    /* a value that several layers use, one of them twice, and the input itself */
    "x = input 5\nh = dense x 5\na = tanh h\ng = dense a 5\nb = gelu g\ns = add a b x a\n"
    "r = silu s\nq = softmax s\nt = add r q\no = dense t 3\nl = cce_logits o\n",
    "x = input 4\nh = dense x 4\ns = add h h\na = tanh s\nb = sigmoid s\nt = add a b x\n"
    "o = dense t 2\nl = mse o\n",
    /* positions: the same weights at each, a loss at each */
    "x = input 4x3\nh = dense x 5\na = tanh h\no = dense a 3\nl = cce_logits o\n",
    "x = input 3x4\nh = dense x 2 bias=no\no = sigmoid h\nl = mse o\n",
    "x = input 3x4\nh = dense x 3\na = softmax h\nb = log_softmax h\ns = add a b\nl = mse s\n",
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
    /* recurrent kinds: their options, unequal lengths (inputs named length and index hold whole
     * numbers 0..3), T = 1..6, stacked */
    "x = input 4x3\nh = rnn x 5\no = dense h 3\nl = cce_logits o\n",
    "x = input 3x3\nlength = input 1\nh = rnn x length 4 activation=relu output=last\n"
    "o = dense h 2\nl = mse o\n",
    "x = input 3x2\nh = rnn x 3 direction=both bias=no\no = dense h 2\nl = mse o\n",
    "x = input 1x3\nh = lstm x 3\no = dense h 2\nl = mse o\n",
    "x = input 2x3\nh = lstm x 3 direction=backward\no = dense h 2\nl = mse o\n",
    "x = input 6x2\nh = lstm x 4 output=last\no = dense h 2\nl = cce_logits o\n",
    "x = input 3x2\nh = lstm x 3 init=torch recurrent=torch forget=0\ng = lstm h 4 direction=both\n"
    "o = lstm g 2 direction=both output=last\nl = mse o\n",
    "x = input 3x2\nlength = input 1\nh = lstm x length 3 direction=both\n"
    "g = lstm h length 2 bias=no direction=both output=last\nl = mse g\n",
    "x = input 5x3\nh = gru x 3\no = dense h 2\nl = mse o\n",
    "x = input 4x2\nh = gru x 3 output=last direction=both\no = dense h 2\nl = mse o\n",
    "x = input 3x2\nlength = input 1\nh = gru x length 3 direction=both\n"
    "g = gru h length 2 bias=no\nl = mse g\n",
    "x = input 3x3\nh = lstm x 3\ns = add h x\ng = gru s 3 direction=backward\nt = add g s x\n"
    "l = mse t\n",
    "index = input 4\ne = embedding index 5x3\nh = tanh e\no = dense h 2\nl = mse o\n",
    "index = input 3x1\nlength = input 1\ne = embedding index 4x3\nh = lstm e length 3 "
    "output=last\n"
    "o = dense h 2\nl = cce_logits o\n",
    "x = input 3x2\nlength = input 1\nr = reverse x length\nh = rnn r 3\nq = reverse h\n"
    "s = last q length\nt = last h\nu = add s t\nl = mse u\n",
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
