/* Values put together and taken apart. */
#include "support/nn.h"

#include "nnlib/layer.h"

/* The value of layer `y` for x; a PReLU of slope 1 behind it makes a plan that can learn. */
static void
expect_y(const char *text, const nn_real *x, uint32_t rows, const nn_real *expected)
{
    struct net net;
    char       whole[512];
    uint32_t   size;
    (void)snprintf(whole, sizeof whole, "%so = prelu y start=1\nl = mse o\n", text);
    net_open(&net, whole, rows);
    (void)nn_forward(net.pass, net.theta, x, rows);
    const nn_real *y = nn_tap(net.pass, "y", &size);
    for (size_t k = 0; k < (size_t)rows * size; k++)
        expect_near((double)y[k], (double)expected[k], 0, text, k, __FILE__, __LINE__);
    net_close(&net);
}

static void
concat_puts_channels_one_after_another(void **state)
{
    (void)state;
    static const nn_real flat[]   = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const nn_real turned[] = {4, 5, 1, 2, 3, 9, 10, 6, 7, 8};
    expect_y("a = input 3\nb = input 2\ny = concat b a\n", flat, 2, turned);
    /* (T, F): at each position */
    static const nn_real series[] = {1, 2, 3, 4, 5, 6};
    static const nn_real joined[] = {1, 2, 5, 3, 4, 6};
    expect_y("a = input 2x2\nb = input 2x1\ny = concat a b\n", series, 1, joined);
    /* (C, H, W): image after image */
    static const nn_real images[]  = {1, 2, 3, 4, 5, 6};
    static const nn_real stacked[] = {5, 6, 1, 2, 3, 4};
    expect_y("a = input 2x1x2\nb = input 1x1x2\ny = concat b a\n", images, 1, stacked);
}

static void
slice_takes_channels(void **state)
{
    (void)state;
    static const nn_real x[]    = {1, 2, 3, 4, 5, 6, 7, 8};
    static const nn_real flat[] = {2, 3, 6, 7}, series[] = {2, 4, 6, 8}, image[] = {3, 4, 7, 8};
    expect_y("x = input 4\ny = slice x 2 from=1\n", x, 2, flat);
    expect_y("x = input 4x2\ny = slice x 1 from=1\n", x, 1, series);
    expect_y("x = input 2x1x2\ny = slice x 1 from=1\n", x, 2, image);
}

static void
slices_of_a_value_join_to_the_value(void **state)
{
    (void)state;
    static const char *const sizes[] = {"7", "3x7", "7x2x3"};
    for (int i = 0; i < 3; i++) {
        char    text[256];
        nn_real x[2 * 42];
        (void)snprintf(text, sizeof text,
                       "x = input %s\na = slice x 2\nb = slice x 4 from=2\nc = slice x 1 from=6\n"
                       "y = concat a b c\n",
                       sizes[i]);
        fill(x, 2 * 42, 1, 0);
        expect_y(text, x, 2, x);
    }
}

static void
multiply_and_scale_do_what_they_say(void **state)
{
    (void)state;
    static const nn_real x[] = {1, -2, 3, 4, 5, 6}, product[] = {4, -10, 18};
    static const nn_real squares[] = {1, 4, 9, 16, 25, 36},
                         halves[]  = {-0.5, 1, -1.5, -2, -2.5, -3};
    expect_y("a = input 3\nb = input 3\ny = multiply a b\n", x, 1, product);
    expect_y("a = input 2x3\ny = multiply a a\n", x, 1, squares);
    expect_y("a = input 3\ny = scale a by=-0.5\n", x, 2, halves);
}

static void
values_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a = input 3x2\nb = input 2x2\ny = concat a b\nl = mse y\n",
         "model:3:1: y joins channels, but a and b differ in more than their number"},
        {"a = input 3x2\nb = input 6\ny = concat a b\nl = mse y\n",
         "model:3:1: y joins channels, but a and b differ in more than their number"},
        {"a = input 3\ny = slice a 2 from=2\nl = mse y\n",
         "model:2:1: y takes channels 2..3, but a has only 3 (0..2)"},
        {"a = input 3\ny = slice a 4294967295 from=2\nl = mse y\n",
         "model:2:13: expected a size 1..16777216, seen '4294967295'"},
        {"a = input 2x3\nb = input 3x2\ny = multiply a b\nl = mse y\n",
         "model:3:1: y multiplies values of one shape, but a has 6 numbers and b has 6, or they "
         "are "
         "arranged otherwise"},
        {"a = input 3\ny = multiply a\nl = mse y\n",
         "model:2:15: multiply needs 2 inputs: the name "
         "of a layer above"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_plan *plan;
        struct pn_error why;
        assert_int_equal(nn_plan_new(&plan, cases[i][0], strlen(cases[i][0]), &why), PN_ECONFIG);
        assert_string_equal(why.text, cases[i][1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(concat_puts_channels_one_after_another),
        cmocka_unit_test(slice_takes_channels),
        cmocka_unit_test(slices_of_a_value_join_to_the_value),
        cmocka_unit_test(multiply_and_scale_do_what_they_say),
        cmocka_unit_test(values_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
