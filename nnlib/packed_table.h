/* nnlib/packed_table -- nn_packed_add at each level; for packed.c and packed_*.c only. */
#ifndef NNLIB_PACKED_TABLE_H
#define NNLIB_PACKED_TABLE_H

#include "nnlib/packed.h"

typedef void nn_packed_function(nn_real *c, const nn_real *a, const nn_real *packed,
                                struct nn_few_rows p);

nn_packed_function nn_packed_add_avx2;

#endif
