/* Training that stops and goes on, that watches validation records, and that fails cleanly. */
#include "nnlib/fit.h"

#include "support/nn.h"

enum {
    ROWS  = 60,
    VALID = 20
};

static const char mlp[] = "x = input 6\nfc1 = dense x 12\na1 = tanh fc1\nout = dense a1 3\n"
                          "loss = cce_logits out\n";

static nn_real x[(ROWS + VALID) * 6], target[ROWS + VALID];

static void
draw_records(struct nn_records *train, struct nn_records *validation)
{
    struct pn_rng rng;
    pn_rng_init(&rng, 5);
    for (int r = 0; r < ROWS + VALID; r++) {
        target[r] = (nn_real)(r % 3);
        for (int i = 0; i < 6; i++)
            x[r * 6 + i] = (nn_real)(pn_rng_normal(&rng) + (i % 3 == r % 3 ? 1.0 : 0));
    }
    *train      = (struct nn_records){x, target, NULL, ROWS};
    *validation = (struct nn_records){x + ROWS * 6, target + ROWS, NULL, VALID};
}

static struct nn_fit_config
config_of(const struct nn_optimiser_kind *kind, double rate, uint32_t epochs)
{
    struct nn_fit_config config = {.training       = {.batch = 7, .epochs = epochs},
                                   .watch          = NN_WATCH_LOSS,
                                   .evaluate_batch = 8,
                                   .metrics        = {NN_ACCURACY, NN_LOG_LOSS},
                                   .metric_count   = 2};
    nn_optimiser_init(&config.training.optimiser, kind);
    config.training.optimiser.rate = rate;
    return config;
}

struct run {
    struct net           net;
    struct nn_records    train, validation;
    struct nn_fit_config config;
    struct nn_fit       *fit;
    void                *block;
};

static void
run_open(struct run *run, const struct nn_fit_config *config)
{
    size_t        bytes;
    struct pn_rng rng;
    run->config = *config;
    net_open(&run->net, mlp, 1);
    draw_records(&run->train, &run->validation);
    EXPECT_OK(nn_fit_bytes(&bytes, run->net.plan, &run->config, ROWS));
    run->block = nn_block(bytes);
    pn_rng_init(&rng, 11);
    EXPECT_OK(nn_fit_init(&run->fit, run->block, run->net.plan, &run->train, &run->validation,
                          &run->config, &rng));
}

static void
run_close(struct run *run)
{
    net_close(&run->net);
    free(run->block);
}

static void
run_to_the_end(struct run *run)
{
    struct nn_fit_epoch epoch;
    while (!nn_fit_is_done(run->fit))
        EXPECT_OK(nn_fit_epoch(&epoch, run->fit, run->net.theta));
}

static bool
stop_at(void *context, uint64_t done, uint64_t total)
{
    (void)total;
    return done != *(const uint64_t *)context;
}

/* Everything that must be kept moves to a new process. */
static void
move(struct run *to, struct run *from)
{
    uint64_t             count;
    struct nn_fit_cursor cursor = nn_fit_cursor(from->fit);
    size_t               params = from->net.params * sizeof(nn_real);
    memcpy(to->net.theta, from->net.theta, params);
    memcpy(nn_fit_best_memory(to->fit), nn_fit_best_memory(from->fit), params);
    const nn_real *state = nn_fit_state(from->fit, &count);
    if (count > 0)
        memcpy(nn_fit_state(to->fit, &count), state, count * sizeof *state);
    EXPECT_OK(nn_fit_resume(to->fit, &cursor));
}

static void
stopped_after_any_step_and_resumed_is_uninterrupted(void **state)
{
    (void)state;
    static const struct nn_optimiser_kind *const kinds[] = {&nn_sgd_kind, &nn_adam_kind};
    for (size_t k = 0; k < 4; k++) {
        struct nn_fit_config config = config_of(kinds[k % 2], k % 2 == 0 ? 0.1 : 0.01, 3);
        struct run           whole;
        if (k >= 2) { /* with a rate that changes by step and by figure, and a running mean */
            struct pn_error why;
            EXPECT_OK(nn_schedule_parse(&config.training.pace.schedule, "cosine warmup=3", &why));
            EXPECT_OK(
                nn_plateau_parse(&config.plateau, "patience=0 factor=0.5 threshold=0.9", &why));
            config.training.average = 0.9;
        }
        uint64_t stop, steps = 3 * ((ROWS + 6) / 7);
        run_open(&whole, &config);
        run_to_the_end(&whole);
        config.training.progress = stop_at;
        config.training.context  = &stop;
        for (stop = 1; stop < steps; stop++) {
            struct run          first, second;
            struct nn_fit_epoch epoch;
            enum pn_status      st = PN_OK;
            run_open(&first, &config);
            run_open(&second, &whole.config);
            while (st == PN_OK)
                st = nn_fit_epoch(&epoch, first.fit, first.net.theta);
            EXPECT_STATUS(PN_ESTATE, st);
            move(&second, &first);
            run_to_the_end(&second);
            assert_memory_equal(second.net.theta, whole.net.theta,
                                whole.net.params * sizeof(nn_real));
            assert_memory_equal(nn_fit_best_memory(second.fit), nn_fit_best_memory(whole.fit),
                                whole.net.params * sizeof(nn_real));
            run_close(&first);
            run_close(&second);
        }
        run_close(&whole);
    }
}

