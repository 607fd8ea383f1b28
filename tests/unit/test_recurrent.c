/* Recurrent layers against PyTorch and against identities; in double and (test_recurrent_float.c)
 * in float. */
#include "support/nn.h"
#include "vectors/recurrent.h"

#include "nnlib/layer.h"

static const double exact = NN_TEST_DOUBLE ? 1e-12 : 1e-5;

/* A random parameter vector and records. */
static void
draw(nn_real *out, size_t count, double scale, uint64_t seed)
{
    struct pn_rng rng;
    pn_rng_init(&rng, seed);
    for (size_t k = 0; k < count; k++)
        out[k] = (nn_real)(scale * pn_rng_normal(&rng));
}

static const struct nn_tensor *
tensor_of(const struct net *net, const char *name)
{
    size_t                  count;
    const struct nn_tensor *row = nn_plan_manifest(net->plan, &count);
    for (size_t i = 0; i < count; i++, row++)
        if (strcmp(row->name, name) == 0)
            return row;
    fail_msg("no tensor %s", name);
    return NULL;
}

/* ---- PyTorch ---- */

/* Parameters as the vectors have them: 0.5 sin(k + 1) over PyTorch's tensors; of its two biases of
 * a direction rnn and lstm get the sum. `per` is the size of one bias. */
static void
import_filled(struct net *net, size_t weights, size_t per, bool apart, int directions)
{
    nn_real *to = net->theta;
    size_t   at = 0;
    for (int d = 0; d < directions; d++) {
        fill(to, weights, 0.5, (double)at);
        fill(to + weights, per, 0.5, (double)(at + weights));
        if (apart)
            fill(to + weights + per, per, 0.5, (double)(at + weights + per));
        for (size_t k = 0; !apart && k < per; k++)
            to[weights + k] += (nn_real)(0.5 * sin((double)(at + weights + per + k + 1)));
        to += weights + per + (apart ? per : 0);
        at += weights + 2 * per;
    }
    assert_int_equal(to - net->theta, net->params);
}

struct vector {
    const char   *kind, *options;
    uint32_t      gates;
    bool          apart;
    const double *y, *last, *dx, *grad[8]; /* a direction: weight_ih, weight_hh, bias_ih, bias_hh */
};

static void
forward_and_back(struct net *net, const nn_real *x, uint32_t rows, nn_real *dx)
{
    nn_real        dout[64];
    const nn_real *y = nn_forward(net->pass, net->theta, x, rows);
    for (size_t k = 0; k < rows * net->out; k++)
        dout[k] = 2 * y[k];
    nn_backward(net->pass, net->grad, dx, net->theta, dout);
}

static void
expect_gradients(const struct net *net, const struct vector *v, int directions)
{
    const nn_real *g = net->grad;
    for (int d = 0; d < directions; d++) {
        const size_t sizes[] = {v->gates * 2 * 3, v->gates * 2 * 2, v->gates * 2, v->gates * 2};
        for (int t = 0; t < (v->apart ? 4 : 3); t++) {
            EXPECT_FIGURES(g, v->grad[4 * d + t], sizes[t]);
            g += sizes[t];
        }
    }
}

