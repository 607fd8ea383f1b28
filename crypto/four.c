#include "crypto/four.h"

#include <sodium.h>

void
sec_four_plain(struct sec_hash out[static SEC_FOUR], uint8_t prefix,
               const uint8_t *const in[static SEC_FOUR], size_t size)
{
    for (size_t i = 0; i < SEC_FOUR; i++) {
        crypto_generichash_state state;
        /* SAFE: these fail only for sizes that do not occur here. */
        (void)crypto_generichash_init(&state, NULL, 0, sizeof out[i].bytes);
        (void)crypto_generichash_update(&state, &prefix, 1);
        (void)crypto_generichash_update(&state, in[i], size);
        (void)crypto_generichash_final(&state, out[i].bytes, sizeof out[i].bytes);
    }
}

#if defined(__x86_64__)

bool
sec_four_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

#else

bool
sec_four_has_avx2(void)
{
    return false;
}

void
sec_four_avx2(struct sec_hash out[static SEC_FOUR], uint8_t prefix,
              const uint8_t *const in[static SEC_FOUR], size_t size)
{
    sec_four_plain(out, prefix, in, size);
}

#endif

void
sec_four_hash(struct sec_hash out[static SEC_FOUR], uint8_t prefix,
              const uint8_t *const in[static SEC_FOUR], size_t size)
{
    if (sec_four_has_avx2())
        sec_four_avx2(out, prefix, in, size);
    else
        sec_four_plain(out, prefix, in, size);
}
