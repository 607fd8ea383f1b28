/*
 * sgemm -- billions of floating-point operations a second of this BLAS, one thread, 1024^3: what
 * bench/train holds large layers against.
 */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    SIZE   = 1024,
    PASSES = 40
};

static double
now(void)
{
    struct timespec clock;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &clock);
    return (double)clock.tv_sec + 1e-9 * (double)clock.tv_nsec;
}

int
main(void)
{
    static float a[SIZE * SIZE], b[SIZE * SIZE], c[SIZE * SIZE];
    double       best = 1e9;
    for (size_t i = 0; i < (size_t)SIZE * SIZE; i++) {
        a[i] = (float)(i % 7);
        b[i] = (float)(i % 5);
    }
    openblas_set_num_threads(1);
    for (int i = 0; i < PASSES; i++) {
        double began = now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIZE, SIZE, SIZE, 1.0f, a, SIZE, b,
                    SIZE, 0.0f, c, SIZE);
        double took = now() - began;
        best        = took < best ? took : best;
    }
    printf("{\"gflops\": %.3f}\n", 2.0 * SIZE * SIZE * SIZE / best * 1e-9);
    return 0;
}
