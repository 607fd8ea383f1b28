/* The models of examples/models: each builds, has the parameters that its comment says, reads back
 * from its own text to the same plan, and learns a batch. */
#include "support/folder.h"
#include "support/nn.h"

enum {
    ROWS  = 2,
    STEPS = 3
};

/* "... 61,706 parameters" */
static uint64_t
stated_parameters(const char *text)
{
    const char *word = strstr(text, " parameters"), *at = word;
    uint64_t    count = 0;
    assert_non_null(word);
    while (at > text && strchr("0123456789,", at[-1]) != NULL)
        at--;
    for (; at < word; at++)
        if (*at != ',')
            count = count * 10 + (uint64_t)(*at - '0');
    return count;
}

static void
expect_same_plan_from_its_text(const struct nn_plan *plan)
{
    struct nn_plan *again;
    const char     *text = nn_plan_text(plan);
    EXPECT_OK(nn_plan_new(&again, text, strlen(text), NULL));
    assert_string_equal(nn_plan_text(again), text);
    assert_int_equal(nn_plan_param_count(again), nn_plan_param_count(plan));
    nn_plan_free(again);
}

static void
draw_batch(nn_real *x, nn_real *target, const struct net *net)
{
    struct pn_rng rng;
    uint32_t      classes = nn_plan_class_count(net->plan);
    pn_rng_init(&rng, 5);
    for (size_t k = 0; k < ROWS * net->in; k++)
        x[k] = (nn_real)pn_rng_uniform(&rng);
    for (size_t k = 0; k < ROWS * net->targets; k++)
        target[k] = classes > 0 ? (nn_real)pn_rng_below(&rng, classes) : x[k % (ROWS * net->in)];
}

static void
expect_learning(struct net *net, const char *name)
{
    size_t          in = ROWS * net->in, targets = ROWS * net->targets;
    nn_real        *x = nn_block(in * sizeof *x), *target = nn_block(targets * sizeof *target);
    struct nn_batch batch = {x, target, NULL, ROWS};
    draw_batch(x, target, net);
    double first = nn_loss(net->pass, net->theta, &batch), last = first;
    for (int step = 0; step < STEPS; step++)
        (void)nn_sgd(net->pass, net->theta, &batch, 0.001, 0);
    last = nn_loss(net->pass, net->theta, &batch);
    if (!(last < first))
        fail_msg("%s: loss %g, after %d steps %g", name, first, STEPS, last);
    free(x);
    free(target);
}

static void
every_model_of_the_zoo_builds_and_learns(void **state)
{
    (void)state;
    static char    text[65536];
    DIR           *folder = opendir(PN_SOURCE_DIR "/examples/models");
    struct dirent *entry;
    size_t         found = 0;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char       path[FOLDER_PATH];
        struct net net;
        if (strstr(entry->d_name, ".model") == NULL)
            continue;
        folder_path(path, PN_SOURCE_DIR "/examples/models", entry->d_name);
        text[folder_read((uint8_t *)text, sizeof text - 1, path)] = '\0';
        net_open(&net, text, ROWS);
        if (net.params != stated_parameters(text))
            fail_msg("%s says %llu parameters, there are %zu", entry->d_name,
                     (unsigned long long)stated_parameters(text), net.params);
        expect_same_plan_from_its_text(net.plan);
        expect_learning(&net, entry->d_name);
        net_close(&net);
        found++;
    }
    closedir(folder);
    assert_true(found >= 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_of_the_zoo_builds_and_learns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
