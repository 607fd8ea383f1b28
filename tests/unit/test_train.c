/* The float build, which is what ships. Linked with --wrap for the allocator (see CMakeLists). */
#include "nnlib/train.h"

#include "support/allocations.h"
#include "support/nn.h"

static const char mlp[] = "x = input 6\nfc1 = dense x 16\na1 = relu fc1\nfc2 = dense a1 8\n"
                          "a2 = tanh fc2\nout = dense a2 3 init=xavier\nloss = cce_logits out\n";

static nn_real *
trainer_block(const struct nn_plan *plan, const struct nn_training *training, uint32_t rows)
{
    size_t bytes;
    EXPECT_OK(nn_trainer_bytes(&bytes, plan, training, rows));
    return nn_block(bytes);
}

/* Trains once with a fresh workspace; returns the loss of the last epoch. */
static double
train(struct net *net, const struct nn_records *records, const struct nn_training *training,
      uint64_t seed)
{
    struct pn_rng rng;
    double        loss  = (double)NAN;
    void         *block = trainer_block(net->plan, training, records->rows);
    pn_rng_init(&rng, seed);
    EXPECT_OK(nn_train(net->theta, &loss, net->plan, records, training, &rng, block));
    free(block);
    return loss;
}

enum {
    ROWS = 101
};
static nn_real row_x[ROWS * 6], row_t[ROWS], row_w[ROWS];

static struct nn_records
three_classes(void)
{
    struct pn_rng rng;
    pn_rng_init(&rng, 5);
    for (int r = 0; r < ROWS; r++) {
        row_t[r] = (nn_real)(r % 3);
        row_w[r] = 1;
        for (int i = 0; i < 6; i++)
            row_x[r * 6 + i] = (nn_real)(pn_rng_normal(&rng) + (i % 3 == r % 3 ? 1.5 : 0));
    }
    return (struct nn_records){row_x, row_t, NULL, ROWS};
}

static struct nn_training
adam(uint32_t batch, uint32_t epochs, double rate)
{
    struct nn_training training = {.batch = batch, .epochs = epochs};
    nn_optimiser_init(&training.optimiser, &nn_adam_kind);
    training.optimiser.rate = rate;
    return training;
}

static void
training_allocates_nothing(void **state)
{
    (void)state;
    struct net         net;
    struct nn_records  records  = three_classes();
    struct nn_training training = adam(16, 2, 0.01);
    struct nn_metric   metric;
    struct pn_rng      rng;
    size_t             bytes;
    double             loss;
    net_open(&net, mlp, 1);
    void *block = trainer_block(net.plan, &training, ROWS);
    EXPECT_OK(nn_evaluate_bytes(&bytes, net.plan, 32));
    void *other = nn_block(bytes);
    assert_true(allocations > 0); /* the counter counts */
    pn_rng_init(&rng, 1);
    EXPECT_OK(nn_metric_init(&metric, NN_ACCURACY, 3));
    size_t before = allocations;
    EXPECT_OK(nn_train(net.theta, &loss, net.plan, &records, &training, &rng, block));
    nn_evaluate(&metric, 1, net.plan, net.theta, &records, 32, other);
    assert_int_equal(allocations, before);
    free(block);
    free(other);
    net_close(&net);
}

static void
one_batch_is_learnt_by_heart(void **state)
{
    (void)state;
    struct net         net;
    struct nn_records  records  = three_classes();
    struct nn_training training = adam(24, 400, 0.01);
    struct nn_metric   metric;
    size_t             bytes;
    records.rows = 24;
    net_open(&net, mlp, 1);
    double loss = train(&net, &records, &training, 1);
    if (!(loss < 0.02))
        fail_msg("loss %g after 400 steps on one batch", loss);
    EXPECT_OK(nn_evaluate_bytes(&bytes, net.plan, 7));
    void *block = nn_block(bytes);
    EXPECT_OK(nn_metric_init(&metric, NN_ACCURACY, 3));
    nn_evaluate(&metric, 1, net.plan, net.theta, &records, 7, block);
    EXPECT_NEAR(nn_metric_value(&metric), 1, 0);
    assert_int_equal(metric.count, 24);
    free(block);
    net_close(&net);
}