static void
goldens_of_rnn_lstm_and_gru_hold_with_all_gradients(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        {"rnn",
         "",
         1,
         false,
         golden_rnn_y,
         NULL,
         golden_rnn_dx,
         {golden_rnn_weight_ih_l0, golden_rnn_weight_hh_l0, golden_rnn_bias_ih_l0}},
        {"lstm",
         "",
         4,
         false,
         golden_lstm_y,
         NULL,
         golden_lstm_dx,
         {golden_lstm_weight_ih_l0, golden_lstm_weight_hh_l0, golden_lstm_bias_ih_l0}},
        {"gru",
         "",
         3,
         true,
         golden_gru_y,
         NULL,
         golden_gru_dx,
         {golden_gru_weight_ih_l0, golden_gru_weight_hh_l0, golden_gru_bias_ih_l0,
          golden_gru_bias_hh_l0}}};
    for (size_t i = 0; i < 3; i++) {
        const struct vector *v = &vectors[i];
        struct net           net;
        char                 text[128];
        nn_real              x[12], dx[12];
        (void)snprintf(text, sizeof text, "x = input 4x3\ny = %s x 2\nl = mse y\n", v->kind);
        net_open(&net, text, 1);
        import_filled(&net, v->gates * 10, v->gates * 2, v->apart, 1);
        fill(x, 12, 1, 0);
        forward_and_back(&net, x, 1, dx);
        EXPECT_FIGURES(nn_forward(net.pass, net.theta, x, 1), v->y, 8);
        EXPECT_FIGURES(dx, v->dx, 12);
        expect_gradients(&net, v, 1);
        net_close(&net);
    }
}

#define PACKED(kind, options, name, gates, apart)                                                  \
    {                                                                                              \
        kind, options, gates, apart, packed_##name##_y, packed_##name##_last, packed_##name##_dx,  \
        {                                                                                          \
            packed_##name##_weight_ih_l0, packed_##name##_weight_hh_l0,                            \
                packed_##name##_bias_ih_l0, packed_##name##_bias_hh_l0,                            \
                packed_##name##_weight_ih_l0_reverse, packed_##name##_weight_hh_l0_reverse,        \
                packed_##name##_bias_ih_l0_reverse, packed_##name##_bias_hh_l0_reverse             \
        }                                                                                          \
    }

static void
both_directions_over_unequal_lengths_equal_packed_sequences(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        PACKED("rnn", "", rnn, 1, false), PACKED("rnn", "activation=relu", relu, 1, false),
        PACKED("lstm", "", lstm, 4, false), PACKED("gru", "", gru, 3, true)};
    static const nn_real lengths[] = {4, 2, 3};
    for (size_t i = 0; i < 4; i++) {
        const struct vector *v = &vectors[i];
        struct net           net, last;
        char                 text[256];
        nn_real              x[39], dx[39];
        for (int b = 0; b < 3; b++) {
            fill(x + 13 * b, 12, 1, 12 * b);
            x[13 * b + 12] = lengths[b];
        }
        static const char form[] = "x = input 4x3\nlength = input 1\n"
                                   "y = %s x length 2 direction=both %s output=%s\nl = mse y\n";
        (void)snprintf(text, sizeof text, form, v->kind, v->options, "sequence");
        net_open(&net, text, 3);
        (void)snprintf(text, sizeof text, form, v->kind, v->options, "last");
        net_open(&last, text, 3);
        import_filled(&net, v->gates * 10, v->gates * 2, v->apart, 2);
        forward_and_back(&net, x, 3, dx);
        EXPECT_FIGURES(nn_forward(net.pass, net.theta, x, 3), v->y, 48);
        EXPECT_FIGURES(nn_forward(last.pass, net.theta, x, 3), v->last, 12);
        for (int b = 0; b < 3; b++) {
            EXPECT_FIGURES(dx + 13 * b, v->dx + 12 * b, 12);
            assert_true(dx[13 * b + 12] == 0);
        }
        expect_gradients(&net, v, 2);
        net_close(&net);
        net_close(&last);
    }
}

/* ---- identities ---- */

static const char *const cells[] = {"rnn", "rnn activation=relu", "lstm", "gru"};

/* "y = <kind> <inputs> <size> <options> <more>" from a cell above. */
static void
open_cell(struct net *net, const char *cell, const char *inputs, const char *use, uint32_t rows)
{
    char        text[256];
    const char *options = strchr(cell, ' ');
    int         kind    = options != NULL ? (int)(options - cell) : (int)strlen(cell);
    (void)snprintf(text, sizeof text, "%sy = %.*s %s%s\nl = mse y\n", inputs, kind, cell, use,
                   options != NULL ? options : "");
    net_open(net, text, rows);
    draw(net->theta, net->params, 0.5, 7);
}

