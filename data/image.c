#include "data/image.h"

#include <string.h>

enum pn_status
data_image_check(const struct data_image *image, bool coloured, uint32_t height, uint32_t width)
{
    if (height != image->height || width != image->width)
        return pn_error_set(image->why, PN_EDATA,
                            "%s: expected an image of %u rows and %u columns (the job's shape), "
                            "seen %u and %u",
                            image->name, image->height, image->width, height, width);
    if (coloured && image->channels == 1)
        return pn_error_set(image->why, PN_EDATA,
                            "%s: expected a grey image (the job's shape has one channel), seen a "
                            "coloured one",
                            image->name);
    return PN_OK;
}

enum pn_status
data_image_damaged(const struct data_image *image, const char *how)
{
    return pn_error_set(image->why, PN_EDATA, "%s: the image is damaged: %s", image->name, how);
}

void
data_image_put_row(uint8_t *out, const struct data_image *image, uint32_t h, const uint8_t *row,
                   uint32_t stride)
{
    const size_t plane = (size_t)image->height * image->width;
    for (uint32_t c = 0; c < image->channels; c++)
        for (uint32_t w = 0; w < image->width; w++)
            out[c * plane + (size_t)h * image->width + w] = row[(size_t)w * stride + c];
}

enum pn_status
data_image_decode(uint8_t *out, const struct data_image *image)
{
    if (image->size >= 8 && memcmp(image->bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
        return data_image_png(out, image);
    if (image->size >= 3 && memcmp(image->bytes, "\xff\xd8\xff", 3) == 0)
        return data_image_jpeg(out, image);
    return pn_error_set(image->why, PN_EDATA,
                        "%s: expected a PNG or JPEG file, seen %zu bytes that begin like neither",
                        image->name, image->size);
}