static void
xor_is_learnt_from_most_starts(void **state)
{
    (void)state;
    static const nn_real x[8] = {0, 0, 0, 1, 1, 0, 1, 1}, t[4] = {0, 1, 1, 0};
    struct nn_records    records  = {x, t, NULL, 4};
    struct nn_training   training = adam(4, 2000, 0.05);
    int                  learnt   = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct net    net;
        struct pn_rng rng;
        net_open(&net,
                 "x = input 2\nh = dense x 4 init=xavier\na = tanh h\no = dense a 1 init=xavier\n"
                 "l = bce_logits o\n",
                 1);
        pn_rng_init(&rng, seed);
        nn_plan_init(net.theta, net.plan, &rng);
        learnt += train(&net, &records, &training, seed) < 0.01;
        net_close(&net);
    }
    assert_true(learnt >= 8);
}

/* Written straight into the weights, or as a gradient that pieces of a batch add up to: one step.
 */
static void
plain_sgd_with_l2_is_the_optimisers_step(void **state)
{
    (void)state;
    struct nn_records  records  = three_classes();
    struct nn_training training = {.batch = 16, .epochs = 3};
    struct pn_error    why;
    struct net         plain, pieces;
    EXPECT_OK(nn_optimiser_parse(&training.optimiser, "sgd rate=0.1 l2=0.05", &why));
    net_open(&plain, mlp, 1);
    net_open(&pieces, mlp, 1);
    double loss    = train(&plain, &records, &training, 9);
    training.micro = 8;
    EXPECT_NEAR(train(&pieces, &records, &training, 9), loss, 1e-5);
    for (size_t k = 0; k < plain.params; k++)
        EXPECT_NEAR((double)plain.theta[k], (double)pieces.theta[k], 1e-5);
    net_close(&plain);
    net_close(&pieces);
}

/* Without a gradient (all records weigh nothing) a step of decay 1 takes the rate off the weights.
 */
static void
expect_rates(const struct nn_pace *pace, const double share[static 4])
{
    static const uint64_t at[4]    = {0, 7, 8, 20}; /* 7 steps an epoch */
    struct nn_records     records  = three_classes();
    struct nn_training    training = {.batch = 16, .epochs = 3, .pace = *pace};
    struct nn_trainer    *t;
    struct net            net;
    struct pn_rng         rng;
    struct pn_error       why;
    size_t                next = 0;
    memset(row_w, 0, sizeof row_w);
    records.weight = row_w;
    EXPECT_OK(nn_optimiser_parse(&training.optimiser, "sgd rate=0.5 decay=1", &why));
    net_open(&net, mlp, 16);
    void *block = trainer_block(net.plan, &training, ROWS);
    pn_rng_init(&rng, 3);
    EXPECT_OK(nn_trainer_init(&t, block, net.plan, &records, &training, &rng));
    for (uint64_t step = 0; next < 4; step++) {
        net.theta[0] = 1; /* of fc1.weight */
        EXPECT_OK(nn_trainer_step(t, net.theta));
        if (step == at[next])
            EXPECT_NEAR((double)net.theta[0], 1 - 0.5 * share[next++], 1e-6);
    }
    free(block);
    net_close(&net);
}