static void
pieces_with_carried_state_equal_one_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct net whole, four, one;
        nn_real    x[2 * 36], y[2 * 48], part[2 * 12];
        open_cell(&whole, cells[i], "x = input 12x3\n", "x 4", 2);
        open_cell(&four, cells[i], "x = input 4x3\n", "x 4", 2);
        open_cell(&one, cells[i], "x = input 1x3\n", "x 4", 2);
        draw(x, 72, 1, 3);
        memcpy(y, nn_forward(whole.pass, whole.theta, x, 2), sizeof y);
        for (int turn = 0; turn < 2; turn++) { /* the second from 0 again */
            for (size_t s = 0; s < 12; s++) {
                nn_pass_carry(one.pass, s > 0);
                for (size_t b = 0; b < 2; b++)
                    memcpy(part + 3 * b, x + 36 * b + 3 * s, 3 * sizeof *x);
                const nn_real *h = nn_forward(one.pass, one.theta, part, 2);
                for (size_t k = 0; k < 8; k++)
                    EXPECT_NEAR((double)h[k], (double)y[k / 4 * 48 + 4 * s + k % 4], exact);
            }
            for (size_t c = 0; c < 3; c++) {
                nn_pass_carry(four.pass, c > 0);
                for (size_t b = 0; b < 2; b++)
                    memcpy(part + 12 * b, x + 36 * b + 12 * c, 12 * sizeof *x);
                const nn_real *h = nn_forward(four.pass, four.theta, part, 2);
                for (size_t k = 0; k < 32; k++)
                    EXPECT_NEAR((double)h[k], (double)y[k / 16 * 48 + 16 * c + k % 16], exact);
            }
        }
        net_close(&whole);
        net_close(&four);
        net_close(&one);
    }
}

/* The sum of squares of the second piece, its start coming from the first one with theta `before`.
 */
static double
second_piece(const struct net *net, const nn_real *before, const nn_real *theta, const nn_real *x)
{
    double sum = 0;
    nn_pass_carry(net->pass, false);
    (void)nn_forward(net->pass, before, x, 1);
    nn_pass_carry(net->pass, true);
    const nn_real *y = nn_forward(net->pass, theta, x + 9, 1);
    for (size_t k = 0; k < net->out; k++)
        sum += (double)y[k] * (double)y[k];
    return sum;
}

static void
gradients_of_a_piece_end_at_its_start(void **state)
{
    (void)state;
    for (size_t i = 0; NN_TEST_DOUBLE && i < 4; i++) {
        struct net net;
        nn_real    x[18], dout[12], before[512];
        open_cell(&net, cells[i], "x = input 3x3\n", "x 4", 1);
        draw(x, 18, 1, 11);
        memcpy(before, net.theta, net.params * sizeof *before);
        (void)second_piece(&net, before, net.theta, x);
        uint32_t       size;
        const nn_real *y = nn_tap(net.pass, "y", &size);
        for (size_t k = 0; k < 12; k++)
            dout[k] = 2 * y[k];
        nn_backward(net.pass, net.grad, NULL, net.theta, dout);
        for (size_t k = 0; k < net.params; k++) {
            net.theta[k] = before[k] + (nn_real)1e-6;
            double above = second_piece(&net, before, net.theta, x);
            net.theta[k] = before[k] - (nn_real)1e-6;
            double below = second_piece(&net, before, net.theta, x);
            net.theta[k] = before[k];
            EXPECT_NEAR((double)net.grad[k], (above - below) / 2e-6, 1e-7);
        }
        net_close(&net);
    }
}

static void
another_number_of_rows_starts_from_zero(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[24], fresh[8];
    open_cell(&net, "lstm", "x = input 4x3\n", "x 2", 2);
    draw(x, 24, 1, 3);
    memcpy(fresh, nn_forward(net.pass, net.theta, x, 1), sizeof fresh);
    (void)nn_forward(net.pass, net.theta, x, 2);
    nn_pass_carry(net.pass, true);
    assert_memory_equal(nn_forward(net.pass, net.theta, x, 1), fresh, sizeof fresh);
    assert_memory_not_equal(nn_forward(net.pass, net.theta, x, 1), fresh, sizeof fresh);
    net_close(&net);
}

