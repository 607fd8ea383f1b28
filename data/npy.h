/*
 * data/npy -- an array of NumPy's NPY format (versions 1, 2 and 3; NEP 1), read number by number.
 *
 * Little-endian f4, f8, i1 to i8, u1 to u8 and bool, in C order. Everything else is refused with
 * what to do in Python: pickled objects, records, complex numbers, big-endian, Fortran order.
 *
 * Limits     a header of 10000 bytes (NumPy's own limit), 8 dimensions.
 * Errors     PN_EDATA naming the file.
 */
#ifndef DATA_NPY_H
#define DATA_NPY_H

#include "data/stream.h"

enum {
    DATA_NPY_DIMS_MAX = 8
};

struct data_npy {
    char     kind;      /* f, i, u or b */
    uint32_t item_size; /* bytes of a number: 1, 2, 4 or 8 */
    uint32_t dims;
    uint64_t dim[DATA_NPY_DIMS_MAX];
};

/* The header of the array at the start of `stream`. */
PN_MUST_CHECK enum pn_status data_npy_read_header(struct data_npy *out, struct data_stream *stream,
                                                  struct pn_error *why);
/* The next `count` numbers. Integers beyond 2^53 are rounded; NaN and Inf pass. */
PN_MUST_CHECK enum pn_status data_npy_read(double *out, size_t count, const struct data_npy *npy,
                                           struct data_stream *stream, struct pn_error *why);
/* "10000x28x28" */
void data_npy_shape_text(char out[static 200], const struct data_npy *npy);

#endif