static void
stops_when_validation_no_longer_improves_and_keeps_the_best(void **state)
{
    (void)state;
    struct nn_fit_config config = config_of(&nn_adam_kind, 0.05, 200);
    struct run           run;
    struct nn_fit_epoch  epoch;
    double               best = 1e9, last = 0;
    uint32_t             best_epoch = 0, kept;
    config.patience                 = 5;
    run_open(&run, &config);
    nn_real *at_best = nn_block(run.net.params * sizeof(nn_real));
    while (!nn_fit_is_done(run.fit)) {
        EXPECT_OK(nn_fit_epoch(&epoch, run.fit, run.net.theta));
        last = epoch.validation_loss;
        assert_true(epoch.is_best == (epoch.validation_loss < best));
        if (epoch.is_best) {
            best       = epoch.validation_loss;
            best_epoch = epoch.epoch;
            memcpy(at_best, run.net.theta, run.net.params * sizeof(nn_real));
        }
    }
    assert_true(epoch.epoch < 200 && epoch.epoch == best_epoch + 5 && last >= best);
    const nn_real *best_theta = nn_fit_best(run.fit, &kept);
    assert_int_equal(kept, best_epoch);
    assert_memory_equal(best_theta, at_best, run.net.params * sizeof(nn_real));
    free(at_best);
    run_close(&run);
}

static void
a_metric_can_be_watched_where_more_is_better(void **state)
{
    (void)state;
    struct nn_fit_config config = config_of(&nn_adam_kind, 0.02, 12);
    struct run           run;
    struct nn_fit_epoch  epoch;
    double               best = -1;
    config.watch              = 0; /* accuracy */
    run_open(&run, &config);
    while (!nn_fit_is_done(run.fit)) {
        EXPECT_OK(nn_fit_epoch(&epoch, run.fit, run.net.theta));
        double accuracy = nn_metric_value(&epoch.metrics[0]);
        assert_true(epoch.is_best == (accuracy > best));
        best = accuracy > best ? accuracy : best;
    }
    assert_true(best > 0.5);
    run_close(&run);
}

static void
a_figure_that_stands_still_lowers_the_rate(void **state)
{
    (void)state;
    struct nn_fit_config config = config_of(&nn_sgd_kind, 0.1, 6);
    struct run           slowed, halved;
    struct nn_fit_epoch  epoch;
    struct pn_error      why;
    uint64_t             count;
    run_open(&halved, &config);
    /* nothing is ever 90 % better: the rate halves after every epoch but the first */
    EXPECT_OK(nn_plateau_parse(&config.plateau, "patience=0 factor=0.5 threshold=0.9", &why));
    run_open(&slowed, &config);
    for (int e = 0; e < 6; e++) {
        halved.config.training.optimiser.rate = 0.1 * pow(0.5, e < 1 ? 0 : e - 1);
        EXPECT_OK(nn_fit_epoch(&epoch, halved.fit, halved.net.theta));
        EXPECT_OK(nn_fit_epoch(&epoch, slowed.fit, slowed.net.theta));
        assert_memory_equal(slowed.net.theta, halved.net.theta,
                            halved.net.params * sizeof(nn_real));
    }
    (void)nn_fit_state(slowed.fit, &count);
    assert_int_equal(count, 0);
    run_close(&slowed);
    run_close(&halved);
}

