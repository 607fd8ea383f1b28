/*
 * The formulas. N is a normal number (mean 0, deviation 1), U a uniform one in [0, 1), P(a) a
 * Poisson number of mean a. Bank b is of type b mod 5 (struct bank_type).
 *
 *     age              18..92, round(age of the bank + 14 N)
 *     usual            exp(spend of the bank + 0.6 N); not written
 *     amount           at least 0.50, usual exp(size + spread N)
 *     log_amount       ln amount
 *     log_ratio        ln (amount / usual)
 *     hour             floor(hour + 3 N) modulo 24
 *     log_km           reach + N
 *     days_since_last  -rest ln(1 - U)
 *     last_hour        P(pace)
 *     last_day         last_hour + P(2 + pace)
 *     declined         P(trouble)
 *     new_merchant     1 when U < new_merchant
 *     entry, merchant  by weight
 *     synthetic        1
 *     fraud            1 with the bank's rate
 *
 * The parameters are those of a behaviour (struct behaviour). An honest transaction has one of the
 * habits, by their weights. A fraud has one of five patterns: 0.4 the bank's own (b mod 5), 0.15
 * each other. Exceptions: 1 of 10 frauds has a habit, so that nothing gives it away, and 1 of 3000
 * honest transactions has a pattern. So no model can be perfect.
 *
 * One field alone says little, because some honest habit shares each trait (travel: far away;
 * sales: many in an hour; nights out: late); a pattern is a combination. Banks differ in age,
 * spending, rate and mixture, so that each has seen too few of four patterns to learn them alone.
 *
 * A bank draws from child (PN_RNG_GENERATE, bank) of the seed, row by row.
 */
#include "data/synth.h"

#include <math.h>
#include <stddef.h>

enum {
    TYPES     = 5,
    HABITS    = 5,
    MERCHANTS = 6,
    ENTRIES   = 4
};

static const char *const merchant_names[MERCHANTS] = {"grocery",     "fuel",   "restaurant",
                                                      "electronics", "travel", "cash"};
static const char *const entry_names[ENTRIES]      = {"chip", "contactless", "online", "magstripe"};

static const struct bank_type {
    double age, spend, fraud_rate;
} bank_types[TYPES] = {
    {44.0, 3.4, 0.020}, {38.0, 3.2, 0.006}, {57.0, 3.7, 0.010},
    {31.0, 3.0, 0.007}, {49.0, 3.9, 0.012},
};

/* Of a habit or a pattern; the letters of the formulas above. */
struct behaviour {
    double weight; /* among the habits */
    double size, spread, hour, reach, rest, pace, trouble, new_merchant;
    double entry[ENTRIES], merchant[MERCHANTS];
};

/* clang-format off */
static const struct behaviour habits[HABITS] = {
    /* daily life */
    { 0.74, 0.0, 0.8, 14.0, 1.5,  1.5, 0.2, 0.03, 0.15,
      { 4, 5, 2, 0.4 }, { 6, 2, 3, 1, 0.3, 1 } },
    /* travel: far away, sometimes by magnetic stripe */
    { 0.07, 0.5, 0.7, 13.0, 6.6,  2.0, 0.5, 0.06, 0.80,
      { 4, 3, 1, 2.0 }, { 1, 1, 4, 0.5, 4, 2 } },
    /* sales on the internet: many in an hour, small and large */
    { 0.07, -0.6, 1.0, 19.0, 3.0,  3.0, 3.0, 0.25, 0.50,
      { 0, 0, 1, 0.0 }, { 1, 0, 0.3, 4, 2, 0 } },
    /* a night out */
    { 0.06, -0.2, 0.5, 24.0, 2.0,  2.0, 1.5, 0.05, 0.35,
      { 2, 6, 0.5, 0.3 }, { 0.5, 2, 6, 0, 0.5, 2 } },
    /* the large purchase of a quiet card */
    { 0.06, 1.9, 0.5, 15.0, 2.5, 14.0, 0.1, 0.08, 0.70,
      { 5, 0.5, 4, 0.3 }, { 0.3, 0, 0.3, 5, 4, 0.5 } },
};

static const struct behaviour patterns[TYPES] = {
    /* card testing: many tiny payments on the internet, many declined */
    { 1, -2.6, 0.4, 12.0, 3.0,  2.0, 5.0, 2.00, 0.90,
      { 0, 0, 1, 0 }, { 2, 0, 2, 3, 2, 0 } },
    /* copied stripe: cash far away, wrong PINs */
    { 1, 1.4, 0.4, 11.0, 6.4,  1.0, 1.2, 1.20, 0.90,
      { 0, 0, 0, 1 }, { 0, 0.3, 0.3, 1, 0, 8 } },
    /* account taken over: a quiet card buys large on the internet, at night, far away */
    { 1, 1.8, 0.4, 27.0, 6.0, 14.0, 1.5, 0.50, 0.95,
      { 0, 0, 1, 0 }, { 0.3, 0, 0, 6, 4, 0 } },
    /* stolen card: contactless, one after the other, until it is declined */
    { 1, 0.3, 0.4, 18.0, 4.2,  0.7, 4.0, 1.20, 0.95,
      { 0, 1, 0, 0 }, { 3, 4, 1, 2, 0, 0 } },
    /* mule: large cash by chip at night, near, from an account that slept */
    { 1, 1.8, 0.4, 26.0, 1.5, 12.0, 1.5, 0.15, 0.60,
      { 1, 0, 0, 0 }, { 0, 0, 0, 0, 0, 1 } },
};
/* clang-format on */

