/*
 * data/synth -- documented generator of synthetic card transactions.
 *
 * For demos and tests, never to be mistaken for data of people: every record carries a column
 * `synthetic` that is always 1. Banks differ in customers (age, spending), in amounts, in fraud
 * rate (0.6 % to 2 %) and in which fraud patterns they see; a pattern that one bank has seldom seen
 * is common at another, which is what federation brings. Labels have noise, so no model is perfect.
 * The formula of every column stands in data/synth.c. Same seed, same file; seeded by Philox.
 */
#ifndef DATA_SYNTH_H
#define DATA_SYNTH_H

#include "base/rng.h"
#include "base/status.h"

#include <stdio.h>

struct data_synth {
    uint64_t seed;
    uint32_t bank, bank_count; /* bank 0..bank_count-1 */
    uint32_t rows;
};
/* Writes CSV (RFC 4180, LF, a header line) to `out`. PN_EIO when writing fails, PN_ERANGE unless
 * bank < bank_count. */
PN_MUST_CHECK enum pn_status data_synth_transactions(FILE *out, const struct data_synth *synth);

#endif
