/* Linked with --wrap for the allocator (see CMakeLists). */
#include "nnlib/team.h"

#include "nnlib/layer.h"
#include "support/allocations.h"
#include "support/nn.h"

static const char mlp[] = "x = input 6\nfc1 = dense x 40\na1 = relu fc1\n"
                          "fc2 = dense a1 24 role=frozen\na2 = tanh fc2\n"
                          "out = dense a2 3 init=xavier\nloss = cce_logits out\n";
enum {
    ROWS   = 37,
    PARAMS = 2000
};
static nn_real row_x[ROWS * 6], row_t[ROWS], row_w[ROWS];

static struct nn_batch
batch_of(uint32_t rows, bool weighted)
{
    fill(row_x, (size_t)ROWS * 6, 1, 0);
    for (int b = 0; b < ROWS; b++) {
        row_t[b] = (nn_real)(b % 3);
        row_w[b] = (nn_real)(b % 4);
    }
    return (struct nn_batch){row_x, row_t, weighted ? row_w : NULL, rows};
}

static struct nn_team *
team_of(const struct net *net, uint32_t shards, uint32_t workers)
{
    struct nn_team *team;
    struct pn_error why = {.text = ""};
    EXPECT_OK(nn_team_new(&team, net->plan, (struct nn_team_size){ROWS, shards, workers}, &why));
    return team;
}

/* Layers whose gradient comes unit by unit, in one piece, and of weights that two layers share. */
static const char *const nets[] = {
    mlp,
    "x = input 6\nr = reshape x 1x2x3\nc = conv2d r 4 kernel=2 pad=1\na1 = relu c\nf = flatten a1\n"
    "fc = dense f 30\ng = layer_norm fc\na2 = tanh g\nout = dense a2 3 bias=no\nloss = cce_logits "
    "out\n",
    "x = input 6\ncode = dense x 4\na = tanh code\nback = tied a code\nout = dense back 3\n"
    "loss = cce_logits out\n"};

static void
one_part_gives_the_bits_of_a_pass_and_more_parts_nearly(void **state)
{
    (void)state;
    struct nn_batch batch = batch_of(ROWS, true);
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        struct net net;
        nn_real    whole[PARAMS];
        net_open(&net, nets[i], ROWS);
        assert_true(net.params <= PARAMS);
        double loss = nn_gradient(net.pass, whole, NULL, net.theta, &batch);
        for (uint32_t shards = 1; shards <= 64; shards *= 2) {
            struct nn_team *team = team_of(&net, shards, 1);
            EXPECT_NEAR(nn_team_gradient(team, net.grad, net.theta, &batch), loss, 1e-6);
            for (size_t k = 0; k < net.params; k++)
                EXPECT_NEAR((double)net.grad[k], (double)whole[k], 1e-6);
            if (shards == 1)
                assert_memory_equal(net.grad, whole, net.params * sizeof *whole);
            nn_team_free(team);
        }
        net_close(&net);
    }
}

/* Five steps of plain SGD on batches of different lengths, and a gradient. */
static void
five_steps(nn_real *theta, nn_real *grad, const struct net *net, uint32_t shards, uint32_t workers)
{
    static const uint32_t rows[] = {ROWS, 1, 2, 20, 33};
    struct nn_team       *team   = team_of(net, shards, workers);
    memcpy(theta, net->theta, net->params * sizeof *theta);
    for (int i = 0; i < 5; i++) {
        struct nn_batch batch = batch_of(rows[i], i % 2 == 1);
        assert_true(isfinite(nn_team_sgd(team, theta, &batch, 0.1, 0.01)));
    }
    struct nn_batch batch = batch_of(ROWS, true);
    (void)nn_team_gradient(team, grad, theta, &batch);
    nn_team_free(team);
}

static void
the_number_of_workers_changes_no_bit(void **state)
{
    (void)state;
    struct net net;
    nn_real    one[PARAMS], one_grad[PARAMS], more[PARAMS], more_grad[PARAMS];
    net_open(&net, mlp, ROWS);
    five_steps(one, one_grad, &net, 4, 1);
    for (uint32_t workers = 2; workers <= 4; workers++) {
        five_steps(more, more_grad, &net, 4, workers);
        assert_memory_equal(one, more, net.params * sizeof *one);
        assert_memory_equal(one_grad, more_grad, net.params * sizeof *one);
    }
    five_steps(more, more_grad, &net, 5, 1); /* another cut rounds otherwise */
    assert_memory_not_equal(one, more, net.params * sizeof *one);
    net_close(&net);
}