/* It is looked at and kept instead of theta: what nn_train ends with. */
static void
a_running_mean_is_what_is_kept(void **state)
{
    (void)state;
    struct nn_fit_config config = config_of(&nn_adam_kind, 0.01, 1);
    struct run           run;
    struct nn_fit_epoch  epoch;
    struct net           alone;
    struct pn_rng        rng;
    uint32_t             at;
    size_t               bytes;
    double               loss;
    config.training.average = 0.8;
    run_open(&run, &config);
    EXPECT_OK(nn_fit_epoch(&epoch, run.fit, run.net.theta));
    net_open(&alone, mlp, 1);
    EXPECT_OK(nn_trainer_bytes(&bytes, alone.plan, &config.training, ROWS));
    void *block = nn_block(bytes);
    pn_rng_init(&rng, 11);
    EXPECT_OK(nn_train(alone.theta, &loss, alone.plan, &run.train, &config.training, &rng, block));
    assert_memory_equal(nn_fit_best(run.fit, &at), alone.theta, alone.params * sizeof(nn_real));
    assert_memory_not_equal(run.net.theta, alone.theta, alone.params * sizeof(nn_real));
    free(block);
    net_close(&alone);
    run_close(&run);
}

static void
small_pieces_of_a_batch_are_the_batch(void **state)
{
    (void)state;
    struct nn_fit_config config = config_of(&nn_adam_kind, 0.01, 2);
    struct run           whole, pieces;
    run_open(&whole, &config);
    config.training.micro = 3;
    run_open(&pieces, &config);
    run_to_the_end(&whole);
    run_to_the_end(&pieces);
    for (size_t i = 0; i < whole.net.params; i++)
        EXPECT_NEAR((double)pieces.net.theta[i], (double)whole.net.theta[i], 2e-5);
    run_close(&whole);
    run_close(&pieces);
}

static void
divergence_stops_names_a_layer_and_leaves_the_best(void **state)
{
    (void)state;
    struct nn_fit_config config = config_of(&nn_sgd_kind, 0.1, 50);
    struct run           run;
    struct nn_fit_epoch  epoch;
    uint32_t             kept;
    run_open(&run, &config);
    EXPECT_OK(nn_fit_epoch(&epoch, run.fit, run.net.theta));
    run.net.theta[3] = (nn_real)NAN; /* in fc1.weight */
    EXPECT_STATUS(PN_EDIVERGED, nn_fit_epoch(&epoch, run.fit, run.net.theta));
    for (size_t i = 0; i < run.net.params; i++)
        assert_true(isfinite(nn_fit_best(run.fit, &kept)[i]));
    assert_int_equal(kept, 1);
    const char *culprit = nn_fit_culprit(run.fit);
    assert_non_null(culprit);
    assert_string_equal(culprit, "fc1");
    run_close(&run);
}

static void
a_cursor_of_another_training_is_refused(void **state)
{
    (void)state;
    struct nn_fit_config config = config_of(&nn_sgd_kind, 0.1, 3);
    struct run           run;
    run_open(&run, &config);
    struct nn_fit_cursor good = {.training = {.step = 9 + 2, .epoch = 1, .at = 14},
                                 .stopping = {.best = 1, .best_step = 1, .steps = 1, .begun = true},
                                 .epochs   = 1,
                                 .best_epoch = 1};
    EXPECT_OK(nn_fit_resume(run.fit, &good));
    struct nn_fit_cursor bad[11] = {good, good, good, good, good, good,
                                    good, good, good, good, good};
    bad[0].training.epoch        = 3;
    bad[1].training.at           = 13;
    bad[2].training.at           = ROWS + 1;
    bad[3].training.step         = 10;
    bad[4].best_epoch            = 3;
    bad[5].training.loss         = (double)NAN;
    bad[6].stopping.steps        = 3;
    bad[7].stopping.best_step    = 2;
    bad[8].stopping.best         = (double)NAN;
    bad[9].plateau.share         = 2;
    bad[10].epochs               = 3;
    for (size_t i = 0; i < 11; i++)
        EXPECT_STATUS(PN_ERANGE, nn_fit_resume(run.fit, &bad[i]));
    run_close(&run);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_after_any_step_and_resumed_is_uninterrupted),
        cmocka_unit_test(stops_when_validation_no_longer_improves_and_keeps_the_best),
        cmocka_unit_test(a_metric_can_be_watched_where_more_is_better),
        cmocka_unit_test(a_figure_that_stands_still_lowers_the_rate),
        cmocka_unit_test(a_running_mean_is_what_is_kept),
        cmocka_unit_test(small_pieces_of_a_batch_are_the_batch),
        cmocka_unit_test(divergence_stops_names_a_layer_and_leaves_the_best),
        cmocka_unit_test(a_cursor_of_another_training_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
