/* vmath for the level avx512 of nnlib/cpu. */
#include "nnlib/vmath_loops.h"

VMATH_TABLE(avx512);