static void
a_step_is_that_of_plain_sgd_and_frozen_weights_stay(void **state)
{
    (void)state;
    struct net      net;
    struct nn_batch batch = batch_of(ROWS, false);
    nn_real         before[PARAMS], theta[PARAMS];
    size_t          tensors;
    net_open(&net, mlp, ROWS);
    memcpy(before, net.theta, net.params * sizeof *before);
    memcpy(theta, net.theta, net.params * sizeof *theta);
    (void)nn_sgd(net.pass, theta, &batch, 0.1, 0.5);
    struct nn_team *team = team_of(&net, 3, 2);
    (void)nn_team_sgd(team, net.theta, &batch, 0.1, 0.5);
    for (size_t k = 0; k < net.params; k++)
        EXPECT_NEAR((double)net.theta[k], (double)theta[k], 1e-6);
    const struct nn_tensor *rows = nn_plan_manifest(net.plan, &tensors);
    for (size_t t = 0; t < tensors; t++)
        if (rows[t].role == NN_FROZEN)
            assert_memory_equal(net.theta + rows[t].offset, before + rows[t].offset,
                                rows[t].count * sizeof *before);
    nn_team_free(team);
    net_close(&net);
}

static void
a_loss_that_is_not_finite_leaves_theta_as_it_is_and_names_the_layer(void **state)
{
    (void)state;
    struct net      net;
    struct nn_batch batch = batch_of(ROWS, false);
    nn_real         before[PARAMS];
    net_open(&net, mlp, ROWS);
    memcpy(before, net.theta, net.params * sizeof *before);
    struct nn_team *team = team_of(&net, 4, 2);
    row_x[6 * 30]        = (nn_real)NAN;
    assert_true(isnan(nn_team_sgd(team, net.theta, &batch, 0.1, 0)));
    assert_memory_equal(net.theta, before, net.params * sizeof *before);
    assert_string_equal(nn_team_first_not_finite(team), "x");
    nn_team_free(team);
    net_close(&net);
}

static void
steps_allocate_nothing(void **state)
{
    (void)state;
    struct net      net;
    struct nn_batch batch = batch_of(ROWS, true);
    net_open(&net, mlp, ROWS);
    struct nn_team *team   = team_of(&net, 4, 2);
    size_t          before = allocations;
    assert_true(before > 0);
    for (int i = 0; i < 20; i++) {
        (void)nn_team_sgd(team, net.theta, &batch, 0.1, 0.01);
        (void)nn_team_gradient(team, net.grad, net.theta, &batch);
        (void)nn_sgd(net.pass, net.theta, &batch, 0.1, 0.01);
    }
    assert_int_equal(allocations, before);
    nn_team_free(team);
    net_close(&net);
}

static void
what_cannot_be_cut_is_refused(void **state)
{
    (void)state;
    static const struct nn_team_size bad[] = {
        {0, 1, 1}, {8, 0, 1}, {8, 2, 0}, {8, 2, 3}, {8, NN_SHARDS_MAX + 1, 1}};
    struct net           net;
    struct nn_team      *team = NULL;
    struct pn_error      why  = {.text = ""};
    struct nn_layer_kind mixer;
    net_open(&net, mlp, 4);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT_STATUS(PN_ERANGE, nn_team_new(&team, net.plan, bad[i], &why));
    EXPECT_SAYS(&why, "1..256 shards");
    mixer                    = *net.plan->layers[2].kind;
    mixer.mixes_rows         = true;
    net.plan->layers[2].kind = &mixer;
    EXPECT_STATUS(PN_ESTATE, nn_team_new(&team, net.plan, (struct nn_team_size){8, 2, 1}, &why));
    EXPECT_SAYS(&why, "cannot be cut into parts");
    assert_null(team);
    nn_team_free(NULL);
    net_close(&net);
}

static int
start_up(void **state)
{
    (void)state;
    return nn_start_up() == PN_OK ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_part_gives_the_bits_of_a_pass_and_more_parts_nearly),
        cmocka_unit_test(the_number_of_workers_changes_no_bit),
        cmocka_unit_test(a_step_is_that_of_plain_sgd_and_frozen_weights_stay),
        cmocka_unit_test(a_loss_that_is_not_finite_leaves_theta_as_it_is_and_names_the_layer),
        cmocka_unit_test(steps_allocate_nothing),
        cmocka_unit_test(what_cannot_be_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, start_up, NULL);
}
