#include "nnlib/loss.h"
#include "nnlib/weigh.h"
#include "support/nn.h"
#include "vectors/goldens.h"

static void
balanced_weights_give_every_class_the_same_say(void **state)
{
    (void)state;
    uint64_t counts[3] = {90, 9, 1};
    double   w[3], sum = 0;
    EXPECT_OK(nn_weigh_balanced(w, counts, 3));
    for (int k = 0; k < 3; k++) {
        EXPECT_NEAR(w[k] * (double)counts[k], 100.0 / 3, 1e-12);
        sum += w[k] * (double)counts[k];
    }
    EXPECT_NEAR(sum, 100, 1e-12);
    counts[1] = 0;
    EXPECT_OK(nn_weigh_balanced(w, counts, 3));
    assert_true(w[1] == 0);
    uint64_t none[2] = {0};
    EXPECT_STATUS(PN_EDATA, nn_weigh_balanced(w, none, 2));
    EXPECT_STATUS(PN_EDATA, nn_weigh_effective(w, none, 2, 0.9));
}

static void
effective_weights_lie_between_none_and_balanced(void **state)
{
    (void)state;
    uint64_t counts[2] = {900, 100};
    double   w[2], balanced[2];
    EXPECT_OK(nn_weigh_balanced(balanced, counts, 2));
    EXPECT_OK(nn_weigh_effective(w, counts, 2, 0));
    EXPECT_NEAR(w[0], 1, 1e-12);
    EXPECT_NEAR(w[1], 1, 1e-12);
    EXPECT_OK(nn_weigh_effective(w, counts, 2, 0.99));
    assert_true(w[1] > 1 && w[1] < balanced[1]);
    EXPECT_NEAR(0.9 * w[0] + 0.1 * w[1], 1, 1e-12);
    EXPECT_OK(nn_weigh_effective(w, counts, 2, 0.9999999));
    EXPECT_NEAR(w[1], balanced[1], 1e-3);
}

/* The golden of cross-entropy with class weights 1 2 3 4, in PyTorch's form and in Keras's. */
static void
class_weights_in_a_loss_equal_the_golden(void **state)
{
    (void)state;
    double                     class_weights[4] = {1, 2, 3, 4};
    nn_real                    z[12], t[3] = {0, 3, 1}, w[3];
    _Alignas(8) unsigned char  options[NN_OPTIONS_MAX] = {0};
    const struct nn_loss_kind *kind                    = &nn_cce_logits_kind;
    struct nn_loss_call        call = {.options = options, .output = z, .target = t, .weight = w};
    call.rows                       = 3;
    call.size                       = 4;
    fill(z, 12, 2, 0);
    EXPECT_OK(nn_weigh_records(w, NULL, t, 3, class_weights, 4));
    nn_options_default(options, kind->options);
    EXPECT_NEAR(kind->value(&call), golden_ce[1].v, 1e-9);
    const struct nn_option *reduce = nn_option_find(kind->options, "reduce", 6);
    assert_true(nn_option_set(options, reduce, "rows", 4));
    EXPECT_NEAR(kind->value(&call), golden_ce[1].v * 7 / 3, 1e-9);
}

static void
records_get_the_weight_of_their_class(void **state)
{
    (void)state;
    double   weights[2] = {0.5, 4};
    uint64_t counts[2];
    nn_real  t[4] = {0, 1, 1, (nn_real)0.25}, base[4] = {1, 2, 0, 1}, w[4] = {9, 9, 9, 9};
    EXPECT_OK(nn_weigh_records(w, base, t, 4, weights, 2));
    assert_true((double)w[0] == 0.5 && (double)w[1] == 8 && (double)w[2] == 0);
    EXPECT_NEAR((double)w[3], 0.75 * 0.5 + 0.25 * 4, 1e-12); /* a soft label */
    EXPECT_OK(nn_weigh_records(base, base, t, 4, weights, 2));
    assert_true((double)base[1] == 8);
    EXPECT_OK(nn_weigh_count(counts, 2, t, 3));
    assert_true(counts[0] == 1 && counts[1] == 2);
    EXPECT_STATUS(PN_EDATA, nn_weigh_count(counts, 2, t, 4));
    t[0] = 2;
    EXPECT_STATUS(PN_EDATA, nn_weigh_records(w, NULL, t, 4, weights, 2));
    assert_true((double)w[0] == 0.5); /* untouched */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(balanced_weights_give_every_class_the_same_say),
        cmocka_unit_test(effective_weights_lie_between_none_and_balanced),
        cmocka_unit_test(class_weights_in_a_loss_equal_the_golden),
        cmocka_unit_test(records_get_the_weight_of_their_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