static void
reversed_input_gives_the_reversed_swap(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct net net;
        nn_real    x[30], turned[30], y[40], swapped[512];
        open_cell(&net, cells[i], "x = input 5x3\n", "x 4 direction=both", 2);
        draw(x, 30, 1, 5);
        for (size_t b = 0; b < 2; b++)
            for (size_t s = 0; s < 5; s++)
                memcpy(turned + 15 * b + 3 * s, x + 15 * b + 3 * (4 - s), 3 * sizeof *x);
        size_t half = net.params / 2;
        memcpy(swapped, net.theta + half, half * sizeof *swapped);
        memcpy(swapped + half, net.theta, half * sizeof *swapped);
        const nn_real *now = nn_forward(net.pass, net.theta, x, 2);
        for (size_t k = 0; k < 40; k++)
            y[k] = now[k];
        for (size_t k = 40; k < 80; k++)
            assert_true(isfinite(now[k]));
        now = nn_forward(net.pass, swapped, turned, 2);
        for (size_t s = 0; s < 5; s++)
            for (size_t k = 0; k < 8; k++)
                EXPECT_NEAR((double)now[8 * (4 - s) + (k + 4) % 8], (double)y[8 * s + k], exact);
        net_close(&net);
    }
}

static void
a_direction_backward_is_reverse_forward_reverse(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct net  net, other;
        char        text[256];
        nn_real     x[3 * 16], y[3 * 20];
        const char *options = strchr(cells[i], ' ');
        open_cell(&net, cells[i], "x = input 5x3\nlength = input 1\n",
                  "x length 4 direction=backward", 3);
        (void)snprintf(text, sizeof text,
                       "x = input 5x3\nlength = input 1\nr = reverse x length\n"
                       "h = %.*s r length 4%s\ny = reverse h length\nl = mse y\n",
                       (int)strcspn(cells[i], " "), cells[i], options != NULL ? options : "");
        net_open(&other, text, 3);
        draw(x, 48, 1, 5);
        for (size_t b = 0; b < 3; b++)
            x[16 * b + 15] = (nn_real)(5 - 2 * b);
        memcpy(y, nn_forward(net.pass, net.theta, x, 3), sizeof y);
        assert_memory_equal(nn_forward(other.pass, net.theta, x, 3), y, sizeof y);
        net_close(&net);
        net_close(&other);
    }
}

/* One record in a batch of padded ones against a plan of just its steps. */
static void
expect_unpadded(const char *cell, const char *use, const struct net *padded, const nn_real *record,
                uint32_t length, const nn_real *y, double *grad)
{
    struct net net;
    char       inputs[64];
    nn_real    dx[32];
    bool       last = strstr(use, "last") != NULL;
    (void)snprintf(inputs, sizeof inputs, "x = input %ux3\n", length);
    open_cell(&net, cell, inputs, use, 1);
    memcpy(net.theta, padded->theta, net.params * sizeof *net.theta);
    forward_and_back(&net, record, 1, dx);
    const nn_real *own = nn_forward(net.pass, net.theta, record, 1);
    for (size_t k = 0; k < net.out; k++)
        EXPECT_NEAR((double)y[k], (double)own[k], exact);
    for (size_t k = net.out; !last && k < padded->out; k++)
        assert_true(y[k] == 0);
    for (size_t k = 0; k < net.params; k++)
        grad[k] += (double)net.grad[k];
    net_close(&net);
}

