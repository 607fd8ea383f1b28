/*
 * base/bytes -- little-endian numbers, hexadecimal text, sizes that cannot
 * overflow, and a growing buffer with a limit.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/status.h"

#include <stdint.h>

__extension__ typedef __int128          pn_i128;
__extension__ typedef unsigned __int128 pn_u128;

typedef uint64_t pn_ms; /* milliseconds from an origin that the host chooses */

/* `a + b`, or the largest pn_ms: a deadline never wraps into the past. */
pn_ms pn_ms_add(pn_ms a, pn_ms b);

/* Little-endian, whatever the machine; one store or load where it is that itself. */
static inline void
pn_put_u16(uint8_t out[static 2], uint16_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

static inline void
pn_put_u32(uint8_t out[static 4], uint32_t value)
{
    pn_put_u16(out, (uint16_t)value);
    pn_put_u16(out + 2, (uint16_t)(value >> 16));
}

static inline void
pn_put_u64(uint8_t out[static 8], uint64_t value)
{
    pn_put_u32(out, (uint32_t)value);
    pn_put_u32(out + 4, (uint32_t)(value >> 32));
}

static inline uint16_t
pn_get_u16(const uint8_t in[static 2])
{
    return (uint16_t)(in[0] | in[1] << 8);
}

static inline uint32_t
pn_get_u32(const uint8_t in[static 4])
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static inline uint64_t
pn_get_u64(const uint8_t in[static 8])
{
    return pn_get_u32(in) | (uint64_t)pn_get_u32(in + 4) << 32;
}

/* IEEE-754 doubles, as their bits, little-endian. */
void   pn_put_f64(uint8_t out[static 8], double value);
double pn_get_f64(const uint8_t in[static 8]);
/* Two's complement, 16 bytes. */
void    pn_put_i128(uint8_t out[static 16], pn_i128 value);
pn_i128 pn_get_i128(const uint8_t in[static 16]);

/* `*out = a * b` or `a + b`; false and `*out` untouched on overflow. */
PN_MUST_CHECK bool pn_size_mul(size_t *out, size_t a, size_t b);
PN_MUST_CHECK bool pn_size_add(size_t *out, size_t a, size_t b);

/* Lower-case hexadecimal; `out` holds 2 * size + 1 characters. */
void pn_hex_encode(char *out, const uint8_t *bytes, size_t size);
/* False unless `text` is exactly 2 * size hexadecimal digits. */
PN_MUST_CHECK bool pn_hex_decode(uint8_t *out, size_t size, const char *text);

/* CRC-32C (Castagnoli, RFC 3720 B.4); start with 0, feed the result back in. */
uint32_t pn_crc32c(uint32_t crc, const uint8_t *bytes, size_t size);

/* Memory for many bytes, to release with free; NULL when there is none. It begins at a cache line:
 * on Zen 3 the kernel reads a file four times as fast into it as into what malloc gives, which is
 * 16 bytes off. Where there are huge pages, what is large lies in some. */
void *pn_bulk(uint64_t size);

/* A growing byte buffer. `limit` is its largest size. Release with fini. */
struct pn_buffer {
    uint8_t *bytes;
    size_t   size, capacity, limit;
};
void pn_buffer_init(struct pn_buffer *buffer, size_t limit);
void pn_buffer_fini(struct pn_buffer *buffer);
void pn_buffer_clear(struct pn_buffer *buffer);
/* PN_ERANGE beyond the limit, PN_ENOMEM; the buffer is then unchanged. */
PN_MUST_CHECK enum pn_status pn_buffer_append(struct pn_buffer *buffer, const void *bytes,
                                              size_t size);
/* `size` more bytes, for the caller to fill. */
PN_MUST_CHECK enum pn_status pn_buffer_extend(struct pn_buffer *buffer, size_t size);
PN_MUST_CHECK enum pn_status pn_buffer_printf(struct pn_buffer *buffer, const char *format, ...)
    PN_PRINTF(2, 3);

#endif
