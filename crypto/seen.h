/*
 * crypto/seen -- signatures of statements that come more than once.
 *
 * What a member of a swarm commits to, reports and votes comes in a message of its own and again in
 * the block that names it, the same to the last bit. To check it costs 60 us, to know it again one.
 *
 * A good one is known by H("seen", domain | 00 | key 32 | signature 64 | bytes): the newest few
 * hundred, of each thread. A bad one is checked each time. So the answer is that of sec_verify, and
 * only its cost depends on what was asked before.
 *
 * Memory     32 KiB a thread that asks.   Threads  any.
 */
#ifndef CRYPTO_SEEN_H
#define CRYPTO_SEEN_H

#include "crypto/keys.h"

PN_MUST_CHECK bool sec_verify_again(const struct sec_signature *signature, const char *domain,
                                    const void *bytes, size_t size,
                                    const struct sec_sign_public *key);

#endif
