/*
 * text/safetensors -- the header of a model file: 8 bytes of length, then JSON.
 *
 * https://github.com/huggingface/safetensors (format section). Only F32 tensors
 * in this version. The data section is the flat parameter array, dense, in
 * manifest order, little-endian: no holes, no overlaps, no bytes left over.
 *
 * Limits     header of at most 1 MiB, 4096 tensors, 4 dimensions.
 * Errors     PN_EDATA with a sentence for any file that is not exactly so.
 */
#ifndef TEXT_SAFETENSORS_H
#define TEXT_SAFETENSORS_H

#include "base/bytes.h"

struct text_tensor {
    char     name[96];
    uint32_t dims;      /* 0..4                     */
    uint64_t dim[4];
    uint64_t offset;    /* floats from the start    */
    uint64_t count;     /* floats                   */
};

struct text_meta {
    char key[64], value[256];
};

struct text_safetensors {
    struct text_tensor *tensors;
    size_t              tensor_count;
    struct text_meta   *meta; /* the file's __metadata__ */
    size_t              meta_count;
    uint64_t            data_offset; /* bytes from the start of the file */
    uint64_t            float_count;
};

/*
 * Appends length, JSON and padding (to 8 bytes) to `out`; the floats follow it in the file. Uses
 * the tensors and the meta of `header`. PN_EDATA for names that are not UTF-8 or stand there twice,
 * PN_ERANGE beyond the limits of the header or of `out`.
 */
PN_MUST_CHECK enum pn_status text_safetensors_encode(struct pn_buffer *out,
                                                     const struct text_safetensors *header);
/*
 * Reads the header at the start of `bytes` (the first `size` bytes of a file of
 * `file_size`). Tensors come in the order of their data. Release with fini.
 */
PN_MUST_CHECK enum pn_status text_safetensors_decode(struct text_safetensors *out,
                                                     const uint8_t *bytes, size_t size,
                                                     uint64_t file_size, struct pn_error *why);
void text_safetensors_fini(struct text_safetensors *header);

#endif