struct transaction {
    double amount, usual, km, days_since_last;
    int    age, hour, last_hour, last_day, declined, new_merchant;
    size_t entry, merchant;
};

static int
poisson(struct pn_rng *rng, double mean)
{
    /* Knuth: how many uniform factors until the product is below e^-mean; means here are below 20.
     */
    double limit = exp(-mean), product = pn_rng_uniform(rng);
    int    count = 0;
    for (; product > limit && count < 99; count++)
        product *= pn_rng_uniform(rng);
    return count;
}

static size_t
pick(struct pn_rng *rng, const double *weights, size_t count)
{
    double total = 0.0;
    for (size_t i = 0; i < count; i++)
        total += weights[i];
    double at = pn_rng_uniform(rng) * total;
    size_t i  = 0;
    while (i + 1 < count && at >= weights[i])
        at -= weights[i++];
    return i;
}

static void
draw(struct transaction *out, struct pn_rng *rng, const struct bank_type *bank,
     const struct behaviour *how)
{
    double age  = rint(bank->age + 14.0 * pn_rng_normal(rng));
    out->age    = (int)fmin(fmax(age, 18.0), 92.0);
    out->usual  = exp(bank->spend + 0.6 * pn_rng_normal(rng));
    out->amount = fmax(out->usual * exp(how->size + how->spread * pn_rng_normal(rng)), 0.5);
    double hour = fmod(how->hour + 3.0 * pn_rng_normal(rng) + 48.0, 24.0);
    out->hour   = (int)hour;
    out->km     = exp(how->reach + pn_rng_normal(rng));
    out->days_since_last = -how->rest * log(1.0 - pn_rng_uniform(rng));
    out->last_hour       = poisson(rng, how->pace);
    out->last_day        = out->last_hour + poisson(rng, 2.0 + how->pace);
    out->declined        = poisson(rng, how->trouble);
    out->new_merchant    = pn_rng_uniform(rng) < how->new_merchant ? 1 : 0;
    out->entry           = pick(rng, how->entry, ENTRIES);
    out->merchant        = pick(rng, how->merchant, MERCHANTS);
}

static const struct behaviour *
pick_habit(struct pn_rng *rng)
{
    double weights[HABITS];
    for (size_t i = 0; i < HABITS; i++)
        weights[i] = habits[i].weight;
    return &habits[pick(rng, weights, HABITS)];
}

static const struct behaviour *
pick_pattern(struct pn_rng *rng, size_t own)
{
    double weights[TYPES];
    for (size_t i = 0; i < TYPES; i++)
        weights[i] = i == own ? 0.4 : 0.15;
    return &patterns[pick(rng, weights, TYPES)];
}

static int
write_row(FILE *out, struct pn_rng *rng, size_t type)
{
    const struct bank_type *bank  = &bank_types[type];
    bool                    fraud = pn_rng_uniform(rng) < bank->fraud_rate;
    const struct behaviour *how;
    if (fraud)
        how = pn_rng_below(rng, 10) == 0 ? pick_habit(rng) : pick_pattern(rng, type);
    else
        how = pn_rng_below(rng, 3000) == 0 ? &patterns[pn_rng_below(rng, TYPES)] : pick_habit(rng);
    struct transaction t;
    draw(&t, rng, bank, how);
    return fprintf(out, "1,%.2f,%.2f,%.2f,%d,%d,%.2f,%.1f,%d,%d,%d,%d,%s,%s,%d\n", t.amount,
                   log(t.amount), log(t.amount / t.usual), t.hour, t.age, log(t.km),
                   t.days_since_last, t.last_hour, t.last_day, t.declined, t.new_merchant,
                   entry_names[t.entry], merchant_names[t.merchant], fraud ? 1 : 0);
}

enum pn_status
data_synth_transactions(FILE *out, const struct data_synth *synth)
{
    static const char header[] =
        "synthetic,amount,log_amount,log_ratio,hour,age,log_km,days_since_last,last_hour,last_day,"
        "declined,new_merchant,entry,merchant,fraud\n";
    struct pn_rng seed, rng;
    if (synth->bank >= synth->bank_count)
        return PN_ERANGE;
    pn_rng_init(&seed, synth->seed);
    pn_rng_derive(&rng, &seed, PN_RNG_GENERATE, synth->bank);
    if (fputs(header, out) < 0)
        return PN_EIO;
    for (uint32_t i = 0; i < synth->rows; i++)
        if (write_row(out, &rng, synth->bank % TYPES) < 0)
            return PN_EIO;
    return fflush(out) == 0 ? PN_OK : PN_EIO;
}
