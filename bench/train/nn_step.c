/*
 * nn_step -- microseconds of one training step (gather-free: gradient and SGD), one thread.
 *
 *     nn_step [seconds per model]      prints the minimum and the median over runs of 100 steps
 *
 * Compare with shared figures on the same machine only.
 */
#include "nnlib/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RUNS_MAX = 4096,
    STEPS    = 100
};

struct model {
    const char *name, *text;
    uint32_t    batch;
};

static const struct model models[] = {
    {"fraud MLP 30-64-32-2, batch 32",
     "x = input 30\nfc1 = dense x 64\na1 = relu fc1\nfc2 = dense a1 32\na2 = relu fc2\n"
     "out = dense a2 2 init=xavier\nloss = cce_logits out\n",
     32},
    {"fraud MLP 30-64-32-2, batch 256",
     "x = input 30\nfc1 = dense x 64\na1 = relu fc1\nfc2 = dense a1 32\na2 = relu fc2\n"
     "out = dense a2 2 init=xavier\nloss = cce_logits out\n",
     256},
    {"2NN 784-200-200-10, batch 10",
     "x = input 784\nfc1 = dense x 200\na1 = relu fc1\nfc2 = dense a1 200\na2 = relu fc2\n"
     "out = dense a2 10 init=xavier\nloss = cce_logits out\n",
     10},
    {"logistic regression 784-10, batch 10",
     "x = input 784\nout = dense x 10 init=zero\nloss = cce_logits out\n", 10},
};

static double
now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int
by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Memory for n numbers of training; the program ends without it. */
static void *
need(size_t bytes)
{
    void *block = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (block == NULL)
        exit(1);
    return memset(block, 0, (bytes + 127) / 64 * 64);
}

static void
measure(const struct model *model, double seconds)
{
    static double              runs[RUNS_MAX];
    struct nn_plan            *plan;
    struct pn_error            why = {.text = ""};
    struct nn_optimiser_config sgd;
    struct pn_rng              rng;
    size_t                     bytes, count = 0;
    if (nn_plan_new(&plan, model->text, strlen(model->text), &why) != PN_OK ||
        nn_pass_bytes(&bytes, plan, model->batch, NN_TRAIN) != PN_OK) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    size_t          params = (size_t)nn_plan_param_count(plan), in = nn_plan_input_size(plan);
    float          *theta = need(params * 4), *grad = need(params * 4);
    float          *x = need(model->batch * in * 4), *target = need(model->batch * 4);
    struct nn_pass *pass  = nn_pass_init(need(bytes), plan, model->batch, NN_TRAIN);
    struct nn_batch batch = {.x = x, .target = target, .rows = model->batch};
    nn_optimiser_init(&sgd, &nn_sgd_kind);
    pn_rng_init(&rng, 1);
    nn_plan_init(theta, plan, &rng);
    for (size_t i = 0; i < model->batch * in; i++)
        x[i] = (float)pn_rng_normal(&rng);
    for (uint32_t i = 0; i < model->batch; i++)
        target[i] = (float)pn_rng_below(&rng, nn_plan_class_count(plan));

    double end = now_us() + seconds * 1e6, loss = 0;
    for (uint64_t step = 1; count < RUNS_MAX && now_us() < end; count++) {
        double start = now_us();
        for (int i = 0; i < STEPS; i++, step++) {
            loss = nn_gradient(pass, grad, NULL, theta, &batch);
            nn_optimiser_step(theta, NULL, grad, plan, &sgd, step);
        }
        runs[count] = (now_us() - start) / STEPS;
    }
    qsort(runs, count, sizeof runs[0], by_value);
    printf("%-40s %8.1f us min %8.1f us median   loss %.4f\n", model->name, runs[0],
           runs[count / 2], loss);
}

int
main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    if (nn_start_up() != PN_OK) {
        fprintf(stderr, "nn_step: BLAS cannot be set to one thread\n");
        return 1;
    }
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        measure(&models[i], seconds);
    return 0;
}
