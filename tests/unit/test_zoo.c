/* The models of examples/models: each builds, has the parameters that its comment says, reads back
 * from its own text to the same plan, and learns a batch. */
#include "nnlib/layer.h"
#include "support/folder.h"
#include "support/nn.h"

enum {
    ROWS  = 2,
    STEPS = 3
};
#define RATE 0.001

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

/* Shares, as pixels are; for inputs named index or length whole numbers. */
static void
draw_batch(nn_real *x, nn_real *target, const struct net *net)
{
    struct pn_rng rng;
    uint32_t      classes = nn_plan_class_count(net->plan);
    pn_rng_init(&rng, 5);
    for (nn_real *at = x, *end = x + ROWS * net->in; at < end;)
        for (uint32_t i = 0; i < net->plan->input_count; i++) {
            const struct nn_layer *input = &net->plan->layers[i];
            bool whole = strcmp(input->name, "index") == 0 || strcmp(input->name, "length") == 0;
            for (uint32_t k = 0; k < input->size; k++)
                *at++ = (nn_real)(whole ? (double)pn_rng_below(&rng, 50) : pn_rng_uniform(&rng));
        }
    for (size_t k = 0; k < ROWS * net->targets; k++)
        target[k] = classes > 0 ? (nn_real)pn_rng_below(&rng, classes) : x[k % (ROWS * net->in)];
}

/* The loss without draws, as dropout and noise would hide what is learnt. */
static double
evaluate(const struct net *net, const struct nn_batch *batch)
{
    size_t bytes;
    EXPECT_OK(nn_pass_bytes(&bytes, net->plan, ROWS, NN_EVALUATE));
    void  *workspace = nn_block(bytes);
    double loss = nn_loss(nn_pass_init(workspace, net->plan, ROWS, NN_EVALUATE), net->theta, batch);
    free(workspace);
    return loss;
}

static void
expect_learning(struct net *net, const char *name)
{
    size_t          in = ROWS * net->in, targets = ROWS * net->targets;
    nn_real        *x = nn_block(in * sizeof *x), *target = nn_block(targets * sizeof *target);
    struct nn_batch batch = {x, target, NULL, ROWS};
    draw_batch(x, target, net);
    nn_settle(net->pass, net->theta); /* weights of one sign start with any */
    double first = evaluate(net, &batch);
    for (uint64_t step = 0; step < STEPS; step++) {
        struct pn_rng rng;
        pn_rng_init(&rng, step);
        nn_pass_draw(net->pass, &rng, 0);
        double loss = nn_gradient(net->pass, net->grad, NULL, net->theta, &batch);
        assert_true(isfinite(loss));
        for (size_t k = 0; k < net->params; k++)
            net->theta[k] -= (nn_real)RATE * net->grad[k];
        nn_settle(net->pass, net->theta);
    }
    double last = evaluate(net, &batch);
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
    assert_true(found >= 18);
}

/* Row 66: what is cut at the code and put together again is the whole, to the bit. */
static void
an_autoencoder_is_its_encoder_and_its_decoder(void **state)
{
    (void)state;
    struct net      net;
    struct nn_range encoder, decoder;
    struct pn_error why;
    nn_real         x[ROWS * 30], whole[ROWS * 30], code[ROWS * 8];
    static char     text[4096];
    text[folder_read((uint8_t *)text, sizeof text - 1,
                     PN_SOURCE_DIR "/examples/models/autoencoder.model")] = '\0';
    net_open(&net, text, ROWS);
    fill(x, ROWS * 30, 1, 0);
    memcpy(whole, nn_forward(net.pass, net.theta, x, ROWS), sizeof whole);
    EXPECT_OK(nn_range_find(&encoder, net.plan, NULL, "code", &why));
    EXPECT_OK(nn_range_find(&decoder, net.plan, "code", NULL, &why));
    memcpy(code, nn_forward_range(net.pass, net.theta, encoder, x, ROWS), sizeof code);
    assert_memory_equal(nn_forward_range(net.pass, net.theta, decoder, code, ROWS), whole,
                        sizeof whole);
    net_close(&net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_of_the_zoo_builds_and_learns),
        cmocka_unit_test(an_autoencoder_is_its_encoder_and_its_decoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
