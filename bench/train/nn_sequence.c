/*
 * nn_sequence -- one training step of plain SGD of a model over sequences, one thread, on the data
 * and weights that bench/train/sequence.py laid out; driven by it.
 *
 *     nn_sequence MODEL DIR BATCH SECONDS
 *
 * DIR has x, target and init as raw float32: 32 batches, and theta in manifest order. Prints one
 * JSON line with the times of 32-step epochs, and writes DIR/ours, theta after the first epoch in
 * which biases of recurrent layers move twice: PyTorch and JAX have two of them that add up.
 */
#include "nnlib/pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCHES   = 32,
    EPOCHS    = 100000,
    TEXT_SIZE = 4096
};
static const double rate = 0.01;

struct bench {
    struct nn_plan *plan;
    struct nn_pass *pass;
    float          *theta, *grad, *x, *target;
    size_t          params;
    uint32_t        batch;
};

static double
now_us(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void
fail(const char *what, const char *why)
{
    fprintf(stderr, "nn_sequence: %s: %s\n", what, why);
    exit(1);
}

static void *
need(size_t bytes)
{
    void *block = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (block == NULL)
        fail("memory", "none left");
    return memset(block, 0, (bytes + 127) / 64 * 64);
}

static FILE *
open_in(const char *dir, const char *name, const char *mode)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, mode);
    if (file == NULL)
        fail(path, "cannot be opened");
    return file;
}

static float *
load(const char *dir, const char *name, size_t count)
{
    FILE  *file = open_in(dir, name, "rb");
    float *out  = need(count * sizeof *out);
    if (fread(out, sizeof *out, count, file) != count)
        fail(name, "is shorter than the model says");
    (void)fclose(file);
    return out;
}

static void
open_bench(struct bench *b, const char *model, const char *dir)
{
    static char     text[TEXT_SIZE];
    struct pn_error why = {.text = ""};
    size_t          bytes;
    FILE           *file = fopen(model, "rb");
    size_t          size = file != NULL ? fread(text, 1, sizeof text, file) : 0;
    if (size == 0 || nn_plan_new(&b->plan, text, size, &why) != PN_OK)
        fail(model, why.text);
    (void)fclose(file);
    if (nn_pass_bytes(&bytes, b->plan, b->batch, NN_TRAIN) != PN_OK)
        fail(model, "is too large");
    b->params = (size_t)nn_plan_param_count(b->plan);
    b->pass   = nn_pass_init(need(bytes), b->plan, b->batch, NN_TRAIN);
    b->grad   = need(b->params * sizeof *b->grad);
    b->x      = load(dir, "x", (size_t)BATCHES * b->batch * nn_plan_input_size(b->plan));
    b->target = load(dir, "target", (size_t)BATCHES * b->batch);
    b->theta  = load(dir, "init", b->params);
}

static struct nn_batch
batch_of(const struct bench *b, size_t i)
{
    return (struct nn_batch){b->x + i * b->batch * nn_plan_input_size(b->plan),
                             b->target + i * b->batch, NULL, b->batch};
}

/* The peers' epoch: two biases of one gradient each move their sum twice as far. */
static void
write_parity(struct bench *b, const char *dir)
{
    size_t                  count;
    const struct nn_tensor *rows  = nn_plan_manifest(b->plan, &count);
    float                  *theta = need(b->params * sizeof *theta);
    memcpy(theta, b->theta, b->params * sizeof *theta);
    for (size_t i = 0; i < BATCHES; i++) {
        struct nn_batch batch = batch_of(b, i);
        (void)nn_gradient(b->pass, b->grad, NULL, theta, &batch);
        for (size_t t = 0; t < count; t++)
            for (size_t k = rows[t].offset; k < rows[t].offset + rows[t].count; k++)
                theta[k] -=
                    (float)(strstr(rows[t].name, "bias_ih") != NULL ? 2 * rate : rate) * b->grad[k];
    }
    FILE *file = open_in(dir, "ours", "wb");
    if (fwrite(theta, sizeof *theta, b->params, file) != b->params || fclose(file) != 0)
        fail(dir, "ours cannot be written");
    free(theta);
}

int
main(int argc, char **argv)
{
    if (argc != 5 || nn_start_up() != PN_OK)
        fail("usage", "nn_sequence MODEL DIR BATCH SECONDS, with a BLAS that can run one thread");
    struct bench b = {.batch = (uint32_t)strtoul(argv[3], NULL, 10)};
    open_bench(&b, argv[1], argv[2]);
    write_parity(&b, argv[2]);
    double wall = 1e18, cpu = 1e18, loss = 0, first = 0, end;
    end = now_us(CLOCK_MONOTONIC) + strtod(argv[4], NULL) * 1e6;
    for (size_t e = 0; e < EPOCHS && (e < 5 || now_us(CLOCK_MONOTONIC) < end); e++) {
        double w = now_us(CLOCK_MONOTONIC), c = now_us(CLOCK_PROCESS_CPUTIME_ID);
        for (size_t i = 0; i < BATCHES; i++) {
            struct nn_batch batch = batch_of(&b, i);
            loss                  = nn_sgd(b.pass, b.theta, &batch, rate, 0);
        }
        w     = (now_us(CLOCK_MONOTONIC) - w) / BATCHES;
        c     = (now_us(CLOCK_PROCESS_CPUTIME_ID) - c) / BATCHES;
        wall  = w < wall ? w : wall;
        cpu   = c < cpu ? c : cpu;
        first = e == 0 ? loss : first;
    }
    printf("{\"peer\": \"panal\", \"us_per_step_min\": %.1f, \"cpu_us_per_step_min\": %.1f, "
           "\"loss_after_32_steps\": %.5f}\n",
           wall, cpu, first);
    return 0;
}
