/*
 * crypto/nominal -- a second implementation of signatures and hashes that proves nothing and costs
 * next to nothing: for simulations that study learning (design.md, section 10).
 *
 *     signature   64-bit keyed tag, then SEC_NOMINAL_MARK; whoever knows the public key can make it
 *     hash        128 bits of a multiply-and-fold hash (after wyhash, Wang Yi, public domain),
 *                 stretched to 32 bytes: finds accidents, no attacks
 *
 * The models of a run do not depend on it: they are those of the run with real cryptography.
 * Built as a library of its own that only sim/ may link (tests/check_layers.sh).
 */
#ifndef CRYPTO_NOMINAL_H
#define CRYPTO_NOMINAL_H

#include "crypto/suite.h"

extern const struct sec_suite sec_suite_nominal;

#endif
