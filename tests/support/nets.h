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
};

#endif
