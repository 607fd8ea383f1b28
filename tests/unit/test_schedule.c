#include "nnlib/average.h"
#include "nnlib/schedule.h"
#include "support/nn.h"
#include "vectors/goldens.h"
#include "vectors/optimisers.h"

static struct nn_schedule
schedule_of(const char *text)
{
    struct nn_schedule schedule;
    struct pn_error    why = {.text = ""};
    if (nn_schedule_parse(&schedule, text, &why) != PN_OK)
        fail_msg("%s: %s", text, why.text);
    return schedule;
}

static void
rates_equal_pytorch_and_the_goldens(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof sched_vectors / sizeof sched_vectors[0]; v++) {
        struct nn_schedule schedule = schedule_of(sched_vectors[v].text);
        uint64_t           total    = strncmp(sched_vectors[v].text, "onecycle", 8) == 0 ? 21 : 20;
        for (uint64_t k = 0; k < 20; k++)
            expect_near(nn_schedule_rate(&schedule, 0.2, k, total), sched_vectors[v].rates[k],
                        1e-12, sched_vectors[v].text, (size_t)k, __FILE__, __LINE__);
    }
    for (size_t v = 0; v < sizeof golden_sched / sizeof golden_sched[0]; v++) {
        struct nn_schedule schedule = schedule_of(golden_sched[v].text);
        for (uint64_t k = 0; k < 10; k++)
            expect_near(nn_schedule_rate(&schedule, golden_sched[v].base, k, 10),
                        golden_sched[v].rates[k], 1e-9, golden_sched[v].text, (size_t)k, __FILE__,
                        __LINE__);
    }
}

static void
rates_stay_within_zero_and_the_base_far_beyond_the_end(void **state)
{
    (void)state;
    static const char *const texts[] = {"constant",
                                        "step",
                                        "exp",
                                        "linear",
                                        "cosine",
                                        "restarts times=1.5",
                                        "onecycle",
                                        "constant warmup=3",
                                        "onecycle rise=0",
                                        "onecycle rise=1",
                                        "restarts",
                                        "cosine warmup=50"};
    static const uint64_t    steps[] = {0, 1, 19, 20, 21, 1000, UINT64_MAX};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++)
            for (uint64_t total = 0; total <= 20; total += 10) {
                struct nn_schedule schedule = schedule_of(texts[i]);
                double             rate     = nn_schedule_rate(&schedule, 2, steps[k], total);
                if (!(rate >= 0 && rate <= 2 + 1e-12))
                    fail_msg("%s at %llu of %llu: %g", texts[i], (unsigned long long)steps[k],
                             (unsigned long long)total, rate);
            }
}

static void
refusals_are_sentences(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {{"", "schedule: expected one of constant, step, exp, linear, cosine, restarts, "
                    "onecycle; seen ''"},
               {"cosinus", "seen 'cosinus'"},
               {"step every=0", "every: expected a number 1..1e+12, seen '0'"},
               {"step floor=0.1", "step understands key=value"},
               {"step every", "not 'every'"},
               {"exp factor=inf", "factor: expected a number 0..1"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct nn_schedule schedule = {.over = 42};
        struct pn_error    why      = {.text = ""};
        EXPECT_STATUS(PN_ECONFIG, nn_schedule_parse(&schedule, bad[i].text, &why));
        EXPECT_SAYS(&why, bad[i].says);
        assert_true(schedule.over == 42);
    }
}

static void
plateau_equals_pytorch(void **state)
{
    (void)state;
    struct nn_plateau plateau = {
        .factor = 0.5, .threshold = 1e-4, .floor = 0.1, .patience = 2, .cooldown = 1};
    struct nn_plateau up = plateau;
    up.larger_is_better  = true;
    for (size_t k = 0; k < 20; k++) {
        EXPECT_NEAR(nn_plateau_step(&plateau, plateau_metric[k]), plateau_share[k], 1e-15);
        EXPECT_NEAR(nn_plateau_step(&up, 1 / plateau_metric[k]), plateau_share[k], 1e-15);
    }
    struct nn_plateau nan = plateau;
    nan.begun             = false;
    nan.bad = nan.resting = 0;
    for (int k = 0; k < 2; k++)
        EXPECT_NEAR(nn_plateau_step(&nan, (double)NAN), 1, 0);
}

static void
stopping_waits_for_its_patience_and_knows_the_best_step(void **state)
{
    (void)state;
    static const double metrics[] = {0.5, 0.6, 0.605, 0.55, 0.7, (double)NAN, 0.69, 0.7};
    static const enum nn_stopping_answer answers[] = {
        NN_STOPPING_IMPROVED, NN_STOPPING_IMPROVED, NN_STOPPING_GO_ON, NN_STOPPING_GO_ON,
        NN_STOPPING_IMPROVED, NN_STOPPING_GO_ON,    NN_STOPPING_GO_ON, NN_STOPPING_STOP};
    struct nn_stopping up = {.patience = 3, .min_delta = 0.01}, down = up;
    down.smaller_is_better = true;
    for (size_t k = 0; k < 8; k++) {
        assert_int_equal(nn_stopping_step(&up, metrics[k]), answers[k]);
        assert_int_equal(nn_stopping_step(&down, -metrics[k]), answers[k]);
    }
    assert_int_equal(up.best_step, 5);
    assert_true(up.best == 0.7);
    struct nn_stopping hopeless = {.patience = 2};
    assert_int_equal(nn_stopping_step(&hopeless, (double)NAN), NN_STOPPING_GO_ON);
    assert_int_equal(nn_stopping_step(&hopeless, (double)NAN), NN_STOPPING_STOP);
}

static void
averages_follow_their_formulas(void **state)
{
    (void)state;
    nn_real theta[2], ema[2] = {99, 99}, mean[2] = {99, 99};
    double  by_hand = 0, sum = 0;
    for (uint64_t n = 0; n < 6; n++) {
        theta[0] = (nn_real)(n * n);
        theta[1] = (nn_real)(10 - (double)n);
        nn_average_exponential(ema, theta, 2, 0.9, n);
        nn_average_polyak(mean, theta, 2, n);
        by_hand = n == 0 ? (double)theta[0] : 0.9 * by_hand + 0.1 * (double)theta[0];
        sum += (double)theta[0];
        EXPECT_NEAR((double)ema[0], by_hand, 1e-5);
        EXPECT_NEAR((double)mean[0], sum / (double)(n + 1), 1e-5);
    }
    EXPECT_NEAR((double)mean[1], 7.5, 1e-5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_equal_pytorch_and_the_goldens),
        cmocka_unit_test(rates_stay_within_zero_and_the_base_far_beyond_the_end),
        cmocka_unit_test(refusals_are_sentences),
        cmocka_unit_test(plateau_equals_pytorch),
        cmocka_unit_test(stopping_waits_for_its_patience_and_knows_the_best_step),
        cmocka_unit_test(averages_follow_their_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