static void
padded_batches_equal_unpadded_records(void **state)
{
    (void)state;
    static const char *const uses[][2] = {
        {"x length 4 direction=both", "x 4 direction=both"},
        {"x length 4 direction=both output=last", "x 4 direction=both output=last"}};
    for (size_t i = 0; i < 8; i++) {
        struct net net;
        nn_real    x[3 * 19], dx[3 * 19];
        double     grad[512] = {0};
        open_cell(&net, cells[i / 2], "x = input 6x3\nlength = input 1\n", uses[i % 2][0], 3);
        assert_true(net.params <= 512 && net.out * 3 <= 64 * 3);
        draw(x, 57, 1, 5);
        for (uint32_t b = 0; b < 3; b++)
            x[19 * b + 18] = (nn_real)(2 * b + 1);
        nn_real        dout[144];
        const nn_real *y = nn_forward(net.pass, net.theta, x, 3);
        for (size_t k = 0; k < 3 * net.out; k++)
            dout[k] = 2 * y[k];
        nn_backward(net.pass, net.grad, dx, net.theta, dout);
        for (uint32_t b = 0; b < 3; b++)
            expect_unpadded(cells[i / 2], uses[i % 2][1], &net, x + 19 * b, 2 * b + 1,
                            y + b * net.out, grad);
        for (size_t k = 0; k < net.params; k++)
            EXPECT_NEAR((double)net.grad[k], grad[k], 10 * exact * fmax(1, fabs(grad[k])));
        for (uint32_t b = 0; b < 3; b++)
            for (size_t k = 3 * (2 * b + 1); k < 19; k++)
                assert_true(dx[19 * b + k] == 0);
        net_close(&net);
    }
}

static void
a_length_of_zero_keeps_the_start(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0}, zero[2] = {0};
    open_cell(&net, "lstm", "x = input 3x3\nlength = input 1\n", "x length 2 output=last", 1);
    assert_memory_equal(nn_forward(net.pass, net.theta, x, 1), zero, sizeof zero);
    net_close(&net);
}

static void
one_step_from_zero_is_a_dense_layer(void **state)
{
    (void)state;
    struct net net, dense;
    nn_real    x[6], y[8];
    open_cell(&net, "rnn", "x = input 1x3\n", "x 4 output=last", 2);
    net_open(&dense, "x = input 3\nd = dense x 4\ny = tanh d\nl = mse y\n", 2);
    memcpy(dense.theta, net.theta, 12 * sizeof *net.theta);
    memcpy(dense.theta + 12, net.theta + 28, 4 * sizeof *net.theta);
    draw(x, 6, 1, 5);
    memcpy(y, nn_forward(net.pass, net.theta, x, 2), sizeof y);
    for (size_t k = 0; k < 8; k++)
        EXPECT_NEAR((double)nn_forward(dense.pass, dense.theta, x, 2)[k], (double)y[k], exact);
    net_close(&net);
    net_close(&dense);
}

/* An LSTM of one unit whose gates the input rules: x = (i, f, g), each as large as it takes. */
static void
open_ruled(struct net *net, const char *input)
{
    char text[96];
    (void)snprintf(text, sizeof text, "x = input %s\ny = lstm x 1 bias=no\nl = mse y\n", input);
    net_open(net, text, 1);
    memset(net->theta, 0, net->params * sizeof *net->theta);
    net->theta[0] = net->theta[4] = net->theta[8] = 1;
}

static void
open_forget_and_shut_input_keep_the_cell_for_a_thousand_steps(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[3000];
    open_ruled(&net, "1000x3");
    for (size_t s = 0; s < 1000; s++) {
        x[3 * s]     = s == 0 ? 1000 : -1000;
        x[3 * s + 1] = 1000;
        x[3 * s + 2] = s == 0 ? (nn_real)0.5 : (nn_real)-0.9;
    }
    const nn_real *y = nn_forward(net.pass, net.theta, x, 1);
    assert_true(y[0] > 0);
    for (size_t s = 1; s < 1000; s++)
        assert_true(y[s] == y[0]);
    net_close(&net);
}

