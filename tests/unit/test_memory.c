/* What an LSTM is for: a symbol remembered over 20 steps of others. */
#include "support/adam.h"

enum {
    SYMBOLS = 4,
    LAG     = 20,
    ROWS    = 32,
    STEPS   = LAG + 1,
    WIDTH   = SYMBOLS + 1
};

/* One of four symbols at each step, and a mark on the first, which is the target. */
static void
draw_symbols(float *x, float *target, struct pn_rng *rng)
{
    memset(x, 0, (size_t)ROWS * STEPS * WIDTH * sizeof *x);
    for (size_t b = 0; b < ROWS; b++)
        for (size_t s = 0; s < STEPS; s++) {
            float   *step   = x + (b * STEPS + s) * WIDTH;
            uint64_t symbol = pn_rng_below(rng, SYMBOLS);
            step[symbol]    = 1;
            if (s > 0)
                continue;
            step[SYMBOLS] = 1;
            target[b]     = (float)symbol;
        }
}

/* The mean loss of the last 50 of 400 steps; guessing is ln 4 = 1.386. */
static double
remember(const char *layer, uint64_t seed)
{
    static float    x[ROWS * STEPS * WIDTH], target[ROWS];
    struct nn_batch batch = {x, target, NULL, ROWS};
    struct adam     l;
    struct pn_rng   rng;
    char            text[256];
    double          sum = 0;
    (void)snprintf(text, sizeof text,
                   "x = input %dx%d\nh = %s output=last\no = dense h %d init=xavier\n"
                   "l = cce_logits o\n",
                   STEPS, WIDTH, layer, SYMBOLS);
    adam_open(&l, text, ROWS);
    pn_rng_init(&rng, seed);
    nn_plan_init(l.net.theta, l.net.plan, &rng);
    for (int step = 0; step < 400; step++) {
        draw_symbols(x, target, &rng);
        double loss = learn(&l, &batch, 0.003);
        sum += step >= 350 ? loss : 0;
    }
    adam_close(&l);
    return sum / 50;
}

static void
an_lstm_remembers_over_20_steps_where_an_rnn_does_not(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        double lstm = remember("lstm x 32", seed);
        double rnn  = remember("rnn x 32 init=torch recurrent=torch", seed);
        if (lstm > 0.1 || rnn < 1.2)
            fail_msg("seed %d: loss of the lstm %.4f, of the rnn %.4f", (int)seed, lstm, rnn);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_lstm_remembers_over_20_steps_where_an_rnn_does_not),
    };
    EXPECT_OK(nn_start_up());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
