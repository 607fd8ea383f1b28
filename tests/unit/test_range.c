/* A part of a plan runs as it does in the whole: split models, taps, a network cut in two. */
#include "nnlib/layer.h"

#include "support/nn.h"

enum {
    BATCH = 3
};

static const char text[] = "x = input 4\nh = dense x 5\na = tanh h\nc = dense a 3\nr = relu c\n"
                           "s = add c r\no = dense s 2\nl = cce_logits o\n";

static void
two_halves_are_the_whole(void **state)
{
    (void)state;
    struct net      whole, front, back;
    struct nn_range lower, upper;
    struct pn_error why;
    nn_real         x[BATCH * 4], target[BATCH] = {0, 1, 1}, dx[BATCH * 4], cut[BATCH * 3];
    nn_real         dcut[BATCH * 3], dx2[BATCH * 4];
    net_open(&whole, text, BATCH);
    net_open(&front, text, BATCH);
    net_open(&back, text, BATCH);
    fill(x, BATCH * 4, 1, 3);
    EXPECT_OK(nn_range_find(&lower, whole.plan, NULL, "c", &why));
    EXPECT_OK(nn_range_find(&upper, whole.plan, "c", NULL, &why));

    struct nn_batch batch = {x, target, NULL, BATCH};
    (void)nn_gradient(whole.pass, whole.grad, dx, whole.theta, &batch);
    uint32_t       size;
    const nn_real *dout = nn_tap_gradient(whole.pass, "o", &size);
    assert_int_equal(size, 2);

    memset(front.grad, 0, front.params * sizeof *front.grad);
    const nn_real *at_cut = nn_forward_range(front.pass, front.theta, lower, x, BATCH);
    memcpy(cut, at_cut, sizeof cut);
    const nn_real *out = nn_forward_range(back.pass, front.theta, upper, cut, BATCH);
    assert_memory_equal(out, nn_tap(whole.pass, "o", &size), BATCH * 2 * sizeof *out);
    nn_backward_range(back.pass, front.grad, dcut, front.theta, upper, dout);
    nn_backward_range(front.pass, front.grad, dx2, front.theta, lower, dcut);
    assert_memory_equal(front.grad, whole.grad, whole.params * sizeof *whole.grad);
    assert_memory_equal(dx2, dx, sizeof dx);
    net_close(&whole);
    net_close(&front);
    net_close(&back);
}

static void
a_cut_that_something_goes_around_is_refused(void **state)
{
    (void)state;
    struct net      net;
    struct nn_range range;
    struct pn_error why;
    net_open(&net, text, BATCH);
    EXPECT_STATUS(PN_ECONFIG, nn_range_find(&range, net.plan, "r", "o", &why));
    EXPECT_SAYS(&why, "the model cannot be cut at 'r': 's' also uses 'c'");
    EXPECT_STATUS(PN_ECONFIG, nn_range_find(&range, net.plan, "o", "c", &why));
    EXPECT_SAYS(&why, "expected 'o' above 'c'");
    EXPECT_STATUS(PN_ENOENT, nn_range_find(&range, net.plan, "nobody", NULL, &why));
    EXPECT_SAYS(&why, "no layer named 'nobody'");
    net_close(&net);
}

static void
the_first_value_that_is_not_finite_is_named(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[BATCH * 4];
    net_open(&net, text, BATCH);
    fill(x, BATCH * 4, 1, 3);
    assert_null(nn_first_not_finite(net.pass));
    (void)nn_forward(net.pass, net.theta, x, BATCH);
    assert_null(nn_first_not_finite(net.pass));
    net.theta[4 * 5 + 5] = (nn_real)NAN; /* c.weight[0] */
    (void)nn_forward(net.pass, net.theta, x, BATCH);
    assert_string_equal(nn_first_not_finite(net.pass), "c");
    net_close(&net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_halves_are_the_whole),
        cmocka_unit_test(a_cut_that_something_goes_around_is_refused),
        cmocka_unit_test(the_first_value_that_is_not_finite_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
