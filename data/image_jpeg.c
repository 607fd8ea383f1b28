#include "data/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

enum {
    SCANS_MAX  = 500,      /* of a progressive file; usual are 10 */
    MEMORY_MAX = 64 << 20, /* of libjpeg */
    ROW_MAX    = 3 * 65536
};

/* All that must outlive a longjmp; it is in the caller's frame. */
struct job {
    const struct data_image      *image;
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr         errors;
    struct jpeg_progress_mgr      progress;
    jmp_buf                       back;
    uint8_t                      *row;
    enum pn_status                status;
};

static void
fail(struct job *job, const char *how)
{
    job->status = data_image_damaged(job->image, how);
    longjmp(job->back, 1);
}

static void
on_error(j_common_ptr jpeg)
{
    struct job *job = jpeg->client_data;
    char        message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    fail(job, message);
}

/* libjpeg goes on after a warning, with pixels that it made up. */
static void
on_message(j_common_ptr jpeg, int level)
{
    if (level < 0)
        on_error(jpeg);
}

static void
on_progress(j_common_ptr jpeg)
{
    struct job *job = jpeg->client_data;
    if (job->jpeg.input_scan_number > SCANS_MAX)
        fail(job, "it has more than 500 scans");
}

static enum pn_status
begin(struct job *job)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    jpeg->mem->max_memory_to_use        = MEMORY_MAX;
    job->progress.progress_monitor      = on_progress;
    jpeg->progress                      = &job->progress;
    jpeg_mem_src(jpeg, job->image->bytes, job->image->size);
    (void)jpeg_read_header(jpeg, TRUE);
    bool grey = jpeg->jpeg_color_space == JCS_GRAYSCALE;
    if (!grey && jpeg->num_components != 3)
        return pn_error_set(job->image->why, PN_EDATA,
                            "%s: expected a JPEG with 1 or 3 channels, seen %d (CMYK?)",
                            job->image->name, jpeg->num_components);
    enum pn_status st = data_image_check(job->image, !grey, jpeg->image_height, jpeg->image_width);
    jpeg->out_color_space = job->image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method      = JDCT_ISLOW;
    return st;
}

/* Where libjpeg may jump from: every call of it is below this one. */
static void
decode(uint8_t *out, struct job *job)
{
    if (setjmp(job->back) != 0)
        return;
    jpeg_create_decompress(&job->jpeg);
    if ((job->status = begin(job)) != PN_OK)
        return;
    (void)jpeg_start_decompress(&job->jpeg);
    while (job->jpeg.output_scanline < job->jpeg.output_height) {
        JSAMPROW row = job->row;
        uint32_t h   = job->jpeg.output_scanline;
        (void)jpeg_read_scanlines(&job->jpeg, &row, 1);
        data_image_put_row(out, job->image, h, row, job->image->channels);
    }
    (void)jpeg_finish_decompress(&job->jpeg);
}

enum pn_status
data_image_jpeg(uint8_t *out, const struct data_image *image)
{
    struct job job = {.image = image, .status = PN_OK};
    size_t     row = (size_t)image->width * image->channels;
    PN_ASSERT(row <= ROW_MAX);
    if ((job.row = malloc(row)) == NULL)
        return pn_error_set(image->why, PN_ENOMEM, "%s: no memory for an image", image->name);
    job.jpeg.err            = jpeg_std_error(&job.errors);
    job.errors.error_exit   = on_error;
    job.errors.emit_message = on_message;
    job.jpeg.client_data    = &job;
    decode(out, &job);
    jpeg_destroy_decompress(&job.jpeg);
    free(job.row);
    return job.status;
}