static void
a_shut_forget_gate_has_no_memory(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[9] = {1, 5, 1, 1, 5, -1, 1, -1000, 1}, y, other;
    open_ruled(&net, "3x3");
    y     = nn_forward(net.pass, net.theta, x, 1)[2];
    x[2]  = -2;
    x[5]  = 2;
    other = nn_forward(net.pass, net.theta, x, 1)[2];
    assert_true(y == other);
    x[7]  = 0;
    other = nn_forward(net.pass, net.theta, x, 1)[2];
    assert_true(y != other);
    net_close(&net);
}

static void
the_order_of_steps_matters(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct net net;
        nn_real    x[6] = {1, 0, 0, 0, 1, 0}, turned[6] = {0, 1, 0, 1, 0, 0}, y[4];
        open_cell(&net, cells[i], "x = input 2x3\n", "x 4 output=last", 1);
        memcpy(y, nn_forward(net.pass, net.theta, x, 1), sizeof y);
        assert_memory_not_equal(nn_forward(net.pass, net.theta, turned, 1), y, sizeof y);
        net_close(&net);
    }
}

/* ---- embedding ---- */

static void
an_embedding_is_one_hot_records_times_its_weight(void **state)
{
    (void)state;
    struct net table, dense;
    nn_real    x[6] = {3, 0, 3, 4, 1, 3}, hot[30] = {0}, dout[24];
    net_open(&table, "x = input 3\ny = embedding x 5x4\nl = mse y\n", 2);
    net_open(&dense, "x = input 3x5\ny = dense x 4 bias=no\nl = mse y\n", 2);
    draw(table.theta, 20, 1, 2);
    for (size_t v = 0; v < 5; v++) /* (entries, numbers) is the transpose of (out, in) */
        for (size_t k = 0; k < 4; k++)
            dense.theta[5 * k + v] = table.theta[4 * v + k];
    for (size_t p = 0; p < 6; p++)
        hot[5 * p + (size_t)x[p]] = 1;
    fill(dout, 24, 1, 0);
    const nn_real *y = nn_forward(table.pass, table.theta, x, 2);
    const nn_real *z = nn_forward(dense.pass, dense.theta, hot, 2);
    for (size_t k = 0; k < 24; k++)
        assert_true(y[k] == z[k]);
    nn_backward(table.pass, table.grad, NULL, table.theta, dout);
    nn_backward(dense.pass, dense.grad, NULL, dense.theta, dout);
    for (size_t v = 0; v < 5; v++)
        for (size_t k = 0; k < 4; k++)
            EXPECT_NEAR((double)table.grad[4 * v + k], (double)dense.grad[5 * k + v],
                        NN_TEST_DOUBLE ? 1e-15 : 1e-6);
    for (size_t k = 0; k < 4; k++)
        assert_true(table.grad[8 + k] == 0);
    net_close(&table);
    net_close(&dense);
}

static void
what_is_no_entry_and_no_length_becomes_nan_and_is_named(void **state)
{
    (void)state;
    static const double bad[] = {-1, 5, 2.5, (double)NAN, 1e30, -0.01};
    for (size_t i = 0; i < 6; i++) {
        struct net net;
        nn_real    x[2] = {4, (nn_real)bad[i]};
        net_open(&net, "x = input 2\ne = embedding x 5x3\nh = tanh e\nl = mse h\n", 1);
        const nn_real *y = nn_forward(net.pass, net.theta, x, 1);
        assert_true(isfinite(y[2]) && isnan(y[3]));
        assert_string_equal(nn_first_not_finite(net.pass), isnan(bad[i]) ? "x" : "e");
        net_close(&net);
    }
    for (size_t i = 0; i < 6; i++) {
        static const char *const lines[] = {"y = lstm x length 2\n",
                                            "y = gru x length 2 output=last\n",
                                            "y = last x length\n", "y = reverse x length\n"};
        for (size_t k = 0; k < 4; k++) {
            struct net net;
            char       text[160];
            nn_real    x[14] = {1, 1, 1, 1, 1, 1, (nn_real)bad[i], 1, 1, 1, 1, 1, 1, 2};
            (void)snprintf(
                text, sizeof text,
                "x = input 3x2\nlength = input 1\nq = dense x 2\n%sl = mse y\nm = mse q\n",
                lines[k]);
            net_open(&net, text, 2);
            const nn_real *y = nn_forward(net.pass, net.theta, x, 2);
            assert_true(isnan(y[0]) && isfinite(y[net.out]));
            net_close(&net);
        }
    }
}

