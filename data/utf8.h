/*
 * data/utf8 -- one character of UTF-8 (RFC 3629).
 */
#ifndef DATA_UTF8_H
#define DATA_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The character at the start of `bytes`, and how many of them it has (1..4); 0 when there is none:
 * empty, cut off, longer than need be, a surrogate, beyond U+10FFFF. */
size_t data_utf8_decode(uint32_t *code, const uint8_t *bytes, size_t size);

#endif
