#include "data/image.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDE_CHUNKS_MAX      = 16,
    SIDE_CHUNK_BYTES_MAX = 1 << 20
};

/* All that must outlive a longjmp; it is in the caller's frame. */
struct job {
    const struct data_image *image;
    size_t                   at; /* of the next byte */
    png_structp              png;
    png_infop                info;
    uint8_t                 *pixels, **rows; /* as libpng gives them: all channels of a pixel */
    uint32_t                 channels;
    enum pn_status           status;
};

static void
on_error(png_structp png, png_const_charp message)
{
    struct job *job = png_get_error_ptr(png);
    job->status     = data_image_damaged(job->image, message);
    png_longjmp(png, 1);
}

static void
on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void
on_read(png_structp png, png_bytep out, size_t size)
{
    struct job *job = png_get_io_ptr(png);
    if (size > job->image->size - job->at)
        png_error(png, "the file ends too early");
    memcpy(out, job->image->bytes + job->at, size);
    job->at += size;
}

/* Header and conversions; nothing of the size of the image is allocated yet. */
static enum pn_status
begin(struct job *job)
{
    png_set_read_fn(job->png, job, on_read);
    png_set_chunk_cache_max(job->png, SIDE_CHUNKS_MAX);
    png_set_chunk_malloc_max(job->png, SIDE_CHUNK_BYTES_MAX);
    png_read_info(job->png, job->info);
    bool           coloured = (png_get_color_type(job->png, job->info) & PNG_COLOR_MASK_COLOR) != 0;
    enum pn_status st =
        data_image_check(job->image, coloured, png_get_image_height(job->png, job->info),
                         png_get_image_width(job->png, job->info));
    if (st != PN_OK)
        return st;
    png_set_expand(job->png);
    png_set_scale_16(job->png);
    if (!coloured && job->image->channels == 3)
        png_set_gray_to_rgb(job->png);
    (void)png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    job->channels = png_get_channels(job->png, job->info);
    return PN_OK;
}

static enum pn_status
allocate(struct job *job)
{
    const struct data_image *image = job->image;
    const size_t             row   = png_get_rowbytes(job->png, job->info);
    PN_ASSERT(row == (size_t)image->width * job->channels);
    job->pixels = malloc(row * image->height);
    job->rows   = malloc(image->height * sizeof *job->rows);
    if (job->pixels == NULL || job->rows == NULL)
        return pn_error_set(image->why, PN_ENOMEM, "%s: no memory for an image", image->name);
    for (size_t h = 0; h < image->height; h++)
        job->rows[h] = job->pixels + h * row;
    return PN_OK;
}

/* Where libpng may jump from: every call of it is below this one. */
static void
decode(struct job *job)
{
    if (setjmp(png_jmpbuf(job->png)) != 0)
        return;
    if ((job->status = begin(job)) != PN_OK || (job->status = allocate(job)) != PN_OK)
        return;
    png_read_image(job->png, job->rows);
    png_read_end(job->png, NULL);
}

static enum pn_status
hand_over(uint8_t *out, const struct job *job)
{
    const struct data_image *image = job->image;
    for (uint32_t h = 0; h < image->height; h++) {
        bool opaque = true;
        if (job->channels > image->channels)
            for (uint32_t w = 1; w <= image->width; w++)
                opaque = opaque && job->rows[h][(size_t)w * job->channels - 1] == 255;
        if (!opaque)
            return pn_error_set(image->why, PN_EDATA,
                                "%s: expected an image without transparency, seen a transparent "
                                "pixel in row %u",
                                image->name, h + 1);
        data_image_put_row(out, image, h, job->rows[h], job->channels);
    }
    return PN_OK;
}

enum pn_status
data_image_png(uint8_t *out, const struct data_image *image)
{
    struct job job = {.image = image, .status = PN_OK};
    job.png        = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
    if (job.png != NULL)
        job.info = png_create_info_struct(job.png);
    if (job.info == NULL)
        job.status = pn_error_set(image->why, PN_ENOMEM, "%s: no memory for an image", image->name);
    else
        decode(&job);
    if (job.status == PN_OK)
        job.status = hand_over(out, &job);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    free(job.pixels);
    free(job.rows);
    return job.status;
}
