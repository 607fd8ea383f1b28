/*
 * data/image -- a PNG or JPEG file in memory, as bytes (C, H, W).
 *
 * The size is known before: a file of another size is refused after its header, before a pixel is
 * unpacked, so that a small file cannot ask for much memory. One channel is grey, three are red,
 * green, blue; a grey image becomes three equal channels, a coloured one never grey. PNG: palettes
 * and 1 to 16 bits a channel become 8 bits, gamma is not looked at, transparency is refused. JPEG:
 * the slow, exact transform, so that every machine sees the same bytes; CMYK is refused, and so is
 * a file that libjpeg would repair.
 *
 * Limits     files of 16 MiB; PNG side chunks of 1 MiB; JPEG of 500 scans.
 * Errors     PN_EDATA naming the file: what was expected, what was seen.
 */
#ifndef DATA_IMAGE_H
#define DATA_IMAGE_H

#include "base/bytes.h"

enum {
    DATA_IMAGE_FILE_MAX = 16 << 20
};

struct data_image {
    const char      *name; /* for messages */
    const uint8_t   *bytes;
    size_t           size;
    uint32_t         channels, height, width; /* expected */
    struct pn_error *why;
};

/* `out` holds channels * height * width bytes. */
PN_MUST_CHECK enum pn_status data_image_decode(uint8_t *out, const struct data_image *image);

/* For the two decoders: */
PN_MUST_CHECK enum pn_status data_image_png(uint8_t *out, const struct data_image *image);
PN_MUST_CHECK enum pn_status data_image_jpeg(uint8_t *out, const struct data_image *image);
PN_MUST_CHECK enum pn_status data_image_check(const struct data_image *image, bool coloured,
                                              uint32_t height, uint32_t width);
PN_MUST_CHECK enum pn_status data_image_damaged(const struct data_image *image, const char *how);
/* Row `h`, whose pixels are `stride` bytes apart, into its planes. */
void data_image_put_row(uint8_t *out, const struct data_image *image, uint32_t h,
                        const uint8_t *row, uint32_t stride);

#endif
