/* The character LSTM of examples/models on tiny Shakespeare: at most 1.72 nats after 4 epochs and
 * 1.62 after 8 (features.md, 3.5), from three seeds. The text needs PANAL_DATA (default
 * ../shared/data). */
#include "support/adam.h"

enum {
    TEXT_MAX = 1200000,
    BLOCK    = 64,
    STREAMS  = 32,
    JUDGES   = 50,
    SEEDS    = 3,
    EPOCHS   = 8
};

/* The text as numbers of its symbols in order of their codes; its length, 0: not there. */
static size_t
read_text(float *out)
{
    static unsigned char bytes[TEXT_MAX];
    char                 path[1024];
    const char          *data = getenv("PANAL_DATA");
    (void)snprintf(path, sizeof path, "%s/tinyshakespeare/input.txt",
                   data != NULL ? data : PN_SOURCE_DIR "/../shared/data");
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t size      = fread(bytes, 1, sizeof bytes, file);
    int    code[256] = {0}, symbols = 0;
    (void)fclose(file);
    for (size_t i = 0; i < size; i++)
        code[bytes[i]] = 1;
    for (int c = 0; c < 256; c++)
        code[c] = code[c] != 0 ? symbols++ : 0;
    assert_int_equal(symbols, 65);
    for (size_t i = 0; i < size; i++)
        out[i] = (float)code[bytes[i]];
    return size;
}

/* Block number `block` of `streams` equal parts of the text: characters, and those that follow. */
static void
cut(float *x, float *target, const float *text, size_t size, size_t streams, size_t block)
{
    size_t length = (size - 1) / streams;
    for (size_t b = 0; b < streams; b++)
        for (size_t s = 0; s < BLOCK; s++) {
            x[b * BLOCK + s]      = text[b * length + block * BLOCK + s];
            target[b * BLOCK + s] = text[b * length + block * BLOCK + s + 1];
        }
}

/* Mean nats a character, 50 streams with carried state. */
static double
judge(const struct net *net, const float *text, size_t size)
{
    static float x[JUDGES * BLOCK], target[JUDGES * BLOCK];
    size_t       bytes, blocks = (size - 1) / JUDGES / BLOCK;
    double       sum = 0;
    EXPECT_OK(nn_pass_bytes(&bytes, net->plan, JUDGES, NN_EVALUATE));
    void           *block = nn_block(bytes);
    struct nn_pass *pass  = nn_pass_init(block, net->plan, JUDGES, NN_EVALUATE);
    for (size_t i = 0; i < blocks; i++) {
        struct nn_batch batch = {x, target, NULL, JUDGES};
        cut(x, target, text, size, JUDGES, i);
        nn_pass_carry(pass, i > 0);
        sum += nn_loss(pass, net->theta, &batch);
    }
    free(block);
    return sum / (double)blocks;
}

/* From one seed's first weights; both bars on the last tenth of the text. */
static void
learn_from(uint64_t seed, const char *model, const float *text, size_t size)
{
    static float    x[STREAMS * BLOCK], target[STREAMS * BLOCK];
    struct nn_batch batch = {x, target, NULL, STREAMS};
    struct adam     l;
    struct pn_rng   rng;
    size_t          part = size * 9 / 10, blocks = (part - 1) / STREAMS / BLOCK;
    adam_open(&l, model, STREAMS);
    pn_rng_init(&rng, seed);
    nn_plan_init(l.net.theta, l.net.plan, &rng);
    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        double sum = 0;
        for (size_t i = 0; i < blocks; i++) {
            cut(x, target, text, part, STREAMS, i);
            nn_pass_carry(l.net.pass, i > 0);
            sum += learn(&l, &batch, 0.002);
        }
        double nats = judge(&l.net, text + part, size - part);
        print_message("seed %d, epoch %d: %.3f nats in training, %.3f on the last tenth\n",
                      (int)seed, epoch, sum / (double)blocks, nats);
        if (epoch == 4)
            assert_true(nats <= 1.72);
        if (epoch == EPOCHS)
            assert_true(nats <= 1.62);
    }
    adam_close(&l);
}

static void
a_character_lstm_learns_shakespeare(void **state)
{
    (void)state;
    static char  model[1024];
    static float text[TEXT_MAX];
    size_t       size = read_text(text);
    FILE        *file = fopen(PN_SOURCE_DIR "/examples/models/lstm_characters.model", "rb");
    assert_non_null(file);
    assert_true(fread(model, 1, sizeof model - 1, file) > 0);
    (void)fclose(file);
    if (size == 0) {
        print_message(
            "SKIPPED: there is no tinyshakespeare/input.txt; set PANAL_DATA to the folder of "
            "the datasets\n");
        skip();
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        learn_from(seed, model, text, size);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_character_lstm_learns_shakespeare),
    };
    EXPECT_OK(nn_start_up());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