/* ---- tensors ---- */

static void
tensors_have_the_names_of_pytorch(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t    dims, first, second;
        bool        decay;
    } rows[] = {
        {"g.weight_ih_l0", 2, 12, 3, true},         {"g.weight_hh_l0", 2, 12, 4, true},
        {"g.bias_ih_l0", 1, 12, 0, false},          {"g.bias_hh_l0", 1, 12, 0, false},
        {"g.weight_ih_l0_reverse", 2, 12, 3, true}, {"g.weight_hh_l0_reverse", 2, 12, 4, true},
        {"g.bias_ih_l0_reverse", 1, 12, 0, false},  {"g.bias_hh_l0_reverse", 1, 12, 0, false},
        {"m.weight_ih_l0_reverse", 2, 20, 8, true}, {"m.weight_hh_l0_reverse", 2, 20, 5, true},
        {"m.bias_ih_l0_reverse", 1, 20, 0, false},  {"r.weight_ih_l0", 2, 2, 5, true},
        {"r.weight_hh_l0", 2, 2, 2, true}};
    struct net net;
    net_open(&net,
             "x = input 6x3\ng = gru x 4 direction=both\nm = lstm g 5 direction=backward\n"
             "r = rnn m 2 bias=no\nl = mse r\n",
             1);
    size_t                  count, offset = 0;
    const struct nn_tensor *row = nn_plan_manifest(net.plan, &count);
    assert_int_equal(count, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < count; i++, row++) {
        assert_string_equal(row->name, rows[i].name);
        assert_int_equal(row->dims, rows[i].dims);
        assert_int_equal(row->dim[0], rows[i].first);
        assert_int_equal(row->dim[1], rows[i].second);
        assert_int_equal(row->decay, rows[i].decay);
        assert_int_equal(row->offset, offset);
        offset += row->count;
    }
    net_close(&net);
}

static void
weights_start_as_the_options_say(void **state)
{
    (void)state;
    struct net net;
    net_open(&net, "x = input 4x3\ny = lstm x 5 forget=2.5\nl = mse y\n", 1);
    const nn_real *bias = net.theta + tensor_of(&net, "y.bias_ih_l0")->offset;
    for (size_t k = 0; k < 20; k++)
        assert_true(bias[k] == (k >= 5 && k < 10 ? (nn_real)2.5 : 0));
    const nn_real *w    = net.theta + tensor_of(&net, "y.weight_ih_l0")->offset;
    double         most = 0;
    for (size_t k = 0; k < 60; k++)
        most = fmax(most, fabs((double)w[k]));
    assert_true(most <= sqrt(6.0 / 8) && most > sqrt(6.0 / 8) * 0.8); /* xavier, gate by gate */
    net_close(&net);
    net_open(&net, "x = input 4x3\ny = gru x 16 init=torch recurrent=torch\nl = mse y\n", 1);
    most = 0;
    for (size_t k = 0; k < net.params; k++)
        most = fmax(most, fabs((double)net.theta[k]));
    assert_true(most <= 0.25 && most > 0.245);
    bias = net.theta + tensor_of(&net, "y.bias_hh_l0")->offset;
    assert_true(bias[0] != 0 && bias[47] != 0);
    net_close(&net);
}

