/* Exact answers that searches must reach: ridge regression, and minima for evolution. */
#include "nnlib/evolve.h"
#include "nnlib/ridge.h"
#include "support/nn.h"

enum {
    ROWS     = 60,
    FEATURES = 4,
    SUMS     = 64
};

static void
make_records(nn_real *x, nn_real *y)
{
    for (size_t r = 0; r < ROWS; r++) {
        double sum = 0.3;
        for (size_t j = 0; j < FEATURES; j++) {
            x[r * FEATURES + j] = (nn_real)sin((double)(r * (j + 2) * (j + 1) + j));
            sum += (double)x[r * FEATURES + j] * ((double)j - 1.5);
        }
        y[r] = (nn_real)(sum + 0.1 * sin(17.0 * (double)r));
    }
}

static void
sums_of_sites_give_the_pooled_regression(void **state)
{
    (void)state;
    static const size_t cuts[] = {0, 1, 21, ROWS};
    nn_real             x[ROWS * FEATURES], y[ROWS];
    double              pooled[SUMS] = {0}, merged[SUMS] = {0}, w[FEATURES + 1], v[FEATURES + 1];
    assert_true(nn_ridge_count(FEATURES) <= SUMS);
    make_records(x, y);
    nn_ridge_add(pooled, x, y, NULL, ROWS, FEATURES);
    for (int p = 0; p < 3; p++) {
        double site[SUMS] = {0};
        nn_ridge_add(site, x + cuts[p] * FEATURES, y + cuts[p], NULL, cuts[p + 1] - cuts[p],
                     FEATURES);
        nn_ridge_merge(merged, site, FEATURES);
    }
    EXPECT_OK(nn_ridge_solve(w, pooled, FEATURES, 0.01));
    EXPECT_OK(nn_ridge_solve(v, merged, FEATURES, 0.01));
    for (int k = 0; k <= FEATURES; k++)
        EXPECT_NEAR(v[k], w[k], 1e-12);
}

static void
gradient_descent_converges_to_the_closed_form(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[ROWS * FEATURES], y[ROWS];
    double     sums[SUMS] = {0}, w[FEATURES + 1];
    make_records(x, y);
    nn_ridge_add(sums, x, y, NULL, ROWS, FEATURES);
    EXPECT_OK(nn_ridge_solve(w, sums, FEATURES, 0.05));
    net_open(&net, "x = input 4\no = dense x 1\nl = mse o\n", ROWS);
    struct nn_optimiser_config config;
    struct pn_error            why;
    EXPECT_OK(nn_optimiser_parse(&config, "sgd rate=0.3 l2=0.1", &why)); /* mse: l2 is 2 l */
    struct nn_batch batch = {x, y, NULL, ROWS};
    for (uint64_t step = 1; step <= 500; step++) {
        (void)nn_gradient(net.pass, net.grad, NULL, net.theta, &batch);
        nn_optimiser_step(net.theta, NULL, net.grad, net.plan, &config, step);
    }
    for (int k = 0; k <= FEATURES; k++)
        EXPECT_NEAR((double)net.theta[k], w[k], 1e-8);
    net_close(&net);
}

static void
without_a_penalty_the_line_is_found_exactly(void **state)
{
    (void)state;
    nn_real x[] = {0, 1, 2, 3}, y[] = {1, 3, 5, 7}, weight[] = {1, 2, 0, 1};
    double  sums[8] = {0}, w[2];
    nn_ridge_add(sums, x, y, weight, 4, 1);
    EXPECT_OK(nn_ridge_solve(w, sums, 1, 0));
    EXPECT_NEAR(w[0], 2, 1e-12);
    EXPECT_NEAR(w[1], 1, 1e-12);
}

static void
what_has_no_answer_is_refused(void **state)
{
    (void)state;
    double  sums[SUMS] = {0}, w[3] = {42, 42, 42};
    nn_real x[] = {1, 2, 2, 4, 3, 6}, y[] = {1, 2, 3}; /* the second column is twice the first */
    EXPECT_STATUS(PN_EDATA, nn_ridge_solve(w, sums, 2, 1));
    nn_ridge_add(sums, x, y, NULL, 3, 2);
    EXPECT_STATUS(PN_EDATA, nn_ridge_solve(w, sums, 2, 0));
    assert_true(w[0] == 42);
    memset(sums, 0, sizeof sums);
    nn_ridge_add(sums, x, y, NULL, 3, 2);
    EXPECT_OK(nn_ridge_solve(w, sums, 2, 1e-3));
}

static void
evolution_finds_the_bottom_of_a_sphere(void **state)
{
    (void)state;
    nn_real             x[10], child[10];
    double              fitness[40], value = 1;
    struct nn_evolution e = {.count = 10, .step = 1, .parents = 10, .children = 40};
    pn_rng_init(&e.rng, 3);
    for (int k = 0; k < 10; k++)
        x[k] = (nn_real)(k - 4);
    while (value > 1e-6 && e.generation < 1000) {
        for (uint32_t i = 0; i < 40; i++) {
            fitness[i] = 0;
            nn_evolve_child(child, &e, x, i);
            for (int k = 0; k < 10; k++)
                fitness[i] += (double)child[k] * (double)child[k];
        }
        fitness[e.generation % 40] = (double)NAN; /* a child whose evaluation failed is no parent */
        nn_evolve_next(x, &e, fitness, child);
        value = 0;
        for (int k = 0; k < 10; k++)
            value += (double)x[k] * (double)x[k];
    }
    assert_true(value <= 1e-6);
}

/* Everybody who knows the seed and the fitness gets the same parent, bit for bit. */
static void
numbers_and_fitness_are_all_that_members_need(void **state)
{
    (void)state;
    nn_real             a[6] = {1, 2, 3, 4, 5, 6}, b[6], mean[6] = {0}, child[6];
    double              fitness[8];
    struct nn_evolution e = {.count = 6, .step = 0.5, .parents = 3, .children = 8}, f;
    pn_rng_init(&e.rng, 9);
    f = e;
    memcpy(b, a, sizeof b);
    for (uint32_t i = 0; i < 8; i++)
        fitness[i] = i % 3 == 1 ? i : 100 + i; /* 1, 4 and 7 are the best */
    for (uint32_t i = 1; i < 8; i += 3) {
        nn_evolve_child(child, &e, a, i);
        for (int k = 0; k < 6; k++)
            mean[k] += child[k] / 3;
    }
    nn_evolve_next(a, &e, fitness, child);
    nn_evolve_next(b, &f, fitness, child);
    assert_memory_equal(a, b, sizeof a);
    assert_true(e.step == f.step && e.generation == 1);
    for (int k = 0; k < 6; k++)
        EXPECT_NEAR((double)a[k], (double)mean[k], 1e-12);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_sites_give_the_pooled_regression),
        cmocka_unit_test(gradient_descent_converges_to_the_closed_form),
        cmocka_unit_test(without_a_penalty_the_line_is_found_exactly),
        cmocka_unit_test(what_has_no_answer_is_refused),
        cmocka_unit_test(evolution_finds_the_bottom_of_a_sphere),
        cmocka_unit_test(numbers_and_fitness_are_all_that_members_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
