/* Any bytes as a PNG or JPEG file of a known size; the first byte chooses grey or coloured. */
#include "data/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct pn_error why = {.text = ""};
    uint8_t         pixels[3 * 12 * 16];
    if (size == 0)
        return 0;
    const struct data_image image = {.name     = "image",
                                     .bytes    = bytes + 1,
                                     .size     = size - 1,
                                     .channels = (bytes[0] & 1) != 0 ? 3 : 1,
                                     .height   = 12,
                                     .width    = 16,
                                     .why      = &why};
    if (data_image_decode(pixels, &image) != PN_OK && why.text[0] == '\0')
        abort();
    return 0;
}
