/* Products with a packed matrix for the levels avx2 and avx512 of nnlib/cpu. */
#include "nnlib/packed_loops.h"
#include "nnlib/packed_table.h"

void
nn_packed_add_avx2(nn_real *c, const nn_real *a, const nn_real *packed, struct nn_few_rows p)
{
    add(c, a, packed, p);
}
