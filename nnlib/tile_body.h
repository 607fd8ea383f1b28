/*
 * nnlib/tile_body -- the loops of tile.h for one block of lanes; tile.c includes it once for each
 * instruction set and block size, with
 *     TILE(name)  the functions' names      TARGET   the function attribute of the instruction set
 *     VECTOR      bytes of a vector         VECTORS  vectors of a block
 *     ROWS        positions (taps) of a tile
 *     FMA(a, b, c)  a b + c
 */

/* May lie anywhere, and alias nn_real. */
typedef nn_real TILE(loose)
    __attribute__((vector_size(VECTOR), aligned(sizeof(nn_real)), may_alias));
typedef nn_real TILE(vector) __attribute__((vector_size(VECTOR)));

enum {
    TILE(WIDTH) = VECTOR / sizeof(nn_real),
    TILE(BLOCK) = TILE(WIDTH) * VECTORS
};

/* One tile: up to ROWS positions. */
TARGET static void
TILE(correlate_tile)(nn_real *const *out, const nn_real *const *in, size_t count, const nn_real *w,
                     const nn_real *start, const struct nn_sweep *s)
{
    TILE(vector) sum[ROWS][VECTORS];
    for (size_t j = 0; j < ROWS; j++)
        for (size_t v = 0; v < VECTORS; v++)
            sum[j][v] = *(const TILE(loose) *)(start + v * TILE(WIDTH));
    for (size_t r = 0; r < s->run_count; r++)
        for (size_t i = s->runs[r], end = i + s->run_length; i < end; i++, w += TILE(BLOCK)) {
            TILE(vector) row[VECTORS];
            _Pragma("GCC unroll 16") for (size_t v = 0; v < VECTORS; v++) row[v] =
                *(const TILE(loose) *)(w + v * TILE(WIDTH));
            _Pragma("GCC unroll 16") for (size_t j = 0; j < ROWS; j++)
            {
                TILE(vector) x = in[j][i] - (TILE(vector)){0};
                _Pragma("GCC unroll 16") for (size_t v = 0; v < VECTORS; v++) sum[j][v] =
                    FMA(x, row[v], sum[j][v]);
            }
        }
    for (size_t j = 0; j < count; j++)
        for (size_t v = 0; v < VECTORS; v++)
            *(TILE(loose) *)(out[j] + v * TILE(WIDTH)) = sum[j][v];
}

TARGET static void
TILE(correlate)(nn_real *out, const nn_real *in, const nn_real *w, const nn_real *start,
                const struct nn_sweep *s)
{
    nn_real       *to[ROWS];
    const nn_real *from[ROWS];
    size_t         count = 0;
    for (size_t r = 0; r < s->rows; r++)
        for (size_t c = 0; c < s->cols; c++) {
            to[count]     = out + r * s->out_row + c * s->out_col;
            from[count++] = in + r * s->in_row + c * s->in_col;
            if (count == ROWS) {
                TILE(correlate_tile)(to, from, count, w, start, s);
                count = 0;
            }
        }
    if (count == 0)
        return;
    for (size_t j = count; j < ROWS; j++)
        from[j] = from[0];
    TILE(correlate_tile)(to, from, count, w, start, s);
}

/* One tile: up to ROWS taps that lie together. */
TARGET static void
TILE(weights_tile)(nn_real *w, size_t count, const nn_real *in, const nn_real *out,
                   const struct nn_sweep *s)
{
    TILE(vector) sum[ROWS][VECTORS] = {0};
    for (size_t j = 0; j < count; j++)
        for (size_t v = 0; v < VECTORS; v++)
            sum[j][v] = *(const TILE(loose) *)(w + j * TILE(BLOCK) + v * TILE(WIDTH));
    for (size_t r = 0; r < s->rows; r++) {
        const nn_real *x = in + r * s->in_row, *g = out + r * s->out_row;
        for (size_t c = 0; c < s->cols; c++, x += s->in_col, g += s->out_col) {
            TILE(vector) row[VECTORS];
            _Pragma("GCC unroll 16") for (size_t v = 0; v < VECTORS; v++) row[v] =
                *(const TILE(loose) *)(g + v * TILE(WIDTH));
            _Pragma("GCC unroll 16") for (size_t j = 0; j < ROWS; j++)
            {
                TILE(vector) tap = x[j] - (TILE(vector)){0};
                _Pragma("GCC unroll 16") for (size_t v = 0; v < VECTORS; v++) sum[j][v] =
                    FMA(tap, row[v], sum[j][v]);
            }
        }
    }
    for (size_t j = 0; j < count; j++)
        for (size_t v = 0; v < VECTORS; v++)
            *(TILE(loose) *)(w + j * TILE(BLOCK) + v * TILE(WIDTH)) = sum[j][v];
}

TARGET static void
TILE(weights)(nn_real *w, const nn_real *in, const nn_real *out, const struct nn_sweep *s)
{
    for (size_t r = 0; r < s->run_count; r++)
        for (size_t i = 0; i < s->run_length; i += ROWS) {
            size_t count = s->run_length - i < ROWS ? s->run_length - i : ROWS;
            TILE(weights_tile)(w, count, in + s->runs[r] + i, out, s);
            w += count * TILE(BLOCK);
        }
}