static void
layers_over_sequences_refuse_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"x = input 12\ny = lstm x 4\n", "model:2:1: lstm reads a sequence, steps x numbers"},
        {"x = input 3x4x5\ny = gru x 4\n",
         "such as `input 40x12`, but a value of x has 3 dimensions"},
        {"x = input 4x3\nn = input 2\ny = rnn x n 4\n",
         "model:3:1: the second input of rnn is the length of the record, one number, but n has 2"},
        {"x = input 4x3\ny = lstm x\n", "lstm needs a size here"},
        {"x = input 4x3\ny = lstm x 4 direction=sideways\n",
         "direction: expected one of forward, backward, both; seen 'sideways'"},
        {"x = input 4x3\ny = gru x 4 forget=1\n", "gru has no option 'forget'"},
        {"x = input 4\ny = embedding x 5\n", "expected the size of the table, entries x numbers"},
        {"x = input 4x2\ny = embedding x 5x3\n", "but x has 2 numbers at each"},
        {"x = input 4\ny = last x\n", "last reads a sequence"},
        {"x = input 4\ny = reverse x\n", "reverse reads a sequence"},
        {"x = input 5000x3\ny = lstm x 10000\n", "expected a value of at most 16777216 numbers"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_plan *plan = NULL;
        struct pn_error why  = {.text = ""};
        char            text[256];
        (void)snprintf(text, sizeof text, "%sl = mse y\n", cases[i].text);
        EXPECT_STATUS(PN_ECONFIG, nn_plan_new(&plan, text, strlen(text), &why));
        if (strstr(why.text, cases[i].says) == NULL)
            fail_msg("expected ...%s..., seen %s", cases[i].says, why.text);
    }
}

static void
evaluation_gives_the_values_of_training_in_less_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct net net;
        size_t     train, evaluate;
        nn_real    x[3 * 31], y[3 * 80];
        open_cell(&net, cells[i], "x = input 10x3\nlength = input 1\n", "x length 4 direction=both",
                  3);
        draw(x, 93, 1, 5);
        for (size_t b = 0; b < 3; b++)
            x[31 * b + 30] = (nn_real)(10 - 3 * b);
        EXPECT_OK(nn_pass_bytes(&train, net.plan, 3, NN_TRAIN));
        EXPECT_OK(nn_pass_bytes(&evaluate, net.plan, 3, NN_EVALUATE));
        assert_true(evaluate < train);
        void           *block = nn_block(evaluate);
        struct nn_pass *pass  = nn_pass_init(block, net.plan, 3, NN_EVALUATE);
        memcpy(y, nn_forward(net.pass, net.theta, x, 3), sizeof y);
        assert_memory_equal(nn_forward(pass, net.theta, x, 3), y, sizeof y);
        free(block);
        net_close(&net);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens_of_rnn_lstm_and_gru_hold_with_all_gradients),
        cmocka_unit_test(both_directions_over_unequal_lengths_equal_packed_sequences),
        cmocka_unit_test(pieces_with_carried_state_equal_one_pass),
        cmocka_unit_test(gradients_of_a_piece_end_at_its_start),
        cmocka_unit_test(another_number_of_rows_starts_from_zero),
        cmocka_unit_test(reversed_input_gives_the_reversed_swap),
        cmocka_unit_test(a_direction_backward_is_reverse_forward_reverse),
        cmocka_unit_test(padded_batches_equal_unpadded_records),
        cmocka_unit_test(a_length_of_zero_keeps_the_start),
        cmocka_unit_test(one_step_from_zero_is_a_dense_layer),
        cmocka_unit_test(open_forget_and_shut_input_keep_the_cell_for_a_thousand_steps),
        cmocka_unit_test(a_shut_forget_gate_has_no_memory),
        cmocka_unit_test(the_order_of_steps_matters),
        cmocka_unit_test(an_embedding_is_one_hot_records_times_its_weight),
        cmocka_unit_test(what_is_no_entry_and_no_length_becomes_nan_and_is_named),
        cmocka_unit_test(tensors_have_the_names_of_pytorch),
        cmocka_unit_test(weights_start_as_the_options_say),
        cmocka_unit_test(layers_over_sequences_refuse_what_is_none),
        cmocka_unit_test(evaluation_gives_the_values_of_training_in_less_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