/* The clock of a schedule counts steps or epochs, of this training or of a longer one. */
static void
the_rate_follows_its_schedule(void **state)
{
    (void)state;
    static const struct {
        const char    *schedule;
        struct nn_pace pace;
        double         share[4]; /* in steps 0, 7, 8 and 20 of 21 */
    } cases[] = {
        {"linear", {.every = 0}, {1, 14 / 21.0, 13 / 21.0, 1 / 21.0}},
        {"linear", {.every = 1}, {1, 2 / 3.0, 2 / 3.0, 1 / 3.0}},
        {"linear", {.every = 2}, {1, 1, 1, 0.5}},
        {"exp factor=0.5", {.every = 3, .before = 4, .total = 9}, {.0625, .0625, .0625, .0625}},
        {"linear", {.every = 0, .before = 21, .total = 42}, {0.5, 14 / 42.0, 13 / 42.0, 1 / 42.0}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct nn_pace  pace = cases[c].pace;
        struct pn_error why;
        EXPECT_OK(nn_schedule_parse(&pace.schedule, cases[c].schedule, &why));
        expect_rates(&pace, cases[c].share);
    }
}

static void
a_running_mean_follows_the_steps(void **state)
{
    (void)state;
    struct nn_records  records  = three_classes();
    struct nn_training training = adam(16, 2, 0.01);
    struct nn_trainer *t;
    struct net         net;
    struct pn_rng      rng;
    training.average = 0.75;
    net_open(&net, mlp, 16);
    void    *block = trainer_block(net.plan, &training, ROWS);
    nn_real *mean  = nn_block(net.params * sizeof *mean);
    pn_rng_init(&rng, 3);
    EXPECT_OK(nn_trainer_init(&t, block, net.plan, &records, &training, &rng));
    assert_null(nn_trainer_average(t));
    for (bool first = true; !nn_trainer_is_done(t); first = false) {
        EXPECT_OK(nn_trainer_step(t, net.theta));
        for (size_t k = 0; k < net.params; k++)
            mean[k] = first ? net.theta[k] : mean[k] + (nn_real)0.25 * (net.theta[k] - mean[k]);
        assert_memory_equal(nn_trainer_average(t), mean, net.params * sizeof *mean);
    }
    free(mean);
    free(block);
    net_close(&net);
}

/* With a team: the parts decide the bits, the threads do not. */
static void
train_by_team(struct net *net, uint32_t parts, uint32_t workers, const char *optimiser)
{
    struct nn_records  records  = three_classes();
    struct nn_training training = {.batch = 16, .epochs = 3};
    struct pn_error    why;
    EXPECT_OK(nn_optimiser_parse(&training.optimiser, optimiser, &why));
    EXPECT_OK(
        nn_team_new(&training.team, net->plan, (struct nn_team_size){16, parts, workers}, &why));
    (void)train(net, &records, &training, 9);
    nn_team_free(training.team);
}

static void
threads_of_a_team_change_no_bit_of_a_training(void **state)
{
    (void)state;
    static const char *optimisers[] = {"sgd rate=0.1 l2=0.01", "adam rate=0.01"};
    static const char  noisy[]      = "x = input 6\nfc1 = dense x 16\nd = dropout fc1 p=0.3\n"
                                      "a1 = relu d\nout = monotone a1 3\nloss = cce_logits out\n";
    for (size_t o = 0; o < 2; o++) {
        struct net one, two, three, alone;
        net_open(&one, noisy, 1);
        net_open(&two, noisy, 1);
        net_open(&three, noisy, 1);
        net_open(&alone, noisy, 1);
        struct nn_records  records  = three_classes();
        struct nn_training training = {.batch = 16, .epochs = 3};
        struct pn_error    why;
        EXPECT_OK(nn_optimiser_parse(&training.optimiser, optimisers[o], &why));
        (void)train(&alone, &records, &training, 9);
        train_by_team(&one, 4, 1, optimisers[o]);
        train_by_team(&two, 4, 2, optimisers[o]);
        train_by_team(&three, 4, 3, optimisers[o]);
        assert_memory_equal(one.theta, two.theta, one.params * sizeof *one.theta);
        assert_memory_equal(one.theta, three.theta, one.params * sizeof *one.theta);
        for (size_t k = 0; k < one.params; k++)
            EXPECT_NEAR((double)one.theta[k], (double)alone.theta[k], 1e-4);
        net_close(&one);
        net_close(&two);
        net_close(&three);
        net_close(&alone);
    }
}

static void
same_seed_gives_the_same_bits_and_another_does_not(void **state)
{
    (void)state;
    struct nn_records  records  = three_classes();
    struct nn_training training = adam(16, 3, 0.01);
    struct net         a, b, c;
    net_open(&a, mlp, 1);
    net_open(&b, mlp, 1);
    net_open(&c, mlp, 1);
    double loss = train(&a, &records, &training, 9);
    EXPECT_NEAR(train(&b, &records, &training, 9), loss, 0);
    (void)train(&c, &records, &training, 10);
    assert_memory_equal(a.theta, b.theta, a.params * sizeof *a.theta);
    assert_memory_not_equal(a.theta, c.theta, a.params * sizeof *a.theta);
    net_close(&a);
    net_close(&b);
    net_close(&c);
}

static void
weights_of_one_change_no_bit_and_weight_zero_removes_a_record(void **state)
{
    (void)state;
    struct nn_records  records  = three_classes();
    struct nn_training training = adam(16, 2, 0.01);
    struct net         a, b;
    net_open(&a, mlp, 1);
    net_open(&b, mlp, 1);
    (void)train(&a, &records, &training, 9);
    records.weight = row_w;
    (void)train(&b, &records, &training, 9);
    assert_memory_equal(a.theta, b.theta, a.params * sizeof *a.theta);
    net_close(&b);

    /* Two records with full batches: the second with weight 0, against the first alone. */
    struct nn_optimiser_config config;
    nn_optimiser_init(&config, &nn_sgd_kind);
    training     = (struct nn_training){.optimiser = config, .batch = 2, .epochs = 3};
    row_w[1]     = 0;
    records.rows = 2;
    struct net c;
    net_open(&b, mlp, 1);
    net_open(&c, mlp, 1);
    (void)train(&b, &records, &training, 9);
    records.rows   = 1;
    records.weight = NULL;
    (void)train(&c, &records, &training, 9);
    for (size_t k = 0; k < b.params; k++)
        EXPECT_NEAR((double)b.theta[k], (double)c.theta[k], 1e-6);
    net_close(&a);
    net_close(&b);
    net_close(&c);
}

/* All sites, one epoch, full batch, weighted by records: federated averaging is one pooled step. */
static void
federated_averaging_of_full_batches_is_one_pooled_step(void **state)
{
    (void)state;
    static const uint32_t cuts[] = {0, 10, 60, ROWS};
    struct nn_records     all    = three_classes();
    struct nn_training    step   = {.batch = ROWS, .epochs = 1};
    struct net            pooled, site;
    double                mean[512] = {0};
    nn_optimiser_init(&step.optimiser, &nn_sgd_kind);
    step.optimiser.rate = 0.5;
    net_open(&pooled, mlp, 1);
    assert_true(pooled.params <= 512);
    (void)train(&pooled, &all, &step, 1);
    for (int s = 0; s < 3; s++) {
        uint32_t          rows = cuts[s + 1] - cuts[s];
        struct nn_records part = {row_x + 6 * cuts[s], row_t + cuts[s], NULL, rows};
        net_open(&site, mlp, 1);
        (void)train(&site, &part, &step, (uint64_t)s);
        for (size_t k = 0; k < site.params; k++)
            mean[k] += (double)site.theta[k] * rows / ROWS;
        net_close(&site);
    }
    for (size_t k = 0; k < pooled.params; k++)
        EXPECT_NEAR((double)pooled.theta[k], mean[k], 1e-6);
    net_close(&pooled);
}

struct watch {
    uint64_t calls, done, total, stop_at;
};

static bool
note(void *context, uint64_t done, uint64_t total)
{
    struct watch *watch = context;
    watch->calls++;
    watch->done  = done;
    watch->total = total;
    return watch->stop_at == 0 || done < watch->stop_at;
}

static void
progress_counts_every_batch_and_can_stop(void **state)
{
    (void)state;
    struct net         net;
    struct nn_records  records  = three_classes();
    struct watch       watch    = {0};
    struct nn_training training = adam(16, 3, 0.01);
    struct pn_rng      rng;
    double             loss = 7;
    training.progress       = note;
    training.context        = &watch;
    net_open(&net, mlp, 1);
    (void)train(&net, &records, &training, 1);
    assert_int_equal(watch.calls, 3 * 7); /* 101 = 6 * 16 + 5: the smaller last batch is kept */
    assert_int_equal(watch.done, watch.total);
    assert_int_equal(watch.total, 21);
    watch       = (struct watch){.stop_at = 4};
    void *block = trainer_block(net.plan, &training, ROWS);
    pn_rng_init(&rng, 1);
    EXPECT_STATUS(PN_ESTATE,
                  nn_train(net.theta, &loss, net.plan, &records, &training, &rng, block));
    assert_int_equal(watch.calls, 4);
    EXPECT_NEAR(loss, 7, 0);
    free(block);
    net_close(&net);
}

static bool
enough_is_six(void *context, uint64_t done)
{
    (void)context;
    return done >= 6;
}

/* Told that it is enough, a training ends as one of so many steps does. */
static void
a_training_ends_when_it_is_enough(void **state)
{
    (void)state;
    struct net         told, counted;
    struct nn_records  records  = three_classes();
    struct watch       watch    = {0};
    struct nn_training training = adam(16, 3, 0.01);
    training.progress           = note;
    training.context            = &watch;
    training.enough             = enough_is_six;
    net_open(&told, mlp, 1);
    double loss = train(&told, &records, &training, 1);
    assert_int_equal(watch.calls, 6);
    training       = adam(16, 1, 0.01);
    training.steps = 6;
    net_open(&counted, mlp, 1);
    EXPECT_NEAR(loss, train(&counted, &records, &training, 1), 0);
    assert_memory_equal(told.theta, counted.theta, told.params * sizeof *told.theta);
    net_close(&told);
    net_close(&counted);
}

/* 7 batches an epoch: 10 end in the middle of the second, 7 are the first. */
static void
steps_end_a_training_in_the_middle_of_an_epoch(void **state)
{
    (void)state;
    struct net         whole, cut;
    struct nn_records  records  = three_classes();
    struct watch       watch    = {0};
    struct nn_training training = adam(16, 2, 0.01);
    training.progress           = note;
    training.context            = &watch;
    training.steps              = 10;
    net_open(&cut, mlp, 1);
    (void)train(&cut, &records, &training, 1);
    assert_int_equal(watch.calls, 10);
    assert_int_equal(watch.total, 10);
    net_close(&cut);

    training.steps    = 7;
    training.progress = NULL;
    net_open(&cut, mlp, 1);
    net_open(&whole, mlp, 1);
    (void)train(&cut, &records, &training, 1);
    training = adam(16, 1, 0.01);
    (void)train(&whole, &records, &training, 1);
    assert_memory_equal(cut.theta, whole.theta, whole.params * sizeof *whole.theta);
    net_close(&cut);
    net_close(&whole);
}

static enum pn_status
try_training(struct net *net, const struct nn_records *records, const struct nn_training *training)
{
    struct pn_rng rng;
    double        loss;
    void         *block = trainer_block(net->plan, training, records->rows);
    pn_rng_init(&rng, 1);
    enum pn_status st = nn_train(net->theta, &loss, net->plan, records, training, &rng, block);
    free(block);
    return st;
}

static void
divergence_is_said(void **state)
{
    (void)state;
    struct net         net;
    struct nn_records  records  = three_classes();
    struct nn_training training = {.batch = 16, .epochs = 30};
    nn_optimiser_init(&training.optimiser, &nn_sgd_kind);
    net_open(&net, "x = input 6\no = dense x 1\nl = mse o\n", 1);
    EXPECT_OK(try_training(&net, &records, &training));
    training.optimiser.rate = 10; /* the error grows a hundredfold with every step */
    EXPECT_STATUS(PN_EDIVERGED, try_training(&net, &records, &training));
    net_close(&net);
    net_open(&net, mlp, 1);
    training.optimiser.rate = 0.01;
    row_x[77]               = (nn_real)NAN; /* shows in the loss */
    EXPECT_STATUS(PN_EDIVERGED, try_training(&net, &records, &training));
    net_close(&net);
}

static void
targets_and_weights_that_cannot_be_are_refused_before_training(void **state)
{
    (void)state;
    static const nn_real bad[] = {-1, 3, 0.5f, (nn_real)NAN};
    struct net           net;
    struct nn_records    records  = three_classes();
    struct nn_training   training = adam(16, 1, 0.01);
    nn_real              before[512];
    size_t               bytes;
    net_open(&net, mlp, 1);
    memcpy(before, net.theta, net.params * sizeof before[0]);
    for (size_t i = 0; i < 4; i++) {
        row_t[50] = bad[i];
        EXPECT_STATUS(PN_EDATA, try_training(&net, &records, &training));
    }
    row_t[50]      = 0;
    records.weight = row_w;
    row_w[3]       = -1;
    EXPECT_STATUS(PN_EDATA, try_training(&net, &records, &training));
    row_w[3] = (nn_real)INFINITY;
    EXPECT_STATUS(PN_EDATA, try_training(&net, &records, &training));
    assert_memory_equal(before, net.theta, net.params * sizeof before[0]);

    EXPECT_STATUS(PN_EDATA, nn_trainer_bytes(&bytes, net.plan, &training, 0));
    training.batch = 0;
    EXPECT_STATUS(PN_ERANGE, nn_trainer_bytes(&bytes, net.plan, &training, 5));
    training = adam(1, 0, 0.1);
    EXPECT_STATUS(PN_ERANGE, nn_trainer_bytes(&bytes, net.plan, &training, 5));
    net_close(&net);
}

static void
evaluation_does_not_depend_on_the_batch(void **state)
{
    (void)state;
    struct net        net;
    struct nn_records records = three_classes();
    double            first   = 0;
    net_open(&net, mlp, 1);
    for (uint32_t batch = 1; batch <= 128; batch *= 2) {
        struct nn_metric metrics[2];
        size_t           bytes;
        EXPECT_OK(nn_evaluate_bytes(&bytes, net.plan, batch));
        void *block = nn_block(bytes);
        EXPECT_OK(nn_metric_init(&metrics[0], NN_LOG_LOSS, 3));
        EXPECT_OK(nn_metric_init(&metrics[1], NN_ACCURACY, 3));
        nn_evaluate(metrics, 2, net.plan, net.theta, &records, batch, block);
        assert_int_equal(metrics[0].count, ROWS);
        first = batch == 1 ? nn_metric_value(&metrics[0]) : first;
        EXPECT_NEAR(nn_metric_value(&metrics[0]), first, 1e-5);
        free(block);
    }
    net_close(&net);
}

static void
rmse_counts_every_number_of_a_record(void **state)
{
    (void)state;
    struct net        net;
    struct nn_metric  metric;
    nn_real           x[6] = {1, 2, 3, 4, 5, 6}, t[6] = {1, 2, 3, 4, 5, 12};
    struct nn_records records = {x, t, NULL, 3};
    size_t            bytes;
    net_open(&net, "x = input 2\no = dense x 2 bias=no\nl = mse o\n", 1);
    net.theta[0] = net.theta[3] = 1;
    net.theta[1] = net.theta[2] = 0;
    EXPECT_OK(nn_evaluate_bytes(&bytes, net.plan, 2));
    void *block = nn_block(bytes);
    EXPECT_OK(nn_metric_init(&metric, NN_RMSE, 0));
    nn_evaluate(&metric, 1, net.plan, net.theta, &records, 2, block);
    assert_int_equal(metric.count, 6);
    EXPECT_NEAR(nn_metric_value(&metric), sqrt(6), 1e-12);
    free(block);
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
        cmocka_unit_test(training_allocates_nothing),
        cmocka_unit_test(one_batch_is_learnt_by_heart),
        cmocka_unit_test(xor_is_learnt_from_most_starts),
        cmocka_unit_test(plain_sgd_with_l2_is_the_optimisers_step),
        cmocka_unit_test(the_rate_follows_its_schedule),
        cmocka_unit_test(a_running_mean_follows_the_steps),
        cmocka_unit_test(threads_of_a_team_change_no_bit_of_a_training),
        cmocka_unit_test(same_seed_gives_the_same_bits_and_another_does_not),
        cmocka_unit_test(weights_of_one_change_no_bit_and_weight_zero_removes_a_record),
        cmocka_unit_test(federated_averaging_of_full_batches_is_one_pooled_step),
        cmocka_unit_test(progress_counts_every_batch_and_can_stop),
        cmocka_unit_test(a_training_ends_when_it_is_enough),
        cmocka_unit_test(steps_end_a_training_in_the_middle_of_an_epoch),
        cmocka_unit_test(divergence_is_said),
        cmocka_unit_test(targets_and_weights_that_cannot_be_are_refused_before_training),
        cmocka_unit_test(evaluation_does_not_depend_on_the_batch),
        cmocka_unit_test(rmse_counts_every_number_of_a_record),
    };
    return cmocka_run_group_tests(tests, start_up, NULL);
}
