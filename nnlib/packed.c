#include "nnlib/packed.h"

#include "nnlib/cpu.h"
#include "nnlib/packed_loops.h"
#include "nnlib/packed_table.h"

#include <string.h>

size_t
nn_packed_count(size_t k, size_t n)
{
    return (n + NN_PANEL - 1) / NN_PANEL * NN_PANEL * k;
}

void
nn_pack(nn_real *out, struct nn_operand b, size_t k, size_t n)
{
    for (size_t j = 0; j < n; j += NN_PANEL, out += k * NN_PANEL) {
        size_t width = n - j < NN_PANEL ? n - j : NN_PANEL;
        if (width < NN_PANEL)
            memset(out, 0, k * NN_PANEL * sizeof *out);
        if (b.transposed)
            for (size_t i = 0; i < k; i++)
                for (size_t c = 0; c < width; c++)
                    out[i * NN_PANEL + c] = b.at[(j + c) * b.stride + i];
        else
            for (size_t i = 0; i < k; i++)
                memcpy(out + i * NN_PANEL, b.at + i * b.stride + j, width * sizeof *out);
    }
}

void
nn_packed_add(nn_real *c, const nn_real *a, const nn_real *packed, struct nn_few_rows p)
{
#ifdef NN_X86 /* not in the double build */
    if (nn_cpu_level() >= NN_CPU_AVX2) {
        nn_packed_add_avx2(c, a, packed, p);
        return;
    }
#endif
    add(c, a, packed, p);
}
